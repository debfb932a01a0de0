// A socket that went silently, and the RST with which its host answers later: if the kernel has reported the end, it is
// not guessed a second time.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct SilentCloseTests {
    /// The client's socket is gone after a timeout; then the server sends something.
    private func gone(_ later: String, after text: String = "") -> KernelCase {
        let play = KernelCase(exchange + text)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.read(10, play.client(.established), play.server(.established))
        play.event(3000, .originator, .socketError(errno: 110), socket: 0xa)
        play.event(3000, .originator, .transition(from: .established, to: .closed), socket: 0xa)
        for time in [3400.0, 3500] { play.read(time, play.server(.established)) }
        play.feed(later)
        return play
    }

    @Test func E13_whatTheKernelSaidIsNotGuessed() {
        let play = gone("5 < P. 6:19 ack 6\n> R 6:6\n")
        #expect(play.conclude(5300) == [.halfOpenPeer, .silentClose], "\(play.found)")
        #expect(
            play.message(.halfOpenPeer)
                == "the server sent a segment on a connection whose socket the kernel of the client (p7[7]) had dropped"
                + " 2s earlier; 13 octets that it sent are lost", "\(play.found)")
        #expect(
            play.message(.silentClose).contains(
                " and no packet says so: the peer considered the connection open until one of its segments was answered with a RST, 2s"
                    + " later; "),
            "\(play.found)")
    }

    /// Linux probes a shut window for as long as the peer answers. Where nothing was in flight, keep-alives may have failed.
    @Test func E13_soSoonOnlyByRequest() {
        let words = "(so soon only with TCP_USER_TIMEOUT, or a lower net.ipv4.tcp_retries2)"
        let shut = gone("", after: "0.5 < . 6:6 ack 6 win 0\n0.8 > . 5:5 ack 6\n0.81 < . 6:6 ack 6 win 0\n")
        _ = shut.conclude(5300)
        #expect(shut.message(.silentClose).contains("shut for 2.5s \(words), and no packet says so"), "\(shut.found)")
        let idle = gone("")
        _ = idle.conclude(5300)
        #expect(idle.message(.silentClose).contains("without a segment from the peer, and no packet"), "\(idle.found)")
    }

    /// The kernel reports the error and the end in either order, and the server is killed before the tables are read.
    /// The RST met no socket, so it did not cause the error.
    @Test(arguments: [true, false], [true, false]) func E13_theResetComesAtOnce(isEndFirst: Bool, hasRead: Bool) {
        let play = KernelCase(exchange)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        let end = SocketEvent.Kind.transition(from: .established, to: .closed)
        if isEndFirst { play.event(3000, .originator, end, socket: 0xa) }
        play.event(3000.01, .originator, .socketError(errno: 110), socket: 0xa)
        if !isEndFirst { play.event(3000.02, .originator, end, socket: 0xa) }
        #expect(play.play.connection.statesText == "CLOSED ESTABLISHED")
        if hasRead { for time in [3100.0, 3200] { play.read(time, play.server(.established)) } }
        play.feed("3.5 < R. 6:6 ack 6\n")
        play.event(3500.01, .responder, .resetSent(reason: "TCP_ABORT_ON_CLOSE"), socket: 0xb, pid: 8, isEnding: true)
        #expect(play.conclude(5300) == [.resetKilled, .silentClose], "\(play.found)")
        #expect(!play.message(.resetKilled).contains("ETIMEDOUT"), "\(play.found)")
        #expect(
            play.message(.silentClose).contains("the peer considered the connection open until it sent a RST itself, "),
            "\(play.found)")
        #expect(play.message(.silentClose).hasSuffix("gets ETIMEDOUT"), "\(play.found)")
    }

    /// An orphan gets no error; by the time its memory is released, no RST was reported.
    @Test func E13_anOrphanGivesUp() {
        let play = KernelCase(exchange + "> F. 6:6 ack 6\n")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.event(7, .originator, .transition(from: .established, to: .finWait1), socket: 0xa, pid: 7)
        play.event(3000, .originator, .transition(from: .finWait1, to: .closed), socket: 0xa)
        #expect(play.play.connection.endpoint(.originator).state != .closed)
        play.event(3000.01, .originator, .destroyed, socket: 0xa)
        #expect(play.play.connection.endpoint(.originator).state == .closed)
        #expect(play.conclude(5300).contains(.silentClose), "\(play.found)")
    }

    /// A RST that it received or sent, or the ACK of its FIN, ends the connection in another way.
    @Test(arguments: ["taken", "sent", "acknowledged"]) func whatEndsItOtherwise(_ end: String) {
        let play = KernelCase(exchange + "< F. 6:6 ack 6\n> F. 6:6 ack 7\n")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.event(7.1, .originator, .transition(from: .established, to: .closeWait), socket: 0xa)
        let isAcknowledged = end == "acknowledged"
        if isAcknowledged { play.event(8, .originator, .transition(from: .closeWait, to: .lastAck), socket: 0xa) }
        if end == "taken" { play.event(300, .originator, .resetReceived, socket: 0xa) }
        play.event(
            300.01, .originator, .transition(from: isAcknowledged ? .lastAck : .closeWait, to: .closed), socket: 0xa)
        if end == "sent" { play.event(300.02, .originator, .resetSent(reason: "TCP_STATE"), socket: 0xa, pid: 7) }
        play.event(300.03, .originator, .destroyed, socket: 0xa)
        #expect(!play.conclude(5300).contains(.silentClose), "\(play.found)")
    }

    /// The silent end is reported before the RST comes, and not again after it.
    @Test func E13_toldBeforeTheReset() {
        let play = gone("")
        #expect(play.review(4000) == [.silentClose])
        #expect(play.message(.silentClose).contains(": the peer still considers the connection open"))
        play.feed("5 < P. 6:19 ack 6\n> R 6:6\n")
        #expect(play.conclude(5300) == [.silentClose, .halfOpenPeer], "\(play.found)")
        #expect(!play.message(.halfOpenPeer).contains("NAT"), "\(play.found)")
    }

    /// The end of the other side's socket does not explain this side's RST.
    @Test func E13_withoutItsWordItIsAGuess() {
        let play = KernelCase(exchange + "5 < P. 6:19 ack 6\n> R 6:6\n")
        #expect(play.conclude(5300) == [.halfOpenPeer], "\(play.found)")
        #expect(play.message(.halfOpenPeer).contains("a NAT on the path forgot the connection, or it had aborted"))
    }

    /// The text before it was dropped by a rule, so its number looks old, but the kernel obeyed it.
    @Test func E16_aResetThatTheKernelObeyed() {
        func play() -> KernelCase { gone("5 < P. 6:19 ack 6\n> R 6:6\n", after: "> P. 6:10 ack 6\n") }
        let unknown = play()
        #expect(unknown.conclude(5300).contains(.rstIgnored), "\(unknown.found)")
        let told = play()
        told.event(5001, .responder, .socketError(errno: 104), socket: 0xb)
        told.event(5001, .responder, .transition(from: .established, to: .closed), socket: 0xb)
        for time in [5100.0, 5200] { told.read(time) }
        #expect(!told.conclude(5300).contains(.rstIgnored), "\(told.found)")
    }
}
