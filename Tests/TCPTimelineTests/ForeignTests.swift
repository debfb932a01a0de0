// Segments that do not fit their receiver's window, or whose numbers their sender cannot have used: they change
// nothing, unless later segments show that they are real.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("Segments of somebody else") struct ForeignTests {
    private static let begun = handshake + "> P. 1:4 ack 1\n< P. 1:101 ack 4\n> . 4:4 ack 101\n"

    @Test(
        "E16: an octet far beyond the window takes no octets away from its supposed sender",
        arguments: [
            "< P. 1048677:1048678 ack 4", "< P. 66101:66102 ack 4", "< P. 1073741930:1073741931 ack 4",
            "< F. 66101:66101 ack 4",
        ])
    func beyondWindow(_ forged: String) {
        let play = Play(keepsStatistics: true)
        play.feed(Self.begun + forged)
        #expect(play.last.anomalies == .beyondWindow && play.last.notes == .foreign)
        for turn in 0..<100 {
            let start = 101 + turn * 1000
            play.feed("< P. \(start):\(start + 1000) ack 4")
            #expect(play.last.notes.isEmpty && play.last.anomalies.isEmpty)
            play.feed("> . 4:4 ack \(start + 1000)")
            #expect(play.last.anomalies.isEmpty)
        }
        #expect(play.connection.counters[1].uniqueBytes == 100_100 && play.connection.counters[1].retransmissions == 0)
        #expect(play.connection.missedBytes == 0 && play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.connection.counters[1].packets == 103)
        let text = play.events[6].segment.payloadLength
        #expect(Self.outside(play, .responder) == UInt64(text))
        #expect(play.statistics?[.responder].uniqueBytes == 100_100)
    }

    /// By the statistics, the octets that a receiver is assumed to drop for lack of room.
    private static func outside(_ play: Play, _ side: Side) -> UInt64? { play.statistics?[side].beyondWindowBytes }

    @Test("H30: text beyond the window that nothing follows counts apart, and what proves to be real does not")
    func countsApart() {
        func outside(_ text: String) -> UInt64? { Self.outside(Play(keepsStatistics: true).feed(text), .responder) }
        let two = Self.begun + "< P. 66101:67101 ack 4\n< P. 70101:71101 ack 4\n"
        #expect(outside(two) == 2000)
        #expect(outside(two + "> . 4:4 ack 101\n< P. 101:201 ack 4") == 2000)
        // They are real if their sender continues from there, or if they are acknowledged.
        #expect(outside(two + "< P. 71101:72101 ack 4") == 0)
        #expect(outside(two + "> . 4:4 ack 71101") == 0)
        #expect(outside(two + "> . 4:4 ack 67101") == 1000)
        #expect(outside(Self.begun + "< FP. 66101:66201 ack 4\n> . 4:4 ack 66202") == 0)
        // Octets that are retransmitted in order were dropped the first time.
        let again = Self.begun + "< P. 66101:66111 ack 4\n< P. 101:66151 ack 4\n> . 4:4 ack 66151"
        #expect(outside(again) == 10)
    }

    @Test("X9: text beyond a window that was widened unseen is real where its sender goes on from it")
    func goesOn() {
        let play = Play(
            Self.begun + "< P. 66101:67101 ack 4\n< P. 67101:68101 ack 4\n< P. 68101:69101 ack 4\n> . 4:4 ack 69101")
        #expect(play.connection.counters[1].uniqueBytes == 3100 && play.connection.missedBytes == 66000)
        #expect(play.connection.counters[1].packets == 5 && play.connection.counters[1].retransmissions == 0)
        #expect(play.events.allSatisfy { !$0.notes.contains(.retransmission) })
        // In a capture of one direction there is no ACK to confirm it.
        let oneSided = Play(
            "> S 0:0\n< S. 0:0 ack 1\n> P. 70001:71001 ack 1\n> P. 71001:72001 ack 1\n> P. 72001:73001 ack 1")
        #expect(oneSided.connection.counters[0].uniqueBytes == 3000)
    }

    @Test("X9: and where its receiver acknowledges it, a FIN, too")
    func isAcknowledged() {
        let play = Play(Self.begun + "< P. 66101:67101 ack 4\n> . 4:4 ack 67101")
        #expect(play.connection.counters[1].uniqueBytes == 1100 && play.connection.missedBytes == 66000)
        let closed = Play(Self.begun + "< F. 66101:66101 ack 4\n> . 4:4 ack 66102")
        #expect(closed.connection.statesText == "CLOSE_WAIT FIN_WAIT_2")
        // An ACK of octets beyond the FIN does not confirm it.
        let open = Play(Self.begun + "< F. 66101:66101 ack 4\n> . 4:4 ack 67101")
        #expect(open.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    @Test("X9: text that comes in order reaches what was beyond the window")
    func isReached() {
        let play = Play(Self.begun + "< P. 65637:66637 ack 4\n< P. 101:65637 ack 4\n> . 4:4 ack 66637")
        #expect(play.connection.counters[1].uniqueBytes == 66636 && play.connection.missedBytes == 0)
        #expect(play.last.anomalies.isEmpty)
    }

    @Test("T19: a FIN before octets that its sender sent and the peer acknowledged closes nobody")
    func finBeforeText() {
        for forged in ["< F. 51:51 ack 4", "> F. 2:2 ack 101"] {
            let play = Play(Self.begun + "< . 101:101 ack 4\n" + forged)
            #expect(play.last.anomalies == .finMoved && play.last.notes == .foreign && !play.last.hasTransitions)
            play.feed("> F. 4:4 ack 101\n< F. 101:101 ack 5\n> . 5:5 ack 102")
            #expect(play.connection.statesText == "TIME_WAIT CLOSED" && play.connection.closer == .originator)
        }
    }

    @Test("T01: a FIN behind an ACK that was damaged on its way is real where its receiver acknowledges just that")
    func finBehindDamagedAck() {
        let closed = "> F. 4:4 ack 101\n< . 101:101 ack 5\n< F. 101:101 ack 5\n"
        // The ACK of 101 was damaged or forged: it acknowledges octets that were never sent.
        let play = Play("> . 4:4 ack 20101\n< P. 1:101 ack 4\n" + closed)
        #expect(play.last.notes == .foreign && !play.last.hasTransitions)
        play.feed("> . 5:5 ack 102")
        #expect(play.connection.statesText == "TIME_WAIT CLOSED" && play.connection.counters[1].packets == 3)
        #expect(play.connection.closer == .originator)
        // The same, with the ACKs of both sides damaged.
        let both = Play("> . 4:4 ack 20101\n< P. 1:101 ack 16004\n" + closed + "> . 5:5 ack 102")
        #expect(
            both.connection.statesText == "TIME_WAIT CLOSED"
                && both.connection.historyText.filter { $0 == "f" }.count == 1)
        // A receiver that drops the FIN repeats its earlier ACK. ACKs that come too late, or that the client sent
        // before its own FIN, do not count either.
        for answer in ["> . 5:5 ack 101", "> . 5:5 ack 20101", "> . 4:4 ack 102", "120.1 > . 5:5 ack 102"] {
            let other = Play("> . 4:4 ack 20101\n< P. 1:101 ack 4\n" + closed + answer)
            #expect(other.connection.endpoint(.responder).state == .closeWait)
        }
    }

    @Test(
        "T04: FINs cross while text is in flight: either end is in CLOSING",
        arguments: [
            "> P. 1:1001 ack 1\n> F. 1001:1001 ack 1", "> FP. 1:1001 ack 1",
        ])
    func crossingFins(_ sent: String) {
        let play = Play(handshake + sent + "\n< F. 1:1 ack 1\n> . 1002:1002 ack 2")
        #expect(play.events[play.events.count - 1].arrived.count == 2)
        #expect(play.last.arrived[0].to == .closing && play.last.arrived[1].to == .timeWait)
        play.feed("< . 2:2 ack 1002")
        #expect(play.connection.statesText == "TIME_WAIT TIME_WAIT" && play.last.anomalies.isEmpty)
    }

    @Test(
        "T17: a RST with the number that its receiver acknowledged last, after text that never came though it was sent four times"
    )
    func resetOfLostText() {
        let lost = Self.begun + "> P. 4:8 ack 101\n0.2 > P. 4:8 ack 101\n0.4 > P. 4:8 ack 101\n"
        for word in ["< P. 101:105 ack 4", "< F. 101:101 ack 4"] {
            let play = Play(lost + "2 \(word)\n> R 4:4")
            #expect(play.last.anomalies.isEmpty && play.connection.endpoint(.responder).state == .closed)
        }
        // The text arrived, since it is acknowledged.
        let play = Play(lost + "2 < P. 101:105 ack 8\n> R 4:4")
        #expect(play.last.anomalies == .resetIgnored && play.connection.endpoint(.responder).state == .established)
        // Text that was sent only once may still be in flight.
        let once = Play(Self.begun + "> P. 4:8 ack 101\n< P. 101:105 ack 4\n> R 4:4")
        #expect(once.last.anomalies == .resetIgnored)
    }

    @Test("T17: a RST with the number that a FIN acknowledged which crossed text and FIN is obeyed")
    func resetOfCrossedFin() {
        let play = Play(handshake + "> FP. 1:3 ack 1\n< F. 1:1 ack 1\n> R. 1:1 ack 1")
        #expect(play.last.anomalies.isEmpty && play.connection.statesText == "CLOSED CLOSED")
    }

    @Test("H20, X14: a copy of an older frame behind a SYN does not show that the old connection lives")
    func copyBehindOpening() {
        let old = "> S 0:0\n0.002 > . 1:1 ack 1\n> P. 1:1001 ack 1\n> P. 1001:2001 ack 1\n"
        let new = "> . 59001:59001 ack 4001\n> P. 59001:59004 ack 4001"
        let play = Play(old + "0.060 > S 59000:59000\n> P. 1001:2001 ack 1\n" + new)
        #expect(play.count == 2 && play.connection.counters[0].uniqueBytes == 3)
        // New text of the old connection shows that it lives.
        let lives = Play(old + "0.060 > S 59000:59000\n> P. 2001:3001 ack 1\n" + new)
        #expect(lives.count == 1)
    }
}

extension Play {
    /// The statistics of the latest connection.
    fileprivate var statistics: ConnectionStatistics? { timeline.connections.statistics(of: last.connection) }
}
