// The last segment retransmitted, by the timer or as a probe, and the evidence that this was needless.

import Exchanges
import TCPTimeline
import Testing

@Suite struct TailProbeTests {
    @Test(
        "E8: a timeout as long after the first as that was, and not twice as long, shows that the first was a probe",
        arguments: [true, false])
    func timeoutAfterProbe(hasSACK: Bool) {
        let options = hasSACK ? " sackOK" : ""
        let (play, statistics) = play(
            "> S 0:0\(options)\n< S. 0:0 ack 1\(options)\n> . 1:1 ack 1\n" + """
                0.1 > P. 1:5 ack 1
                0.307 > P. 1:5 ack 1
                0.515 > P. 1:5 ack 1
                0.931 > P. 1:5 ack 1
                1.767 > P. 1:5 ack 1
                """)
        let records = play.events.compactMap { $0.verdict.retransmission }
        let client = statistics[.originator]
        // Probes need SACK (RFC 8985 4).
        #expect(records.map(\.kind) == [hasSACK ? .timeoutOrProbe : .timeout, .timeout, .timeout, .timeout])
        #expect(records.map(\.followsProbe) == [false, hasSACK, false, false])
        #expect(records.map(\.timeouts) == (hasSACK ? [0, 1, 2, 3] : [1, 2, 3, 4]))
        #expect(client.count(.timeoutOrProbe) == 0 && client.retransmissions == 4)
        #expect(client.count(.tailLossProbe) == (hasSACK ? 1 : 0) && client.count(.timeout) == (hasSACK ? 3 : 4))
    }

    @Test("E8: the timer was started by the ACK of what was sent with it, and has doubled")
    func timeoutsThatDouble() {
        let (play, statistics) = play(
            "> S 0:0 sackOK\n< S. 0:0 ack 1 sackOK\n> . 1:1 ack 1\n" + """
                0.1 > P. 1:5 ack 1
                > P. 5:9 ack 1
                0.7 < . 1:1 ack 5
                1.5 > P. 5:9 ack 1
                3.1 > P. 5:9 ack 1
                """)
        #expect(play.events.compactMap { $0.verdict.retransmission?.followsProbe } == [false, false])
        #expect(play.last.verdict.retransmission?.timeouts == 2)
        let client = statistics[.originator]
        #expect(client.count(.timeout) == 2 && client.count(.timeoutOrProbe) == 0 && client.longestBackoff == 2)
    }

    @Test("E8: a repeated SYN-ACK restarts the timer: neither twice nor once as long says what the first was")
    func restartedTimer() {
        let (play, statistics) = play(
            "> S 0:0 sackOK\n< S. 0:0 ack 1 sackOK\n> . 1:1 ack 1\n" + """
                0.005 > P. 1:4 ack 1
                0.212 > P. 1:4 ack 1
                1.020 < S. 0:0 ack 1 sackOK
                1.0201 > . 4:4 ack 1
                2.332 > P. 1:4 ack 1
                """)
        #expect(play.last.verdict.retransmission?.timeouts == 1)
        let client = statistics[.originator]
        #expect(client.count(.timeout) == 1 && client.count(.timeoutOrProbe) == 1 && client.longestBackoff == 1)
    }

    @Test(
        "X5: without ACKs nobody knows how long the timer is: the last segment again, after its least time, may be by either"
    )
    func oneDirection() {
        let opening = "> S 0:0 sackOK\n> . 1:1 ack 1\n0.1 > P. 1:5 ack 1\n0.2 > P. 5:9 ack 1\n"
        let (late, statistics) = play(opening + "0.407 > P. 5:9 ack 1")
        #expect(late.last.verdict.retransmission?.kind == .timeoutOrProbe)
        #expect(!statistics.hears(.responder) && statistics.hears(.originator))
        // No timer is that short.
        let (soon, _) = play(opening + "0.215 > P. 5:9 ack 1")
        #expect(soon.last.verdict.retransmission?.kind == .tailLossProbe)
    }

