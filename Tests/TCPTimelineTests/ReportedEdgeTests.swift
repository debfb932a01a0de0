// RSTs of a sender that dies amid loss: its receiver has text behind a hole, and has reported that (RFC 2018). Linux obeys a RST behind
// all of it (`tcp_validate_incoming`); asked of a kernel, too: the socket is gone, and no challenge ACK is counted.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("RSTs behind what was reported") struct ReportedEdgeTests {
    /// The capture was taken behind the loss: it lacks 1:1001.
    private static let hole = handshake + "> P. 1001:2001 ack 1\n"

    @Test(
        "E14: a RST at the right edge of the right-most block is obeyed",
        arguments: [
            "< . 1:1 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1", "< . 1:1 ack 1 sack 1001:2001\n> R 2001:2001",
            "> P. 3001:4001 ack 1\n< . 1:1 ack 1 sack 3001:4001,1001:2001\n> R. 4001:4001 ack 1",
            "> P. 3001:4001 ack 1\n< . 1:1 ack 1 sack 1001:2001,3001:4001\n> R. 4001:4001 ack 1",
            // With text of its own, and after a block that tells of octets that came twice (RFC 2883).
            "< P. 1:5 ack 1 sack 1001:2001\n> R. 2001:2001 ack 5",
            "< . 1:1 ack 1 sack 1001:2001\n< . 1:1 ack 1 sack 1001:1501,1001:2001\n> R. 2001:2001 ack 1",
            // It has closed its own side.
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
            // Nothing was reported, or it was by the other side.
            "> R. 2001:2001 ack 1", "< . 1:1 ack 1\n> R. 2001:2001 ack 1",
            "> . 2001:2001 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1",
            // The edge is not the right-most one, or none.
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
