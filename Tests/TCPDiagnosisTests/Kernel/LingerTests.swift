// SO_LINGER 0, and closes that look like it.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct LingerTests {
    /// The message if the client's socket is destroyed this many milliseconds after its RST, or never.
    private func message(destroyedAfter delay: Double?, crossing: Bool = false) -> String {
        let play = KernelCase(exchange)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.feed("0.1 > R. 6:6 ack 6")
        play.event(99.99, .originator, .transition(from: .established, to: .closed), socket: 0xa, pid: 7)
        // Text that crosses the close is processed on another processor and finds no socket; its answer may be reported
        // first.
        if crossing { play.event(99.995, .originator, .resetSent(reason: .noSocket)) }
        play.event(100, .originator, .resetSent(reason: "TCP_STATE"), socket: 0xa, pid: 7)
        if let delay { play.event(100 + delay, .originator, .destroyed, socket: 0xa, pid: 7) }
        #expect(play.conclude(900) == [.resetLinger], "\(play.found)")
        return play.message(.resetLinger)
    }

    @Test func T12_oneCloseResetsAndDestroys() {
        #expect(message(destroyedAfter: 0.02).contains(" closed with SO_LINGER 0: a RST instead of a FIN"))
    }

    /// After close() with TCP_LINGER2 below 0, the ACK of the FIN is answered with RST. So is text, for the same
    /// reason.
    @Test(arguments: [true, false]) func T13_whoDoesNotWaitForThePeersFin(hasText: Bool) {
        let play = KernelCase(
            exchange + "> F. 6:6 ack 6\n" + (hasText ? "< P. 6:9 ack 6\n" : "< . 6:6 ack 7\n") + "> R 7:7\n")
        play.event(7.1, .originator, .transition(from: .established, to: .finWait1), socket: 0xa, pid: 7)
        play.event(8.1, .originator, .resetSent(reason: "TCP_ABORT_ON_DATA"), socket: 0xa)
        let found = play.conclude(900)
        let isNamed = play.message(.reset).contains(
            "does not wait for the peer's FIN (TCP_LINGER2 below 0): its kernel answered the ACK of its own FIN with RST"
        )
        #expect(isNamed != hasText && found.contains(.resetAfterClose) == hasText, "\(play.found)")
    }

    /// MPTCP reports the same reason for every end, so the reason does not prove that data was unread.
    @Test(arguments: [("mptcp 7", FindingCode.reset), ("", .resetUnreadData)])
    func E22_anMPTCPConnectionIsEndedAtOnce(option: String, code: FindingCode) {
        let play = KernelCase(handshake + "> P. 1:3 ack 1\n< . 1:1 ack 3\n0.1 > R. 3:3 ack 1 \(option)")
        play.event(104.99, .originator, .transition(from: .established, to: .closed), socket: 0xa, pid: 7)
        play.event(105, .originator, .resetSent(reason: "TCP_ABORT_ON_CLOSE"), socket: 0xa, pid: 7)
        #expect(play.conclude(900) == [code], "\(play.found)")
        #expect(play.message(.reset).contains("ended the MPTCP connection abruptly (MP_FASTCLOSE)") == !option.isEmpty)
    }

    /// shutdown(SHUT_WR), then close() with SO_LINGER 0.
    @Test func T12_aRSTBehindTheFin() {
        let play = KernelCase(exchange + "> F. 6:6 ack 6\n< . 6:6 ack 7\n0.1 > R. 7:7 ack 6")
        play.event(100, .originator, .resetSent(reason: "TCP_STATE"), socket: 0xa, pid: 7)
        play.event(100.02, .originator, .destroyed, socket: 0xa, pid: 7)
        #expect(play.conclude(900) == [.resetLinger], "\(play.found)")
        #expect(
            play.message(.resetLinger).contains(" closed with SO_LINGER 0: a RST after its FIN, and no TIME_WAIT"),
            "\(play.found)")
    }

    @Test func T12_anAnswerToWhatCrossesItIsNotTheReason() {
        #expect(
            message(destroyedAfter: 0.02, crossing: true).contains(" closed with SO_LINGER 0: a RST instead of a FIN"))
    }

    @Test func T12_whoKeepsTheSocketMayHaveDisconnectedIt() {
        #expect(
            message(destroyedAfter: nil).contains(
                " closed with SO_LINGER 0 (or, rarely, called connect() with AF_UNSPEC): a RST"))
        #expect(
            message(destroyedAfter: 500).contains(" disconnected (connect() with AF_UNSPEC), and closed the socket"))
    }
}
