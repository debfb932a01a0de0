// Which ACKs are called delayed: those for which only their sender's delay can account (RFC 9293 3.8.6.3, RFC 5681
// 4.2).

import Exchanges
import Testing

@testable import TimelineReport

@Suite struct AckPaceTests {
    /// Captured at the client; the round trip to the server takes a millisecond.
    private static let opening = "0 > S 0:0 mss 1460\n0.001 < S. 0:0 ack 1 mss 1460\n0.0011 > . 1:1 ack 1\n"

    private func isDelayed(_ text: String, opening: String = AckPaceTests.opening) -> Bool {
        ladder(opening + text).contains { $0.contains("(delayed") }
    }

    @Test func whatWaitsForMore() {
        #expect(isDelayed("1 > P. 1:11 ack 1\n1.041 < . 1:1 ack 11"))
        // One full segment and a small one.
        #expect(isDelayed("1 > P. 1:1461 ack 1\n> P. 1461:1500 ack 1\n1.041 < . 1:1 ack 1500"))
        #expect(isDelayed("1 > F. 1:1 ack 1\n1.041 < . 1:1 ack 2"))
    }

    /// Two full segments are acknowledged at once, so the path takes that long, because of a queue for instance.
    @Test(arguments: [
        "1 > P. 1:2921 ack 1\n1.061 < . 1:1 ack 2921",
        "1 > . 1:1461 ack 1\n> . 1461:2921 ack 1\n1.061 < . 1:1 ack 2921",
        // With timestamps, segments are smaller than the MSS option suggests.
        "1 > . 1:1449 ack 1\n> . 1449:2897 ack 1\n1.061 < . 1:1 ack 2897",
    ])
    func aSecondFullSegmentIsNotWaitedFor(_ text: String) { #expect(!isDelayed(text)) }

    /// The round trip had become longer just before.
    @Test func whatTheWayTakes() {
        let queued = "1 > P. 1:2921 ack 1\n1.061 < . 1:1 ack 2921\n"
        #expect(!isDelayed(queued + "1.1 > P. 2921:2931 ack 1\n1.165 < . 1:1 ack 2931"))
        #expect(isDelayed(queued + "1.1 > P. 2921:2931 ack 1\n1.205 < . 1:1 ack 2931"))
        // A while later the queue may be empty again.
        #expect(isDelayed(queued + "5 > P. 2921:2931 ack 1\n5.045 < . 1:1 ack 2931"))
    }

    /// TCP allows half a second: a receiver that takes longer was held up, and its ACK proves no delay.
    @Test func whatTakesTooLong() {
        #expect(isDelayed("1 > P. 1:11 ack 1\n1.21 < . 1:1 ack 11"))
        #expect(!isDelayed("1 > P. 1:11 ack 1\n1.6 < . 1:1 ack 11"))
        let far = "0 > S 0:0 mss 1460\n0.6 < S. 0:0 ack 1 mss 1460\n0.6001 > . 1:1 ack 1\n"
        #expect(!isDelayed("1 > P. 1:11 ack 1\n2.1 < . 1:1 ack 11", opening: far))
    }

    /// A forged ACK acknowledges nothing.
    @Test func whatIsForged() {
        let blind = "0.5 < . 1:1 ack 2000000000\n"
        #expect(isDelayed(blind + "1 > P. 1:11 ack 1\n1.041 < . 1:1 ack 11"))
    }

    /// Far from the receiver, its ACKs arrive late without any delay.
    @Test func farFromTheReceiver() {
        let far = "0 > S 0:0 mss 1460\n0.12 < S. 0:0 ack 1 mss 1460\n0.1201 > . 1:1 ack 1\n"
        #expect(!isDelayed("1 > P. 1:11 ack 1\n1.121 < . 1:1 ack 11", opening: far))
        #expect(isDelayed("1 < P. 1:11 ack 1\n1.041 > . 1:1 ack 11", opening: far))
    }
}
