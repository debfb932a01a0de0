// Losses before the capture, and the frames that a finding about retransmissions names.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct RepeatedTests {
    private let open = """
        > S 0:0 sackOK ts 100 0
        < S. 0:0 ack 1 sackOK ts 900 100
        > . 1:1 ack 1 ts 101 900

        """

    @Test("E6: what fills a hole and is newer than what is behind that was lost before the capture")
    func lostBeforeTheCapture() throws {
        let found = findings(
            open + """
                0.010 > P. 11:21 ack 1 ts 110 900
                0.011 < . 1:1 ack 1 ts 911 101 sack 11:21
                0.250 > P. 1:11 ack 1 ts 350 911
                0.251 < . 1:1 ack 21 ts 1151 350
                """, keepsStatistics: true)
        #expect(found.map { $0.code } == [.retransmission])
        let finding = try #require(found.first)
        #expect(finding.message == "the client retransmitted 1 segment (1 lost before the capture)")
        #expect(finding.frames == [6] && finding.side == .originator)
    }

    @Test("X5: in a capture of one direction nobody knows what asked for a segment again")
    func oneDirection() throws {
        let text = open.split(separator: "\n").filter { $0.hasPrefix(">") }.joined(separator: "\n")
        let sent = "\n0.010 > P. 1:6 ack 1\n0.011 > P. 6:11 ack 1\n> P. 11:21 ack 1\n0.015 > P. 6:11 ack 1"
        let alone = try #require(findings(text + sent, keepsStatistics: true).first)
        #expect(alone.message == "the client retransmitted 1 segment (1 for a reason that is not in this capture)")
        let heard = try #require(findings(open + sent, keepsStatistics: true).first)
        #expect(heard.message == "the client retransmitted 1 segment (1 early)")
    }

    @Test("E9: a reordered segment is the one that is named")
    func framesOfAReorderedSegment() {
        let found = findings(
            open + """
                0.010 > P. 1:11 ack 1 ts 110 900
                0.011 < . 1:1 ack 11 ts 911 110
                0.020 > P. 21:31 ack 1 ts 121 911
                0.021 > P. 11:21 ack 1 ts 120 911
                0.022 < . 1:1 ack 31 ts 922 120
                0.030 > P. 31:41 ack 1 ts 130 922
                0.400 > P. 31:41 ack 1 ts 500 922
                0.401 < . 1:1 ack 41 ts 1301 500
                """, keepsStatistics: true)
        #expect(found.map { $0.code } == [.retransmission, .reordering])
        #expect(found.map { $0.frames } == [[10], [7]])
    }

    @Test("E9: a fast retransmission that was not needed: the path reordered, and no ACK was late")
    func needlessFast() {
        let found = findings(
            open + """
                0.100 > . 1:101 ack 1 ts 200 900
                > . 101:201 ack 1 ts 200 900
                > . 201:301 ack 1 ts 200 900
                > . 301:401 ack 1 ts 200 900
                0.111 < . 1:1 ack 1 ts 1011 101 sack 101:201
                < . 1:1 ack 1 ts 1011 101 sack 101:301
                < . 1:1 ack 1 ts 1011 101 sack 101:401
                0.112 > . 1:101 ack 1 ts 212 1011
                0.113 < . 1:1 ack 401 ts 1013 200
                0.122 < . 1:1 ack 401 ts 1022 212 sack 1:101
                """, keepsStatistics: true)
        #expect(
            found.map { $0.message } == [
                "the client retransmitted 1 segment although the first copy had arrived: the path reordered segments further"
                    + " than the sender tolerates"
            ])
    }

    @Test("E8: a probe that arrives too soon after the last segment for that to have been on time")
    func lateBeforeProbe() {
        func message(_ time: String, asked: String = "") -> String? {
            findings(
                """
                > S 0:0 sackOK
                0.190 < S. 0:0 ack 1 sackOK
                0.1901 > . 1:1 ack 1
                \(asked)
                0.500 < . 1:1001 ack 1
                0.5001 > . 1:1 ack 1001
                0.600 < P. 1001:1101 ack 1
                \(time) < P. 1001:1101 ack 1
                > . 1:1 ack 1101 sack 1001:1101
                """, keepsStatistics: true
            ).first { $0.code == .tailLossProbe }?.message
        }
        #expect(message("0.610")?.hasSuffix("the first copy was late, and arrived just before the probe") == true)
        // The server was slow to answer the SYN, and is near.
        let near = "0.300 > P. 1:11 ack 1\n0.301 < . 1:1 ack 11"
        #expect(message("0.610", asked: near)?.hasSuffix("the peer only delayed its ACK") == true)
        #expect(message("0.750")?.hasSuffix("the peer only delayed its ACK") == true)
    }

    @Test("E8, E23: of two repetitions the needless one is named")
    func framesOfANeedlessSegment() {
        let found = findings(
            open + """
                0.010 > P. 1:11 ack 1 ts 110 900
                0.300 > P. 1:11 ack 1 ts 400 900
                0.301 < . 1:1 ack 11 ts 1201 400
                0.302 > P. 1:11 ack 1 ts 402 900
                0.303 < . 1:1 ack 11 ts 1203 400 sack 1:11
                """, keepsStatistics: true)
        #expect(found.map { $0.code } == [.retransmission, .spuriousRetransmission])
        #expect(found.map { $0.frames } == [[5], [7]])
    }
}
