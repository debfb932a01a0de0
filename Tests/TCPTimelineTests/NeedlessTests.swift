// Which of several retransmissions was needless, and the kind of each, with many D-SACKs and timeouts.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite("Retransmissions among others") struct NeedlessTests {
    private let open = "> S 0:0 sackOK\n0.010 < S. 0:0 ack 1 sackOK\n0.020 > . 1:1 ack 1\n"

    private func play(_ text: String) -> (play: Play, client: DirectionStatistics) { playAll(open + text) }

    private func playAll(_ text: String) -> (play: Play, client: DirectionStatistics) {
        let play = Play(keepsStatistics: true)
        play.feed(text)
        guard let statistics = play.timeline.connections.statistics(of: play.last.connection) else {
            preconditionFailure("the timeline keeps statistics")
        }
        return (play, statistics[.originator])
    }

    @Test("E8: a SYN that was needless takes nothing from the text that was lost")
    func needlessOpening() {
        let (_, client) = playAll(
            """
            > S 0:0 ts 100 0
            1 > S 0:0 ts 1100 0
            1.010 < S. 0:0 ack 1 ts 900 100
            1.011 > . 1:1 ack 1 ts 1111 900
            1.020 > P. 1:101 ack 1 ts 1120 900
            1.400 > P. 1:101 ack 1 ts 1500 900
            1.450 < . 1:1 ack 101 ts 1340 1500
            """)
        #expect(client.spurious == 1 && client.spuriousOpenings == 1 && client.losses == 1)
        #expect(client.count(.opening) == 1 && client.retransmissions == 2)
    }

    @Test("RFC 6675 2: with SACK of more it is a duplicate ACK, whatever its window is; with the same blocks an update")
    func growingWindow() {
        let (play, client) = play(
            """
            0.100 > . 1:1001 ack 1
            > . 1001:2001 ack 1
            > . 2001:3001 ack 1
            > . 3001:4001 ack 1
            > . 4001:5001 ack 1
            0.115 < . 1:1 ack 1 win 500
            0.120 < . 1:1 ack 1 win 501 sack 1001:2001
            < . 1:1 ack 1 win 502 sack 1001:3001
            < . 1:1 ack 1 win 503 sack 4001:5001,1001:3001
            < . 1:1 ack 1 win 600 sack 4001:5001,1001:3001
            < . 1:1 ack 1 win 601 sack 2001:3001,1001:3001
            """)
        let notes = play.events.suffix(5).map { $0.notes }
        #expect(notes == [.duplicateAck, .duplicateAck, .duplicateAck, .windowUpdate, .windowUpdate])
        #expect(client.duplicateAcks == 3 && client.tripleDuplicateAcks == 1)
    }

    @Test("E8: a D-SACK tells of the latest copy, also if that was known to be needless before")
    func latestCopy() {
        let (play, client) = play(
            """
            0.100 > P. 1:101 ack 1
            0.400 > P. 1:101 ack 1
            0.410 < . 1:1 ack 101
            0.411 > P. 1:101 ack 1
            0.421 < . 1:1 ack 101 sack 1:101
            """)
        #expect(play.events[6].verdict.retransmission?.spurious == .acknowledgedBefore)
        #expect(play.last.verdict.exposes == nil)
        #expect(client.spurious == 1 && client.losses == 1)
    }

    @Test("E8: if the first copy arrives after four more, all four were needless, and each D-SACK names one")
    func lateFirstCopy() {
        let (play, client) = playAll(
            """
            > S 0:0 sackOK ts 100 0
            0.010 < S. 0:0 ack 1 sackOK ts 900 100
            0.020 > . 1:1 ack 1 ts 120 900
            0.100 > P. 1:7 ack 1 ts 200 900
            0.326 > P. 1:7 ack 1 ts 426 900
            0.558 > P. 1:7 ack 1 ts 658 900
            1.026 > P. 1:7 ack 1 ts 1126 900
            1.954 > P. 1:7 ack 1 ts 2054 900
            3.000 < . 1:1 ack 7 ts 3900 200
            < . 1:1 ack 7 ts 3900 426 sack 1:7
            < . 1:1 ack 7 ts 3900 658 sack 1:7
            < . 1:1 ack 7 ts 3900 1126 sack 1:7
            < . 1:1 ack 7 ts 3900 2054 sack 1:7
            """)
        #expect(play.events.suffix(5).map { $0.verdict.exposes?.frame } == [8, 5, 6, 7, nil])
        #expect(client.spurious == 4 && client.losses == 0)
        // A probe that timeouts followed is not one that merely outran a delayed ACK.
        #expect(client.count(.tailLossProbe) == 1 && client.harmlessProbes == 0)
    }

    @Test("E2: nor is anything needless because of the octet of a keep-alive")
    func keepAlive() {
        let (play, client) = play(
            """
            0.100 > P. 1:101 ack 1
            0.400 > P. 1:101 ack 1
            0.410 < . 1:1 ack 101
            60 > . 100:101 ack 1
            60.010 < . 1:1 ack 101 sack 100:101
            """)
        #expect(play.events[6].notes.contains(.keepAlive))
        #expect(client.spurious == 0 && client.losses == 1)
        // A keep-alive with the sequence number of the SYN.
        let idle = self.play("60 > . 0:1 ack 1\n60.010 < . 1:1 ack 1 sack 0:1")
        #expect(idle.client.spurious == 0)
    }

    @Test("E4: nor because of what is sent into a closed window")
    func closedWindow() {
        let (_, client) = play(
            """
            0.100 > P. 1:101 ack 1
            0.400 > P. 1:101 ack 1
            0.410 < . 1:1 ack 101 win 0
            0.700 > P. 1:101 ack 1
            0.710 < . 1:1 ack 101 win 0 sack 1:101
            """)
        #expect(client.spurious == 0 && client.losses == 1)
    }

    @Test("X8: a large segment of which one piece came twice was not needless")
    func pieces() {
        let part = "0.100 > P. 1:2001 ack 1\n0.400 > P. 1:2001 ack 1\n0.410 < . 1:1 ack 2001\n0.411 < . 1:1 ack 2001"
        #expect(play(part + " sack 1501:2001").client.spurious == 0)
        let pieces = ["1:501", "501:1001", "1001:1501", "1501:2001"].map { "< . 1:1 ack 2001 sack \($0)" }
        #expect(play(part + "\n" + pieces.joined(separator: "\n")).client.spurious == 1)
    }

    @Test("T3: whether a D-SACK counts the FIN behind the text or not", arguments: [100, 101])
    func finWithText(end: Int) {
        let text =
            "0.100 > F. 1:100 ack 1\n0.400 > F. 1:100 ack 1\n0.410 < . 1:1 ack 101\n0.411 < . 1:1 ack 101 sack 1:"
        #expect(play(text + "\(end)").client.spurious == 1)
    }

    @Test("RFC 7323 4.3: an ACK that was delayed echoes the segment before the probe, and says nothing of that")
    func delayedAck() {
        let open = "> S 0:0 ts 100 0\n0.001 < S. 0:0 ack 1 ts 900 100\n0.002 > . 1:1 ack 1 ts 102 900\n"
        let probed = """
            0.100 > P. 1:101 ack 1 ts 200 900
            > P. 101:201 ack 1 ts 200 900
            0.110 > P. 101:201 ack 1 ts 210 900

            """
        func spurious(_ text: String) -> UInt32? {
            let play = Play(keepsStatistics: true)
            play.feed(open + text)
            return play.timeline.connections.statistics(of: play.last.connection)?[.originator].spurious
        }
        #expect(spurious(probed + "0.111 < . 1:1 ack 201 ts 1011 200") == 0)
        // The previous segment was acknowledged before, so the echo refers to the probe.
        let acknowledged = probed.replacing("0.110", with: "0.102 < . 1:1 ack 101 ts 1002 200\n0.110")
        #expect(spurious(acknowledged + "0.111 < . 1:1 ack 201 ts 1011 200") == 1)
        #expect(spurious(acknowledged + "0.111 < . 1:1 ack 201 ts 1011 210") == 0)
    }

    @Test("E7: three duplicate ACKs, and nothing for long: the sender has no fast retransmission, or that was lost")
    func timeoutAfterDuplicates() {
        let (play, client) = play(
            """
            0.100 > P. 1:101 ack 1
            > P. 101:201 ack 1
            > P. 201:301 ack 1
            > P. 301:401 ack 1
            0.111 < . 1:1 ack 1 sack 101:201
            < . 1:1 ack 1 sack 101:301
            < . 1:1 ack 1 sack 101:401
            0.114 > P. 1:101 ack 1
            0.350 > P. 1:101 ack 1
            0.800 > P. 1:101 ack 1
            0.810 < . 1:1 ack 401
            """)
        #expect(play.events.compactMap { $0.verdict.retransmission?.kind } == [.fast, .timeout, .timeout])
        #expect(client.longestBackoff == 2)
    }

    @Test("E8: a probe waits from the latest ACK of something new, as RFC 8985 has it")
    func probeAfterAnAck() {
        let (play, _) = play(
            """
            0.100 > P. 1:101 ack 1
            0.110 < . 1:1 ack 101
            0.200 > P. 101:201 ack 1
            > P. 201:301 ack 1
            0.390 < . 1:1 ack 201
            0.440 > P. 201:301 ack 1
            """)
        #expect(play.last.verdict.retransmission?.kind == .tailLossProbe)
    }
}
