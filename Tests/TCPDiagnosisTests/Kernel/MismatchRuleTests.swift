// Where the kernel's word and the wire's differ for a reason that is known.

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
            play.message(.stateMismatch).contains("its FIN was not captured: a firewall rule on this host drops it"))
    }

    @Test func aFinThatWaitsBehindText() {
        let play = KernelCase(exchange)
        for time in [100.0, 200] {
            play.read(
                time, play.client(.finWait1, inode: 0, unacknowledged: 2049), play.server(.established))
        }
        #expect(play.review(400) == [.stateMismatch])
        #expect(
            play.message(.stateMismatch).hasSuffix(
                ": it has closed, and its FIN waits behind 2048 octets that the peer has not acknowledged"))
    }

    /// An event told when; readings that miss the socket come later.
    @Test func aSocketIsGoneFromWhenItsEndWasTold() throws {
        let play = KernelCase(exchange)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.read(10, play.client(.established), play.server(.established))
        play.event(3000, .originator, .socketError(errno: 110), socket: 0xa)
        play.event(3000, .originator, .transition(from: .established, to: .closed), socket: 0xa)
        let said = [3400.0, 3500].flatMap { play.read($0, play.server(.established)) }
        let gone = said.first {
            if case .dropped = $0.kind { true } else { false }
        }
        #expect(gone?.time == epoch.advanced(by: 3000 * Span.millisecond), "\(said)")
        #expect(play.conclude(4000) == [.silentClose])
        #expect(play.message(.silentClose).contains("in ESTABLISHED after 2.9s without a word"), "\(play.found)")
    }

    /// A client has closed, its FIN waits behind text, and the peer closes meanwhile: CLOSING, and not CLOSE-WAIT (RFC 9293 3.10.4).
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
        play.review(900)
        #expect(play.message(.stateMismatch).contains("it has closed, and its FIN waits behind"), "\(play.found)")
        play.feed("1 > F. 6:6 ack 7\n")
        #expect(play.play.connection.endpoint(.originator).state == .closing)
        play.feed("1.001 < . 7:7 ack 7\n")
        #expect(play.play.connection.endpoint(.originator).state == .timeWait)
    }
}
