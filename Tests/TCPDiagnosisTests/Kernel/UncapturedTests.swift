// What kernel events show to have happened but the capture lacks: a filter left it out, or it was lost. No finding
// blames either side for it.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct UncapturedTests {
    /// A connection that the client opens, known to both kernels.
    private func open(_ segments: String) -> KernelCase {
        let play = KernelCase(segments)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.01, .responder, .transition(from: .listen, to: .synReceived), socket: 0xb)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.event(1.2, .responder, .transition(from: .synReceived, to: .established), socket: 0xb)
        return play
    }

    /// The server closes first; the capture has none of its FINs, or no FIN at all.
    private func closed(_ later: String) -> KernelCase {
        let play = open(exchange)
        play.read(10, play.client(.established), play.server(.established))
        play.event(300, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 8)
        play.event(300.1, .originator, .transition(from: .established, to: .closeWait), socket: 0xa)
        play.event(300.2, .responder, .transition(from: .finWait1, to: .finWait2), socket: 0xb)
        play.feed(later)
        play.event(600, .originator, .transition(from: .closeWait, to: .lastAck), socket: 0xa, pid: 7)
        play.event(600.1, .responder, .transition(from: .finWait2, to: .closed), socket: 0xb)
        play.event(600.2, .originator, .transition(from: .lastAck, to: .closed), socket: 0xa)
        for time in [1000.0, 1100] { play.read(time, play.server(.timeWait, inode: 0)) }
        return play
    }

    @Test func aFinThatWasNotCapturedIsNoSilence() {
        for later in ["", "0.6 > F. 6:6 ack 6\n0.6001 < . 6:6 ack 7"] {
            let play = closed(later)
            let found = play.conclude(2000)
            for code in [FindingCode.silentClose, .orphanFinWait2, .keepaliveDead, .halfOpenPeer] {
                #expect(!found.contains(code), "\(later): \(play.found)")
            }
        }
    }

    /// The kernels then show which side closed first, and the outcome; the socket that ends by its timer was in
    /// TIME_WAIT.
    @Test func whoClosedFirstTheKernelsTell() {
        for later in ["", "0.6 > F. 6:6 ack 6\n0.6001 < . 6:6 ack 7"] {
            let play = closed(later)
            let connection = play.play.connection
            #expect(connection.statesText == "CLOSED TIME_WAIT", "\(later)")
            #expect(connection.outcome == .closed && connection.isOutcomeKernels && connection.closer == .responder)
            // Zeek's label describes only what was captured.
            #expect("\(connection.zeekConnectionState)" == (later.isEmpty ? "S1" : "S2"))
            let said = [61000.0, 61100].flatMap { play.read($0) }
            let gone = said.compactMap { event -> TCPState? in
                if case .dropped(let from) = event.kind { from } else { nil }
            }
            #expect(gone == [.timeWait], "\(later): \(said)")
        }
    }

    /// Only readings: two that agree, without a segment between them.
    @Test func whoClosedFirstReadingsTell() {
        let play = KernelCase(exchange)
        play.read(10, play.client(.established), play.server(.established))
        for time in [100.0, 200, 300] { play.read(time, play.client(.closeWait), play.server(.finWait2)) }
        #expect(play.play.connection.statesText == "CLOSE_WAIT FIN_WAIT_2")
        #expect(play.play.connection.outcome == .halfClosed && play.play.connection.closer == .responder)
        play.feed("0.5 > F. 6:6 ack 7\n")
        #expect(play.play.connection.statesText == "LAST_ACK TIME_WAIT")
        for time in [600.0, 700] { play.read(time, play.server(.timeWait, inode: 0)) }
        #expect(play.play.connection.outcome == .closed && play.play.connection.closer == .responder)
        #expect(play.conclude(2000) == [.captureGap, .stateMismatch])
        #expect(play.message(.stateMismatch).hasSuffix("the packets show ESTABLISHED: segments were not captured"))
    }

    /// A socket that existed on the four-tuple before, stale or in TIME_WAIT, is not an answer as long as the client
    /// still retransmits its SYN.
    @Test(arguments: [TCPState.established, .timeWait, .closeWait, .finWait2])
    func H18_aStaleSocketIsNoAnswer(_ state: TCPState) {
        let play = KernelCase("> S 0:0\n1.01 > S 0:0")
        for time in [1100.0, 1200] { play.read(time, play.client(.synSent), play.server(state)) }
        #expect(play.play.connection.endpoint(.responder).state == .unseen)
        #expect(play.play.connection.outcome == .noAnswer)
    }

    /// A FIN that waits behind text was not sent yet: only the peer's state shows that it was.
    @Test func aFinThatWaitsIsNotSent() {
        let play = open(exchange)
        play.event(300, .originator, .transition(from: .established, to: .finWait1), socket: 0xa, pid: 7)
        #expect(play.play.connection.closer == nil && play.play.connection.statesText == "ESTABLISHED ESTABLISHED")
        play.event(400, .responder, .transition(from: .established, to: .closeWait), socket: 0xb)
        #expect(play.play.connection.closer == .originator)
        #expect(play.play.connection.statesText == "FIN_WAIT_1 CLOSE_WAIT")
    }

    /// A LAST_ACK that times out without an ACK is not an orderly end.
    @Test func aFinThatIsNeverAcknowledged() {
        let play = open(exchange + "< F. 6:6 ack 6\n> . 6:6 ack 7")
        play.event(300, .originator, .transition(from: .closeWait, to: .lastAck), socket: 0xa, pid: 7)
        play.event(900, .originator, .retransmit, socket: 0xa)
        play.event(100_000, .originator, .transition(from: .lastAck, to: .closed), socket: 0xa)
        #expect(play.play.connection.outcome == .halfClosed)
    }

    /// An answer that the client's kernel has is not missing, although it was not captured.
    @Test func anAnswerThatWasNotCapturedIsOne() {
        let play = open("> S 0:0")
        play.read(1100, play.client(.established), play.server(.established), play.listener(backlog: 10))
        #expect(!play.conclude(5000).contains(.synUnanswered), "\(play.found)")
        let unanswered = KernelCase("> S 0:0\n1.01 > S 0:0")
        unanswered.read(1100, unanswered.client(.synSent), unanswered.listener(backlog: 10))
        #expect(unanswered.conclude(5000).contains(.synUnanswered), "\(unanswered.found)")
    }

    /// A capture with only SYNs cannot show that a single SYN had no answer; a client that retries has had none.
    @Test func X15_aLoneSynInACaptureWithoutAnswers() {
        func words(_ play: KernelCase) -> String {
            _ = play.conclude(5000)
            return play.message(.synUnanswered)
        }
        let left =
            "no answer to any SYN was captured, so a filter or the capture point may have left it out; otherwise a firewall"
        #expect(words(KernelCase("> S 0:0")).contains(left))
        #expect(words(KernelCase("> S 0:0\n1 > S 0:0")).contains("after the last one: a firewall drops it silently"))
        // A RST that answers nothing was captured all the same, so the capture includes the server's side.
        let reset = KernelCase("> S 0:0\n0.1 < R 1:1")
        #expect(!words(reset).contains(left) && reset.found.map { $0.code } == [.synUnanswered])
        #expect(!reset.play.connection.mayLackAnswer(nil))
        // The client's kernel still retransmits.
        let asking = KernelCase("> S 0:0")
        asking.read(1100, asking.client(.synSent))
        #expect(!words(asking).contains(left) && asking.found.map { $0.code } == [.synUnanswered])
        // Other connections were answered.
        let play = KernelCase("> S 0:0")
        play.play.client.port += 1
        play.feed("0.1 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n")
        play.play.client.port -= 1
        play.feed("0.2 > S 0:0\n")
        #expect(!words(play).contains(left) && play.found.map { $0.code }.contains(.synUnanswered), "\(play.found)")
    }

    /// SO_KEEPALIVE alone ends nothing.
    @Test func aSocketThatWouldHaveAskedDidNotAskInVain() {
        for (code, closes) in [(nil, true), (nil, false), (110, false), (104, false)] as [(Int32?, Bool)] {
            let play = open(exchange)
            var client = play.client(.established)
            client.timer = .keepalive
            play.read(10, client, play.server(.established))
            if let code { play.event(900, .originator, .socketError(errno: code), socket: 0xa) }
            if closes {
                play.event(899, .originator, .transition(from: .established, to: .finWait1), socket: 0xa, pid: 7)
            }
            play.event(900, .originator, .transition(from: closes ? .finWait1 : .established, to: .closed), socket: 0xa)
            for time in [1000.0, 1100] { play.read(time, play.server(.established)) }
            #expect(
                play.conclude(2000).contains(.keepaliveDead) == (!closes && code != 104), "\(closes): \(play.found)")
        }
    }
}
