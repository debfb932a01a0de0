// RSTs that the kernel reports but the capture lacks: a filter left them out, only one direction was captured, or they
// were lost. They end connections like any others.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct UncapturedResetTests {
    /// A connection with both ends on this host, or only the client's.
    private func open(_ segments: String, hasServer: Bool = true) -> KernelCase {
        let play = KernelCase(segments)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        guard hasServer else { return play }
        play.event(0.01, .responder, .transition(from: .listen, to: .synReceived), socket: 0xb)
        play.event(1.2, .responder, .transition(from: .synReceived, to: .established), socket: 0xb)
        return play
    }

    /// The client's kernel receives a RST, and reports the error to its program.
    private func take(_ play: KernelCase, _ from: TCPState, errno: Int32) {
        play.event(300.03, .originator, .resetReceived, socket: 0xa)
        play.event(300.04, .originator, .transition(from: from, to: .closed), socket: 0xa)
        play.event(300.05, .originator, .socketError(errno: errno), socket: 0xa)
    }

    /// On loopback, the effect of a RST is reported before the RST itself.
    @Test(arguments: [true, false]) func T12_anAbortHasItsCause(isEffectFirst: Bool) {
        let play = open(exchange)
        play.event(300, .responder, .transition(from: .established, to: .closed), socket: 0xb, pid: 8)
        if isEffectFirst { take(play, .established, errno: 104) }
        play.event(300.06, .responder, .resetSent(reason: "TCP_ABORT_ON_CLOSE"), socket: 0xb, pid: 8)
        if !isEffectFirst { take(play, .established, errno: 104) }
        let connection = play.play.connection
        #expect(connection.statesText == "CLOSED CLOSED")
        #expect(connection.outcome == .reset && connection.isOutcomeKernels && connection.closer == .responder)
        #expect("\(connection.zeekConnectionState)" == "S1", "Zeek's word is what was captured")
        for time in [400.0, 500] { play.read(time) }
        #expect(play.conclude(2000) == [.resetUnreadData], "\(play.found)")
        #expect(
            play.message(.resetUnreadData).hasSuffix(
                "octets still unread: they are lost; the RST was not captured; the client (p7[7]) gets ECONNRESET"),
            "\(play.found)")
    }

    /// A host that has a socket did not send the RST in its name.
    @Test func whoHasASocketSentNoReset() {
        let play = open(exchange)
        take(play, .established, errno: 104)
        #expect(play.play.connection.statesText == "CLOSED ESTABLISHED")
        for time in [400.0, 500] { play.read(time, play.server(.established)) }
        #expect(play.conclude(2000) == [.middlebox], "\(play.found)")
    }

    /// The peer is on another host: that the RST arrived is inferred, as for one that was captured.
    @Test func anAbortOfWhichOneEndIsHere() {
        let play = open(exchange, hasServer: false)
        play.event(300, .originator, .transition(from: .established, to: .closed), socket: 0xa, pid: 7)
        play.event(300.01, .originator, .resetSent(reason: "TCP_STATE"), socket: 0xa, pid: 7)
        play.event(300.02, .originator, .destroyed, socket: 0xa, pid: 7)
        #expect(play.play.connection.statesText == "CLOSED CLOSED" && play.play.connection.closer == .originator)
        #expect(play.conclude(2000) == [.resetLinger], "\(play.found)")
        let other = open(exchange, hasServer: false)
        take(other, .established, errno: 104)
        #expect(other.play.connection.statesText == "CLOSED CLOSED" && other.play.connection.closer == .responder)
        #expect(other.conclude(2000) == [.reset], "\(other.found)")
        #expect(other.message(.reset).contains("accepted its RST, which was not captured"), "\(other.found)")
    }

    /// The keep-alive timer sends the RST before the socket goes.
    @Test func E3_keepAlivesRanOut() {
        let play = open(exchange, hasServer: false)
        play.event(300, .originator, .resetSent(reason: .keepaliveTimeout), socket: 0xa)
        #expect(play.play.connection.outcome == .open)
        play.event(300.01, .originator, .socketError(errno: 110), socket: 0xa)
        play.event(300.02, .originator, .transition(from: .established, to: .closed), socket: 0xa)
        #expect(play.play.connection.outcome == .reset)
        #expect(play.conclude(2000) == [.keepaliveDead], "\(play.found)")
    }

    /// Text for a closed socket: the remaining TIME_WAIT socket answers it. While the FIN is not acknowledged, or
    /// SO_LINGER delays the end, the socket itself does, and Linux first reports it as reset.
    @Test(arguments: ["TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA", "NO_SOCKET"] as [KernelWord])
    func T14_textForAClosedSocket(reason: KernelWord) {
        let play = open(exchange + "< F. 6:6 ack 6\n> . 6:6 ack 7\n> P. 6:11 ack 7\n")
        play.event(7.1, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 8)
        play.event(7.2, .originator, .transition(from: .established, to: .closeWait), socket: 0xa)
        play.event(8.1, .responder, .transition(from: .finWait1, to: .finWait2), socket: 0xb)
        if reason == "TCP_ABORT_ON_DATA" { play.event(9.1, .responder, .resetReceived, socket: 0xb) }
        play.event(9.11, .responder, .transition(from: .finWait2, to: .closed), socket: 0xb)
        play.event(9.2, .responder, .resetSent(reason: reason))
        take(play, .closeWait, errno: 32)
        #expect(play.play.connection.statesText == "CLOSED CLOSED")
        #expect(play.play.connection.outcome == .reset && play.play.connection.closer == .responder)
        #expect(play.conclude(2000) == [.resetAfterClose], "\(play.found)")
        #expect(
            play.message(.resetAfterClose).hasSuffix("the next write fails with EPIPE; the RST was not captured"),
            "\(play.found)")
    }

    /// Nor was its FIN captured, so it is unknown which text was answered.
    @Test func T14_neitherFinNorResetWasCaptured() {
        let play = open(exchange + "> P. 6:11 ack 6\n")
        play.event(7.1, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 8)
        play.event(7.2, .originator, .transition(from: .established, to: .closeWait), socket: 0xa)
        play.event(7.3, .responder, .transition(from: .finWait1, to: .finWait2), socket: 0xb)
        play.event(7.4, .responder, .transition(from: .finWait2, to: .closed), socket: 0xb)
        play.event(9.2, .responder, .resetSent(reason: "TCP_TIMEWAIT_SOCKET"))
        take(play, .closeWait, errno: 32)
        #expect(play.play.connection.outcome == .reset && play.play.connection.closer == .responder)
        let found = play.conclude(2000)
        #expect(found.contains(.resetAfterClose) && !found.contains(.orphanFinWait2), "\(play.found)")
        #expect(
            play.message(.resetAfterClose).hasSuffix(
                "it is lost; neither the FIN nor the RST was captured; the client (p7[7]) gets EPIPE"), "\(play.found)")
    }

    @Test func H3_aRefusedCall() {
        let play = KernelCase("> S 0:0")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.01, .responder, .resetSent(reason: .noSocket))
        #expect(play.play.connection.outcome == .noAnswer, "it may not get out")
        take(play, .synSent, errno: 111)
        #expect(play.play.connection.outcome == .refused && play.play.connection.isOutcomeKernels)
        #expect(play.conclude(2000) == [.refused], "\(play.found)")
        #expect(
            play.message(.refused)
                == "nothing listens on 127.0.0.1:9500; connect() fails with ECONNREFUSED; the RST was not captured")
    }

    /// A socket may answer a bad segment with RST and stay; its peer stays too if the RST's number is not the expected
    /// one.
    @Test func E15_aResetThatEndsNothing() {
        let play = open(exchange + "> R 9:9\n")
        play.event(300, .responder, .resetSent(reason: "TCP_TOO_OLD_ACK"), socket: 0xb)
        #expect(play.play.connection.endpoint(.responder).state == .established)
        #expect(play.view?.responder.trace.wasReset == false)
    }

    /// The text before the RST did not arrive, so its number looks old (or, after a hole, unexpected). The kernel
    /// obeyed it, so the verdict is revoked, and nothing is missing.
    @Test(arguments: ["> P. 6:10 ack 6\n300.01 > R 6:6\n", "300.01 > R. 60:60 ack 6\n"])
    func E16_aCapturedResetThatWasCalledIgnored(_ segments: String) {
        let play = open(exchange + segments)
        #expect(play.play.connection.endpoint(.responder).state == .established)
        play.event(300_010.03, .responder, .resetReceived, socket: 0xb)
        play.event(300_010.04, .responder, .transition(from: .established, to: .closed), socket: 0xb)
        play.event(300_010.05, .responder, .socketError(errno: 104), socket: 0xb)
        let connection = play.play.connection
        #expect(connection.statesText == "CLOSED CLOSED" && connection.outcome == .reset)
        #expect(!connection.isOutcomeKernels && connection.closer == .originator)
        for time in [300_110.0, 300_200] { play.read(time) }
        let found = play.conclude(302_000)
        #expect(!found.contains(.rstIgnored) && !found.contains(.stateMismatch), "\(play.found)")
        #expect(!play.found.contains { $0.message.contains("not captured") }, "\(play.found)")
    }

    /// If the RST was captured, it is not reported as missing.
    @Test func aCapturedResetIsNotMissed() {
        let play = open(exchange + "300.01 < R. 6:6 ack 6\n")
        play.event(300, .responder, .transition(from: .established, to: .closed), socket: 0xb, pid: 8)
        play.event(300.02, .responder, .resetSent(reason: "TCP_ABORT_ON_CLOSE"), socket: 0xb, pid: 8)
        take(play, .established, errno: 104)
        #expect(play.play.connection.outcome == .reset && !play.play.connection.isOutcomeKernels)
        #expect(play.conclude(2000) == [.resetUnreadData], "\(play.found)")
        #expect(!play.message(.resetUnreadData).contains("not captured"), "\(play.found)")
    }
}
