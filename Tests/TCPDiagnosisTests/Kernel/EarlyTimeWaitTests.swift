// A TIME_WAIT that no timer ended, and a FIN_WAIT_2, which Linux keeps in the same table.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct EarlyTimeWaitTests {
    @Test func aTimeWaitThatIsGoneEarly() {
        func isEarly(_ milliseconds: Double) -> Bool? {
            let play = KernelCase(handshake + "> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2")
            play.event(3, .originator, .transition(from: .finWait2, to: .closed), socket: 0xa)
            play.read(milliseconds)
            return play.read(milliseconds + 100).first {
                if case .dropped(from: .timeWait) = $0.kind { true } else { false }
            }?.isEarly
        }
        #expect(isEarly(500) == true && isEarly(61_000) == false)
    }

    /// The peer closes later, when the socket is gone: the finding is the same as before.
    private func orphan(goneAt milliseconds: Double, overflows: UInt64 = 0) -> KernelCase {
        let play = KernelCase(exchange + "< F. 6:6 ack 6\n> . 6:6 ack 7\n")
        play.event(6.5, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 8)
        play.event(8.1, .responder, .transition(from: .finWait1, to: .finWait2), socket: 0xb)
        play.event(8.2, .responder, .transition(from: .finWait2, to: .closed), socket: 0xb)
        if overflows > 0 { play.count(0, ["TcpExtTCPTimeWaitOverflow": overflows]) }
        for time in [milliseconds - 40, milliseconds] { play.read(time, play.client(.closeWait)) }
        play.feed("100 > F. 6:6 ack 7\n< R 7:7\n")
        return play
    }

    @Test func T11_aFinWait2ThatIsGoneEarly() {
        let play = orphan(goneAt: 160, overflows: 2)
        #expect(play.conclude(102_000).contains(.orphanFinWait2), "\(play.found)")
        #expect(
            play.message(.orphanFinWait2).contains(
                "left FIN_WAIT_2 after 154ms, sooner than any timer ends it: this host had no room for another TIME_WAIT socket"
            ),
            "\(play.found)")
        #expect(
            play.message(.orphanFinWait2).contains("(net.ipv4.tcp_max_tw_buckets, exceeded 2 times in that period)"),
            "\(play.found)")
        let single = orphan(goneAt: 160, overflows: 1)
        single.conclude(102_000)
        #expect(
            single.message(.orphanFinWait2).contains("(net.ipv4.tcp_max_tw_buckets, exceeded 1 time in that period)"),
            "\(single.found)")
        let other = orphan(goneAt: 160)
        other.conclude(102_000)
        #expect(
            other.message(.orphanFinWait2).contains("tcp_max_tw_buckets), or a process destroyed it"), "\(other.found)")
    }

    @Test func T11_itsPeerWasInCloseWaitThen() {
        let play = orphan(goneAt: 2600)
        #expect(play.conclude(102_000).contains(.orphanFinWait2), "\(play.found)")
        #expect(
            play.message(.orphanFinWait2).hasSuffix("dropped silently: the peer is left in CLOSE_WAIT"), "\(play.found)"
        )
    }
}