    @Test(
        "E8: a lone segment that is sent again once, with SACK: by the timer or as a probe, which packets do not tell")
    func timeoutOrProbe() {
        let opening = "> S 0:0 sackOK\n< S. 0:0 ack 1 sackOK\n> . 1:1 ack 1\n"
        let (played, statistics) = play(opening + "0.1 > P. 1:5 ack 1\n0.307 > P. 1:5 ack 1\n0.308 < . 1:1 ack 5")
        let client = statistics[.originator]
        #expect(played.events.compactMap { $0.verdict.retransmission?.kind } == [.timeoutOrProbe])
        #expect(client.count(.timeoutOrProbe) == 1 && client.retransmissions == 1 && client.losses == 1)
        #expect(client.count(.timeout) == 0 && client.longestBackoff == 0)
        // The same for a FIN, and for the next lone segment.
        let (again, _) = play(
            opening + """
                0.1 > P. 1:5 ack 1
                0.307 > P. 1:5 ack 1
                0.308 < . 1:1 ack 5
                0.4 > F. 5:5 ack 1
                0.607 > F. 5:5 ack 1
                0.608 < . 1:1 ack 6
                """)
        #expect(again.events.compactMap { $0.verdict.retransmission?.kind } == [.timeoutOrProbe, .timeoutOrProbe])
        // With two segments in flight, the timer would retransmit the older one.
        let (older, _) = play(
            opening + "0.1 > . 1:5 ack 1\n> P. 5:9 ack 1\n0.307 > . 1:5 ack 1\n0.308 < . 1:1 ack 5")
        #expect(older.events.compactMap { $0.verdict.retransmission?.kind } == [.timeout])
    }

    @Test("E8: what Linux repeats in the ACK of a FIN is no D-SACK, and what was lost was lost")
    func staleBlock() {
        let opening = "> S 0:0 sackOK\n< S. 0:0 ack 1 sackOK\n> . 1:1 ack 1\n"
        let halfClosed =
            opening + """
                0.001 > F. 1:1 ack 1
                0.011 < . 1:1001 ack 2
                < . 1001:2001 ack 2
                < FP. 2001:3001 ack 2
                0.021 > . 2:2 ack 1001
                0.040 < F. 2001:3001 ack 2
                0.050 > . 2:2 ack 1001 sack 2001:3002
                0.0501 < . 1001:2001 ack 2

                """
        // Both copies were lost: a receiver that had the first one would have reported it before the second arrived.
        let (_, statistics) = play(halfClosed + "0.060 > . 2:2 ack 3002 sack 2001:3002")
        let server = statistics[.responder]
        #expect(server.retransmissions == 2 && server.losses == 2 && server.spurious == 0)
        #expect(statistics[.originator].duplicateSACKs == 0)
        // A copy that arrives after that ACK is reported as a duplicate.
        let (_, later) = play(halfClosed + "0.060 > . 2:2 ack 3002\n0.061 > . 2:2 ack 3002 sack 2001:3002")
        #expect(later[.responder].spurious == 1 && later[.originator].duplicateSACKs == 1)
    }

    @Test("E8, X4: a probe that comes sooner than the few round trips in the capture allow, shown by its D-SACK")
    func earlyProbe() {
        // The only round trip is a delayed ACK's; the sender, open for longer, knows of shorter ones.
        let exchange = """
            0 < P. 1:5 ack 1
            0.005 > P. 1:13 ack 5
            0.00502 < . 5:5 ack 13
            0.503 < P. 5:9 ack 13
            0.5035 < F. 9:9 ack 13
            0.5096 < F. 9:9 ack 13
            0.5097 > . 13:13 ack 10 sack 9:10
            """
        let (late, statistics) = play(exchange)
        let server = statistics[.responder]
        #expect(late.last.verdict.exposes?.kind == .tailLossProbe)
        #expect(server.count(.tailLossProbe) == 1 && server.count(.other) == 0)
        #expect(server.spurious == 1 && server.harmlessProbes == 1)
        // All round trips were captured: it came too soon for a probe.
        let (whole, known) = play(
            "-0.010 < S 0:0 sackOK\n-0.005 > S. 0:0 ack 1 sackOK\n-0.005 < . 1:1 ack 1\n" + exchange)
        #expect(whole.last.verdict.exposes?.kind == .other)
        #expect(known[.originator].count(.other) == 1 && known[.originator].harmlessProbes == 0)
    }
}
