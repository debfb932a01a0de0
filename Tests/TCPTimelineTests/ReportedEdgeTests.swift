// RSTs of a sender that dies amid loss, whose receiver has text behind a hole and has reported it with SACK (RFC 2018).
// Linux obeys a RST at the end of all that text (`tcp_validate_incoming`). A kernel test confirmed it: the socket is
// gone, and no challenge ACK is counted.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("RSTs behind what was reported") struct ReportedEdgeTests {
    /// The capture was taken behind the loss, so it lacks 1:1001.
    private static let hole = handshake + "> P. 1001:2001 ack 1\n"

    @Test(
        "E14: a RST at the right edge of the right-most block is obeyed",
        arguments: [
            "< . 1:1 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1", "< . 1:1 ack 1 sack 1001:2001\n> R 2001:2001",
            "> P. 3001:4001 ack 1\n< . 1:1 ack 1 sack 3001:4001,1001:2001\n> R. 4001:4001 ack 1",
            "> P. 3001:4001 ack 1\n< . 1:1 ack 1 sack 1001:2001,3001:4001\n> R. 4001:4001 ack 1",
            // The receiver sends text of its own, or has sent a D-SACK block (RFC 2883).
            "< P. 1:5 ack 1 sack 1001:2001\n> R. 2001:2001 ack 5",
            "< . 1:1 ack 1 sack 1001:2001\n< . 1:1 ack 1 sack 1001:1501,1001:2001\n> R. 2001:2001 ack 1",
            // The receiver has closed its own side.
            "< F. 1:1 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1",
        ])
    func isObeyed(_ rest: String) {
        let play = Play(Self.hole + rest)
        #expect(play.connection.statesText == "CLOSED CLOSED" && play.connection.outcome == .reset)
        #expect(play.connection.closer == .originator && play.last.anomalies.isEmpty)
        #expect(play.last.arrived.count == 1 && play.last.arrived[0].rule == .reset)
        #expect(play.last.arrived[0].certainty == .inferred)
    }

    @Test(
        "E15: any other number in the window is challenged",
        arguments: [
            // No text was reported, or the other side reported it.
            "> R. 2001:2001 ack 1", "< . 1:1 ack 1\n> R. 2001:2001 ack 1",
            "> . 2001:2001 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1",
            // The number is the edge of another block than the right-most, or no right edge at all.
            "> P. 3001:4001 ack 1\n< . 1:1 ack 1 sack 3001:4001,1001:2001\n> R. 2001:2001 ack 1",
            "< . 1:1 ack 1 sack 1001:2001\n> R. 1501:1501 ack 1", "< . 1:1 ack 1 sack 1001:2001\n> R. 1001:1001 ack 1",
        ])
    func isChallenged(_ rest: String) {
        let play = Play(Self.hole + rest)
        #expect(play.last.anomalies == .resetNotExact && play.last.arrived.count == 0)
        #expect(play.connection.endpoint(.responder).state == .established)
    }

    @Test("E14: a block counts until the hole before it is filled")
    func acknowledgedMeanwhile() {
        let play = Play(
            Self.hole + """
                < . 1:1 ack 1 sack 1001:2001
                > P. 1:1001 ack 1
                < . 1:1 ack 2001
                > P. 3001:4001 ack 1
                < . 1:1 ack 2001 sack 3001:4001
                > R. 2002:2002 ack 1
                """)
        #expect(play.last.anomalies == .resetNotExact)
        play.feed("> R. 4001:4001 ack 1")
        #expect(play.connection.statesText == "CLOSED CLOSED")
    }

    @Test("E14, E16: who is open all the same had not got it")
    func isTakenBack() {
        let play = Play(
            Self.hole + "< . 1:1 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1\n> P. 1:1001 ack 1\n< . 1:1 ack 2001")
        #expect(play.last.anomalies.contains(.resetUnheeded))
        #expect(play.connection.endpoint(.responder).state == .established)
    }
}
