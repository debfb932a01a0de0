// Segments captured in another order than sent: RSTs and FINs after text, and ACKs before the octets that they
// acknowledge.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct OutOfOrderTests {
    @Test("E14: a RST behind text that was captured out of order is exact")
    func resetBehindAFilledHole() {
        let play = Play(handshake + "> P. 51:101 ack 1\n> P. 1:51 ack 1\n> R. 101:101 ack 1")
        #expect(play.last.anomalies.isEmpty)
        #expect(play.connection.statesText == "CLOSED CLOSED" && play.connection.outcome == .reset)
        // While the hole is still open, the RST is not exact.
        let open = Play(handshake + "> P. 51:101 ack 1\n> R. 101:101 ack 1")
        #expect(open.last.anomalies == .resetNotExact)
    }

    @Test("H12: a RST behind the text of a SYN, which was not taken, is not exact")
    func resetBehindTextOfASyn() {
        let play = Play("> S 0:0\n< S 0:1\n> S. 0:0 ack 1\n< R. 2:2 ack 1")
        #expect(play.last.anomalies == .resetNotExact)
        #expect(play.connection.endpoint(.originator).state == .synReceived)
    }

    @Test("X5: in a capture of one side a FIN counts once the hole before it is filled")
    func oneSided() {
        let play = Play("> S 0:0\n> . 1:1 ack 1\n> P. 51:101 ack 1\n> F. 101:101 ack 1\n> P. 1:51 ack 1")
        #expect(play.connection.statesText == "FIN_WAIT_1 CLOSE_WAIT")
    }

    @Test(
        "E10: a segment behind a later one, whose time is the earlier one, was put there by the capture",
        arguments: ["", " ts 5 5"])
    func earlierTime(options: String) {
        for (time, kind) in [("0.100097", LateKind.reorderedInCapture), ("0.100103", .reordered)] {
            let play = Play(seed: 1, keepsStatistics: true)
            play.feed(handshake + "0.1001 > . 101:201 ack 1\(options)\n\(time) > . 1:101 ack 1\(options)")
            #expect(play.last.verdict.late == kind)
            let statistics = play.timeline.connections.statistics(of: play.last.connection)
            #expect(statistics?[.originator].count(.reordered) == (kind == .reordered ? 1 : 0))
        }
    }

    @Test("E9: four holes are followed, whoever's they are")
    func fourHoles() {
        let play = Play(handshake + "> P. 11:21 ack 1\n> P. 31:41 ack 1\n< P. 11:21 ack 1\n< P. 31:41 ack 1")
        play.feed("> P. 1:11 ack 1\n> P. 21:31 ack 1\n< P. 1:11 ack 1\n< P. 21:31 ack 1\n> P. 21:31 ack 1")
        #expect(play.connection.counters[0].retransmissions == 1 && play.connection.counters[1].retransmissions == 0)
        // A hole whose octets were acknowledged makes room for another, but only if there is no other room.
        let counted = Play(handshake + "< . 1:1 ack 11\n> P. 21:31 ack 1\n> P. 1:11 ack 1\n> P. 11:21 ack 1")
        #expect(counted.connection.counters[0].retransmissions == 0 && counted.connection.missedBytes == 10)
    }

    @Test("E11: what fills a hole and goes on with octets that were captured is a retransmission, too")
    func fillsAndRepeats() {
        let play = Play(handshake + "> P. 11:21 ack 1\n> P. 1:21 ack 1")
        #expect(play.last.notes == [.fillsHole, .retransmission] && play.connection.counters[0].retransmissions == 1)
        #expect(play.connection.counters[0].uniqueBytes == 20)
    }

    @Test("E10: a FIN that was captured after its ACK is no text that is missing")
    func finAfterItsAck() {
        let play = Play(
            handshake + "< P. 1:11 ack 1\n> . 1:1 ack 12\n< F. 11:11 ack 1\n> F. 1:1 ack 12\n< . 12:12 ack 2")
        #expect(play.connection.counters[1].uniqueBytes == 10 && play.connection.missedBytes == 0)
        #expect(play.connection.outcome == .closed && play.connection.statesText == "CLOSED TIME_WAIT")
    }

    private static let lateOpenings = [
        "0 < S. 0:0 ack 1 mss 1460 ws 7\n0.00001 > S 0:0 mss 1460 ws 7\n0.0001 > . 1:1 ack 1",
        "0 < S. 0:0 ack 1 mss 1460 ws 7\n0.0001 > . 1:1 ack 1\n0.00011 > S 0:0 mss 1460 ws 7",
        "0 > . 1:1 ack 1\n> P. 1:11 ack 1\n> S 0:0 mss 1460 ws 7\n< S. 0:0 ack 1 mss 1460 ws 7",
        "0 > . 1:1 ack 1\n< S. 0:0 ack 1 mss 1460 ws 7\n> S 0:0 mss 1460 ws 7",
    ]

    @Test("E10: a SYN that was captured behind what follows on it is none inside a connection", arguments: lateOpenings)
    func lateSyn(_ opening: String) {
        let play = Play(keepsStatistics: true)
        play.feed(opening)
        #expect(play.count == 1 && play.events.allSatisfy { $0.anomalies.isEmpty })
        #expect(play.events.allSatisfy { !$0.notes.contains(.retransmission) && $0.verdict.retransmission == nil })
        let late = play.events.first { $0.segment.flags.has(.syn) && !$0.isFirst }
        #expect(late?.notes == .fillsHole && late?.hasTransitions == false)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        // The late SYN confirms what was only guessed: which side sent it, and the window scale.
        #expect(!play.connection.facts.contains(.rolesGuessed))
        #expect(play.connection.endpoint(.originator).windowShift == 7)
        #expect(play.connection.endpoint(.responder).windowShift == 7)
        // Another SYN with that number is a retransmission all the same.
        play.feed("2 > S 0:0 mss 1460 ws 7")
        #expect(play.last.notes.contains(.retransmission))
    }

    @Test("H6: a SYN that comes a second behind its SYN-ACK was sent again")
    func syncSentAgain() {
        let play = Play("0 < S. 0:0 ack 1\n1.0 > S 0:0\n1.001 < S. 0:0 ack 1\n1.002 > . 1:1 ack 1")
        #expect(play.events[1].notes.contains(.retransmission))
        #expect(play.events[1].sent.count == 1 && play.events[1].sent[0].to == .synSent)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    @Test("H6: a repeated SYN that crosses its first answer takes nothing back; a later one shows that none arrived")
    func crossingSyn() {
        let opening = "0 > S 0:0\n1.0 > S 0:0\n2.0 < S. 0:0 ack 1\n"
        let play = Play(opening + "2.000044 > S 0:0\n2.000054 > . 1:1 ack 1")
        let crossing = play.events[3]
        #expect(crossing.notes.contains(.retransmission) && !crossing.hasTransitions)
        #expect(crossing.originatorState == .established)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        let later = Play(opening + "2.001 > S 0:0")
        #expect(later.last.sent.count == 1 && later.last.sent[0].to == .synSent)
        // The second answer is no first one.
        let again = Play(opening + "3.0 < S. 0:0 ack 1\n3.000044 > S 0:0")
        #expect(again.last.sent.count == 1 && again.last.sent[0].to == .synSent)
    }

    @Test("T4: a RST that nobody heeds is no FIN that the capture lacks")
    func resetIsNoFin() {
        // A bare ACK comes after text that is captured later, and a RST has the number that the FIN will have.
        let opening =
            handshake + "> . 16:16 ack 1\n> R 16:16\n> P. 1:6 ack 1\n> P. 6:16 ack 1\n< . 1:1 ack 16\n"
        let play = Play(opening + "< F. 1:1 ack 16\n> . 16:16 ack 2\n> F. 16:16 ack 2")
        #expect(play.connection.endpoint(.originator).state == .lastAck)
    }

    @Test("X15, X7: far beyond the SYN a connection goes on; what lies before it is another's")
    func farBeyondTheSyn() {
        let far = Play(
            "> S 0:0\n> P. 3000001:3000101 ack 1\n< . 1:1 ack 3000101\n> F. 3000101:3000101 ack 1\n< F. 1:1 ack 3000102"
        )
        #expect(far.connection.outcome == .closed && far.connection.statesText == "TIME_WAIT LAST_ACK")
        let filtered = Play("> S 0:0\n> F. 5000001:5000001 ack 1")
        #expect(filtered.connection.outcome == .halfClosed)
    }
}
