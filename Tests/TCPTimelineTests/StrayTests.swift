// Segments that are not what they seem: from an earlier connection, forged, copied, or without all of their options.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("Strays and copies") struct StrayTests {
    private static let closed =
        handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> F. 11:11 ack 1\n< F. 1:1 ack 12\n> . 12:12 ack 2\n"

    @Test("H19b: a FIN of the connection before closes nothing, nor does its text count")
    func oldFin() {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< F. -5000:-5000 ack -300")
        #expect(play.last.anomalies == .staleSegment && play.last.notes.isEmpty)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED" && play.connection.outcome == .open)
        play.feed("< P. -6000:-5000 ack -300")
        #expect(play.last.anomalies == .staleSegment && play.connection.counters[1].retransmissions == 0)
        #expect(play.connection.counters[1].packets == 4 && play.connection.counters[1].uniqueBytes == 0)
    }

    @Test("H19b: a RST of the connection before, or the answer to a late segment of it, resets nothing")
    func oldReset() {
        for reset in ["< R -4000:-4000", "< R. -4000:-4000 ack -300"] {
            let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n" + reset)
            #expect(play.last.anomalies.contains(.staleSegment))
            #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED" && play.connection.outcome == .open)
        }
        // The RST that answers a SYN has the sequence number 0, whatever numbers the connection has reached (RFC 9293
        // 3.10.7.1).
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< R. -5000:-5000 ack 11", serverISN: 5000)
        #expect(!play.last.anomalies.contains(.staleSegment))
    }

    @Test("Text far ahead that acknowledges what its receiver never sent is not its sender's")
    func farAhead() {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> P. 300000000:300000500 ack -3000000")
        #expect(play.last.anomalies.contains(.blindAck))
        #expect(play.connection.counters[0].uniqueBytes == 10)
        play.feed("> P. 11:21 ack 1")
        #expect(!play.last.notes.contains(.retransmission) && play.connection.counters[0].uniqueBytes == 20)
    }

    @Test("H36: a late copy of the SYN-ACK opens no closed endpoint again")
    func copyOfSynAck() {
        let play = Play(Self.closed)
        #expect(play.connection.statesText == "TIME_WAIT CLOSED")
        play.feed("0.5 < S. 0:0 ack 1\n> . 12:12 ack 2\n< R 2:2")
        #expect(play.count == 1 && play.events.suffix(3).allSatisfy { $0.sent.count == 0 })
        #expect(play.connection.endpoint(.responder).state == .closed && play.connection.outcome == .closed)
        #expect(play.connection.missedBytes == 0 && play.connection.counters[0].uniqueBytes == 10)
    }

    @Test("T04: a late copy of a FIN, from before what its sender acknowledged since, takes nothing back")
    func copyOfFin() {
        let play = Play(handshake + "> F. 1:1 ack 1\n< F. 1:1 ack 1\n> . 2:2 ack 2\n< . 2:2 ack 2\n1 > F. 1:1 ack 1")
        #expect(play.last.notes.contains(.retransmission) && !play.last.hasTransitions)
        #expect(play.connection.statesText == "TIME_WAIT TIME_WAIT")
    }

    @Test("E16: after a RST that was somebody else's, a FIN that came meanwhile is here")
    func finMeanwhile() {
        let play = Play(handshake + "> R 2000000000:2000000000\n< F. 1:1 ack 1\n> . 1:1 ack 2")
        #expect(play.last.anomalies == .resetUnheeded && play.connection.outcome == .halfClosed)
        #expect(play.connection.statesText == "CLOSE_WAIT FIN_WAIT_2")
    }

    @Test("H37: a SYN with another number repeats nothing")
    func foreignSyn() {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> S 5:5")
        #expect(play.last.anomalies.contains(.initialSequenceChanged) && !play.last.notes.contains(.retransmission))
        #expect(play.connection.counters[0].retransmissions == 0)
    }

    @Test("E2: a keep-alive with an octet in the place of the FIN is not text after it")
    func keepAliveAfterFin() {
        let play = Play(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n0.5 > . 1:2 ack 1")
        #expect(play.last.anomalies.isEmpty && play.last.notes == .keepAlive)
        play.feed("> P. 1:3 ack 1")
        #expect(play.last.anomalies == .sentAfterClose)
    }

    @Test("H12: in a simultaneous open the peer goes on, though the capture lacks the own SYN-ACK")
    func simultaneousOpenWithoutSynAck() {
        let play = Play("> S 0:0\n< S 0:0\n> S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.last.anomalies.isEmpty && play.connection.endpoint(.responder).state == .established)
    }

    @Test("H12, X14: one SYN of a simultaneous open is captured late")
    func lateCrossingSyn() {
        let play = Play(
            "0 < S 0:0\n0.005 < S. 0:0 ack 1\n0.0051 > S 0:0\n0.0102 > S. 0:0 ack 1\n< . 1:1 ack 1\n> . 1:1 ack 1")
        #expect(play.count == 1 && play.events.allSatisfy { $0.anomalies.isEmpty })
        #expect(play.events[2].notes == .fillsHole && !play.events[2].hasTransitions)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    @Test("X12: where options are cut off the window scale is not known, and not absent")
    func optionsCutOff() {
        func windowShift(isCut: Bool) -> (shift: UInt8?, anomalies: Anomalies) {
            let play = Play()
            for line in [
                "> S 0:0 win 64240", "< S. 0:0 ack 1 win 65160", "> . 1:1 ack 1 win 502", "< P. 20001:20501 ack 1",
            ] {
                var segment = play.segment(line.split(separator: " ").map(String.init))
                if isCut { segment.remarks.insert(.truncatedOptions) }
                play.observe(segment)
            }
            return (play.connection.endpoint(.originator).windowShift, play.last.anomalies)
        }
        #expect(windowShift(isCut: true).shift == nil && windowShift(isCut: true).anomalies.isEmpty)
        #expect(windowShift(isCut: false).shift == 0 && windowShift(isCut: false).anomalies == .beyondWindow)
    }
}
