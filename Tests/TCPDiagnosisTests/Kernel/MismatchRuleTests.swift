// Differences between the kernel's view and the wire that have a known reason.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct MismatchRuleTests {
    @Test func aFinThatDoesNotGetOut() {
        let play = KernelCase(exchange)
        for time in [100.0, 200] {
            play.read(time, play.client(.finWait1, inode: 0, unacknowledged: 1), play.server(.established))
        }
        #expect(play.review(400) == [.stateMismatch])
        #expect(
            play.message(.stateMismatch).contains("its FIN was not captured: a firewall rule on this host dropped it"))
    }

    /// A writer closes before a slow reader has read: nothing is wrong (RFC 9293 3.10.4). Packets that the reader's TCP
    /// drops after its own abort were not dropped on their way out.
    @Test(arguments: [nil, "NO_SOCKET", "TCP_ABORT_ON_DATA", "NETFILTER_DROP"] as [KernelWord?])
    func aFinThatWaitsBehindText(drop: KernelWord?) {
        let play = KernelCase(exchange)
        play.tellsDropEnds = true
        for time in [100.0, 200] {
            play.read(
                time, play.client(.finWait1, inode: 0, unacknowledged: 2049), play.server(.established))
        }
        #expect(play.review(400) == [])
        if let drop { play.event(7600, .responder, .dropped(reason: drop)) }
        #expect(!play.conclude(9000).contains(.stateMismatch), "\(play.found)")
    }

    /// A program has closed, but its FIN does not get out: in another network namespace only events reveal it.
    @Test func aCloseThatNobodyHears() {
        for unread in [0, 7] as [UInt32] {
            let play = KernelCase(exchange)
            play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
            play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
            play.event(500, .originator, .transition(from: .established, to: .finWait1), socket: 0xa, pid: 7)
            if unread > 0 {
                for time in [600.0, 700] {
                    play.read(
                        time, play.client(.finWait1, inode: 0, unacknowledged: unread), play.server(.established))
                }
            }
            #expect(play.review(1000) == [], "a FIN may wait for a while")
            #expect(play.review(6000) == [.stateMismatch], "\(play.found)")
            let cause =
                unread == 0
                ? "its FIN was not captured: it was dropped on its way out, or is waiting behind data that the peer has not acknowledged"
                : "its FIN is waiting behind 6 octets that the peer has not acknowledged; no process owns the socket any more"
            #expect(
                play.message(.stateMismatch)
                    == "the kernel reports FIN_WAIT_1 for the client (p7[7]), but the packets show ESTABLISHED: it has closed, but \(cause)"
            )
        }
        let late = KernelCase(exchange)
        late.event(500, .originator, .transition(from: .established, to: .finWait1), socket: 0xa, pid: 7)
        late.feed("4 > F. 6:6 ack 6\n< . 6:6 ack 7")
        #expect(!late.review(6000).contains(.stateMismatch), "it came")
    }

    /// A server writes more than fits and closes; the client's FIN arrives, and then the client reads. The kernel
    /// reports the close at once.
    @Test(arguments: [true, false]) func T4_aCloseBehindTextIsToldAtOnce(isTold: Bool) {
        let play = KernelCase(exchange)
        if isTold {
            play.event(6.5, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 8)
        }
        play.feed(
            """
            < P. 6:1006 ack 6
            > F. 6:6 ack 6
            < . 1006:1006 ack 7
            > . 7:7 ack 1006
            < F. 1006:2006 ack 7
            """)
        let server = play.play.connection.endpoint(.responder).state
        #expect(server == (isTold ? .closing : .lastAck))
        play.feed("> . 7:7 ack 2007\n")
        #expect(play.play.connection.statesText == (isTold ? "TIME_WAIT TIME_WAIT" : "TIME_WAIT CLOSED"))
        for time in [100.0, 200] {
            play.read(time, play.client(.timeWait, inode: 0), play.server(.timeWait, inode: 0))
        }
        #expect(!play.conclude(900).contains(.stateMismatch), "\(play.found)")
    }

    /// The events are read after all of it was captured, so the conclusions drawn meanwhile are revoked.
    @Test(arguments: [true, false]) func T4_aCloseThatIsToldLate(isAcknowledged: Bool) {
        let play = KernelCase(exchange + "> F. 6:6 ack 6\n< . 6:6 ack 7\n< F. 6:1006 ack 7\n")
        if isAcknowledged { play.feed("> . 7:7 ack 1007\n") }
        play.event(6.5, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 8)
        play.event(7.1, .responder, .transition(from: .finWait1, to: .closing), socket: 0xb)
        if isAcknowledged { play.event(10.1, .responder, .transition(from: .closing, to: .closed), socket: 0xb) }
        #expect(play.play.connection.endpoint(.responder).state == (isAcknowledged ? .timeWait : .closing))
        if !isAcknowledged { play.feed("> . 7:7 ack 1007\n") }
        for time in [100.0, 200] {
            play.read(time, play.client(.timeWait, inode: 0), play.server(.timeWait, inode: 0))
        }
        #expect(!play.conclude(900).contains(.stateMismatch), "\(play.found)")
    }

    /// A close after the peer's FIN leads to LAST-ACK, whatever waits before it.
    @Test func T3_aCloseAfterThePeersFin() {
        let play = KernelCase(exchange + "> F. 6:6 ack 6\n< . 6:6 ack 7\n")
        play.event(7.1, .responder, .transition(from: .established, to: .closeWait), socket: 0xb)
        play.event(8.5, .responder, .transition(from: .closeWait, to: .lastAck), socket: 0xb, pid: 8)
        play.feed("< F. 6:1006 ack 7\n> . 7:7 ack 1007\n")
        #expect(play.play.connection.statesText == "TIME_WAIT CLOSED")
    }

    /// This happens after every answer larger than the congestion window, followed by close().
    @Test func aFinThatOnlyWaitedForItsTurn() {
        let play = KernelCase(exchange)
        for time in [100.0, 200] {
            play.read(time, play.client(.finWait1, inode: 0, unacknowledged: 2049), play.server(.established))
        }
        play.feed("0.25 > F. 6:6 ack 6\n< . 6:6 ack 7\n< F. 6:6 ack 7\n> . 7:7 ack 7\n")
        #expect(!play.conclude(600).contains(.stateMismatch), "\(play.found)")
    }

    @Test func aFinThatIsDroppedOnItsWayOut() {
        let play = KernelCase(exchange)
        play.tellsDropEnds = true
        play.event(50, .responder, byRule)
        for time in [100.0, 200] {
            play.read(time, play.client(.finWait1, inode: 0, unacknowledged: 1), play.server(.established))
        }
        #expect(play.review(400) == [.stateMismatch])
        #expect(
            play.message(.stateMismatch).contains(
                "it has closed, and its segments were dropped on their way out: NETFILTER_DROP"), "\(play.found)")
    }

    @Test func aResetThatTheKernelDropped() {
        let play = KernelCase(exchange + "> R. 6:6 ack 6\n")
        play.event(8, .responder, byRule)
        #expect(play.play.connection.statesText == "CLOSED CLOSED")
        for time in [100.0, 200] { play.read(time, play.server(.established)) }
        #expect(play.play.connection.statesText == "CLOSED ESTABLISHED")
        // The sender of the RST is gone all the same.
        #expect(play.play.connection.outcome == .reset)
        #expect(play.view?.deniesEnd(of: play.play.connection) == true)
        // The next segment is answered with another RST, which arrives.
        play.feed("1 < P. 6:10 ack 6\n> R 6:6\n")
        #expect(play.play.connection.outcome == .reset && play.play.connection.statesText == "CLOSED CLOSED")
    }

    /// The ACK of a FIN was captured and then dropped, so the FIN will be retransmitted. A socket that has lost its
    /// peer, however, may stay for ever.
    @Test(arguments: [(TCPState.lastAck, true), (.established, false)])
    func anEndThatTheKernelDenies(_ state: TCPState, _ isDenied: Bool) {
        let end = state == .lastAck ? "> F. 6:6 ack 6\n< F. 6:6 ack 7\n> . 7:7 ack 7\n" : "< R. 6:6 ack 6\n"
        let play = KernelCase(exchange + end)
        #expect(play.play.connection.isEnded)
        for time in [100.0, 200] { play.read(time, play.server(state)) }
        #expect(play.view?.deniesEnd(of: play.play.connection) == isDenied)
    }

    /// connect() has failed with ETIMEDOUT, so the attempt is over.
    @Test func H1_aConnectThatIsGivenUpIsOver() {
        let play = KernelCase("> S 0:0\n1 > S 0:0\n")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.read(1100, play.client(.synSent))
        #expect(!play.play.connection.isEnded)
        play.event(3000, .originator, .socketError(errno: 110), socket: 0xa)
        play.event(3000, .originator, .transition(from: .synSent, to: .closed), socket: 0xa)
        for time in [3100.0, 3200] { play.read(time) }
        #expect(play.play.connection.isEnded && play.play.connection.outcome == .noAnswer)
        #expect(play.conclude(5000) == [.synUnanswered])
        #expect(
            play.message(.synUnanswered).contains(
                "2 SYNs in 1s got no answer from 127.0.0.1:9500 in the 2s after the last one"), "\(play.found)")
    }

    /// The answer arrives after the client has given up; it does not belong to another connection.
    @Test func H2_anAnswerThatComesTooLate() {
        let play = KernelCase("> S 0:0\n")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.read(100, play.client(.synSent))
        play.event(300, .originator, .transition(from: .synSent, to: .closed), socket: 0xa)
        for time in [400.0, 500] { play.read(time) }
        #expect(play.play.connection.isEnded)
        play.feed("0.8 < S. 0:0 ack 1\n> R 1:1\n")
        #expect(play.play.connection.number == 1 && play.play.timeline.connectionCount == 1)
    }

    /// The event has the time of the end; readings that miss the socket come later.
    @Test func aSocketIsGoneFromWhenItsEndWasTold() throws {
        let play = KernelCase(exchange)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.read(10, play.client(.established), play.server(.established))
        play.event(3000, .originator, .transition(from: .established, to: .closed), socket: 0xa)
        // The error comes too late to belong to the same call.
        play.event(3050, .originator, .socketError(errno: 110), socket: 0xa)
        let said = [3400.0, 3500].flatMap { play.read($0, play.server(.established)) }
        let gone = said.first {
            if case .dropped = $0.kind { true } else { false }
        }
        #expect(gone?.time == epoch.advanced(by: 3000 * Span.millisecond), "\(said)")
        #expect(play.conclude(4000) == [.silentClose])
        #expect(
            play.message(.silentClose).contains("in ESTABLISHED after 2.9s without a segment from the peer"),
            "\(play.found)")
    }

    /// A client has closed and its FIN waits behind text when the peer closes: the state is CLOSING, not CLOSE-WAIT
    /// (RFC 9293 3.10.4).
    @Test func aFinThatWaitsGoesByClosing() {
        let play = KernelCase(exchange)
        for time in [100.0, 200] {
            play.read(
                time, play.client(.finWait1, inode: 0, unacknowledged: 9), play.server(.established), owners: [22: 8])
        }
        play.feed("0.3 < F. 6:6 ack 6\n> . 6:6 ack 7\n")
        for time in [500.0, 600] {
            play.read(time, play.client(.closing, inode: 0, unacknowledged: 9), play.server(.finWait2), owners: [22: 8])
        }
        #expect(!play.review(900).contains(.stateMismatch), "\(play.found)")
        play.feed("1 > F. 6:6 ack 7\n")
        #expect(play.play.connection.endpoint(.originator).state == .closing)
        play.feed("1.001 < . 7:7 ack 7\n")
        #expect(play.play.connection.endpoint(.originator).state == .timeWait)
    }
}
