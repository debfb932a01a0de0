// Hostile traffic: absurd scales, leaping numbers, clocks that step back, floods of SYNs. It is named, and causes
// neither a crash nor a delay.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct HostileTests {
    @Test(arguments: [15, 31, 255])
    func scalesAbove14CountAs14(_ shift: Int) {
        let play = Play(
            "> S 0:0 win 65535 ws \(shift)\n< S. 0:0 ack 1 win 65535 ws \(shift)\n> . 1:1 ack 1 win 65535\n< P. 1:11 ack 1"
        )
        #expect(play.connection.originator.windowShift == 14)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        // The window is 65535 << 14, and no larger.
        #expect(play.feed("< P. 1073725441:1073725451 ack 1").last.anomalies.contains(.beyondWindow))
    }

    /// Every leap in both directions: only segments in order may change the states of an open connection.
    @Test func numbersThatLeap() {
        let play = Play(handshake + "< P. 1:5 ack 1\n> . 1:1 ack 5\n")
        let leaps: [Int64] = [
            2_147_483_648, 2_147_483_647, 2_147_483_649, 4_294_967_295, 1_073_741_824, -2_147_483_648,
        ]
        for leap in leaps {
            for segment in [
                "< P. \(leap):\(leap + 10) ack 1", "< . 5:5 ack \(leap)", "< R \(leap):\(leap)",
                "> . \(leap):\(leap) ack 5",
                "> P. 1:1 ack \(leap)",
            ] {
                play.feed(segment)
                // The sender of an unanswered RST may have closed by its own account; its receiver is never closed by
                // it.
                #expect(play.connection.originator.state == .established, "\(segment)")
            }
        }
        #expect(play.connection.counters[1].uniqueBytes < 1 << 33)
    }

    @Test func blindAcknowledgmentsAreNamed() {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< . 1:1 ack 2147483658")
        #expect(play.last.anomalies.contains(.blindAck))
        #expect(play.connection.originator.sendNext == SequenceNumber(1011))
    }

    @Test func clocksThatGoBackMakeNoNegativeDurations() {
        let play = Play(
            "1000 > S 0:0\n500 < S. 0:0 ack 1\n0 > . 1:1 ack 1\n2000 > P. 1:11 ack 1\n1 < . 1:1 ack 11\n0 > F. 11:11 ack 1"
        )
        #expect(play.connection.duration == 1000 * Span.second)
        #expect(play.connection.statesText == "FIN_WAIT_1 CLOSE_WAIT")
    }

    /// 5 GiB in each direction: the numbers of both sides pass 2^32 and continue.
    @Test func countersPassFourGiB() {
        let play = Play(handshake)
        let piece: Int64 = 1 << 20
        for turn in 0..<5 * 1024 {
            let (from, to) = (1 + Int64(turn) * piece, 1 + Int64(turn + 1) * piece)
            play.feed("> P. \(from):\(to) ack \(from)\n< P. \(from):\(to) ack \(to)")
        }
        #expect(play.connection.counters[0].uniqueBytes == 5 << 30)
        #expect(play.connection.counters[1].uniqueBytes == 5 << 30)
        #expect(play.connection.counters[0].retransmissions == 0)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    /// A flood of SYNs with a single four-tuple, from both sides in turn: each may begin a new incarnation if the old
    /// one can be over, but memory never holds more than one.
    @Test func alternatingSynsOnOneTuple() {
        let play = Play()
        let clock = ContinuousClock()
        let time = clock.measure {
            for round in UInt32(0)..<100_000 {
                let tuple = FourTuple(source: play.client, destination: play.server)
                play.observe(
                    Segment(
                        tuple: round % 2 == 0 ? tuple : tuple.reversed,
                        sequence: SequenceNumber(round &* 2_654_435_761), flags: .syn, window: 1000))
                play.events.removeAll(keepingCapacity: true)
            }
        }
        #expect(play.timeline.trackedCount == 1)
        #expect(play.timeline.connectionCount <= 100_000)
        #expect(time < .seconds(20), "100000 SYNs took \(time)")
    }

    @Test func floodOfDistinctTuplesThatAreReset() {
        let play = Play()
        for port in UInt16(1)...20_000 {
            play.client = SocketAddress(.loopbackV4, port)
            play.feed("> S 0:0\n< R. 0:0 ack 1")
            if let id = play.timeline.nextExpired(at: play.now.advanced(by: 61 * Span.second), linger: 60 * Span.second)
            {
                play.timeline.retire(id)
            }
            play.events.removeAll(keepingCapacity: true)
        }
        #expect(play.timeline.trackedCount <= 1)
        #expect(play.timeline.connectionCount == 20_000)
    }
}
