// The timestamp of a SYN cookie lags behind the server's clock, as its next segment shows.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct StampLagTests {
    private func lag(_ text: String) -> Int64? {
        let play = Play()
        var file = CaseFile(number: 1)
        play.observer = { event, _ in file.take(event) }
        play.feed(text)
        return file.stampLag
    }

    @Test func anOrdinaryServersClockGoesOn() {
        #expect(
            lag(
                "0.000 > S 0:0 ts 9 0\n0.001 < S. 0:0 ack 1 ts 1000 9\n0.002 > . 1:1 ack 1\n0.041 < . 1:1 ack 1 ts 1040 9"
            ) == 0)
        #expect(lag("0.000 > S 0:0 ts 9 0\n0.001 < S. 0:0 ack 1 ts 1000 9\n0.002 < . 1:1 ack 1 ts 1002 9") == 1)
    }

    @Test func aCookiesStampIsBehind() {
        #expect(
            lag(
                "0.000 > S 0:0 ts 9 0\n0.001 < S. 0:0 ack 1 ts 1000 9\n0.003 > . 1:1 ack 1\n0.004 < . 1:1 ack 1 ts 1050 9"
            ) == 47)
        // Timestamps wrap.
        #expect(lag("0.000 > S 0:0 ts 9 0\n0.001 < S. 0:0 ack 1 ts 4294967290 9\n0.002 < . 1:1 ack 1 ts 34 9") == 39)
    }

    @Test func whatCannotBeTold() {
        #expect(lag("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n< . 1:1 ack 1") == nil)
        // After more than a second the two clocks differ; a retransmitted SYN-ACK does not come from a cookie.
        #expect(lag("0.0 > S 0:0 ts 9 0\n0.1 < S. 0:0 ack 1 ts 1000 9\n1.2 < . 1:1 ack 1 ts 2150 9") == 0)
        #expect(
            lag(
                "0.0 > S 0:0 ts 9 0\n0.1 < S. 0:0 ack 1 ts 1000 9\n0.2 < S. 0:0 ack 1 ts 1000 9\n0.3 < . 1:1 ack 1 ts 1300 9"
            ) == 0)
    }
}
