// The runs of sent octets: how many are kept if the capture has holes that are never filled.

import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct SentOctetsTests {
    private func time(_ milliseconds: Int) -> Timestamp {
        Timestamp(nanoseconds: Int64(milliseconds) * Span.millisecond)
    }

    /// The capture lacks every second segment, yet all of them are acknowledged.
    @Test func holesInWhatIsAcknowledgedAreBounded() {
        var sent = SentOctets()
        _ = sent.offset(SequenceNumber(0))
        for index in 0..<1000 {
            let start = Int64(index) * 200
            _ = sent.send(start, 100, Transmission(time: time(index * 2), frame: UInt64(index), timestamp: 0))
            let outcome = sent.acknowledge(start + 100, time: time(index * 2 + 1))
            // Each of them still yields a round trip.
            #expect(outcome.isNew && outcome.sample == Span.millisecond)
            #expect(sent.runs.count <= SentOctets.mostAcknowledged + 1)
        }
        #expect(sent.acknowledged == 199_900 && sent.outstanding == 0)
        // Octets before the holes that are kept count as sent and acknowledged; octets in such a hole are merely late.
        #expect(sent.send(100, 100, Transmission(time: time(3000), frame: 9999, timestamp: 0)).repeated == 100)
        #expect(sent.send(199_700, 100, Transmission(time: time(3001), frame: 9999, timestamp: 0)).repeated == 0)
    }

    /// The record of one octet: how often it was sent, when and in which frames, and whether it is acknowledged.
    private struct Octet {
        var transmissions: UInt32 = 0
        var time = Timestamp(nanoseconds: 0)
        var frames: [UInt64] = []
        var isAcknowledged = false
    }

    @Test("E11, X8: runs say what octets counted one by one say, however frames and ACKs cut them", arguments: 0..<40)
    func octetByOctet(_ seed: UInt64) {
        var generator = (seed + 1) &* 0x9e37_79b9_7f4a_7c15
        func below(_ bound: Int) -> Int {
            generator ^= generator << 13
            generator ^= generator >> 7
            generator ^= generator << 17
            return Int(generator >> 33) % bound
        }
        var sent = SentOctets()
        _ = sent.offset(SequenceNumber(0))
        var octets = [Octet](repeating: Octet(), count: 250)
        for step in 1...400 {
            let now = time(step)
            // Most text is new, and continues in pieces of all sizes.
            let highest = Int(sent.highest)
            if below(3) > 0 {
                let start = below(2) == 0 && highest < 240 ? highest : below(240)
                let end = min(250, start + 1 + below(below(2) == 0 ? 3 : 30))
                let known = octets[start..<end].filter { $0.transmissions > 0 }
                let outcome = sent.send(
                    Int64(start), Int64(end - start),
                    Transmission(time: now, frame: UInt64(step), timestamp: UInt32(step)))
                #expect(outcome.repeated == Int64(known.count))
                #expect(
                    outcome.isLate
                        == octets[start..<end].indices.contains { octets[$0].transmissions == 0 && $0 < highest })
                #expect((outcome.repeats == nil) == known.isEmpty)
                if let run = outcome.repeats, let first = known.first {
                    if first.isAcknowledged {
                        #expect(run.frame == 0 || known.contains { $0.frames.contains(run.frame) })
                    } else {
                        #expect(run.frame == first.frames.last && run.time == first.time)
                        #expect(run.transmissions == first.transmissions)
                    }
                }
                for index in start..<end {
                    octets[index].transmissions += 1
                    octets[index].time = now
                    octets[index].frames.append(UInt64(step))
                }
            } else {
                let offset = below(2) == 0 ? highest : 1 + below(249)
                let outcome = sent.acknowledge(Int64(offset), time: now)
                let news = octets[..<offset].filter { $0.transmissions > 0 && !$0.isAcknowledged }
                #expect(outcome.isNew == !news.isEmpty)
                let last = offset > 0 ? octets[offset - 1] : Octet()
                if last.transmissions > 0 && !last.isAcknowledged {
                    #expect(outcome.isAfterLoss || outcome.sample == now.since(last.time))
                    #expect(outcome.isAmbiguous == (last.transmissions > 1))
                } else {
                    #expect(outcome.sample == nil)
                }
                for index in 0..<offset where octets[index].transmissions > 0 { octets[index].isAcknowledged = true }
            }
            #expect(sent.runs.allSatisfy { $0.start < $0.end })
            #expect(zip(sent.runs, sent.runs.dropFirst()).allSatisfy { $0.end <= $1.start })
        }
    }

    @Test func piecesThatAreSentAgainAreBounded() {
        var sent = SentOctets()
        _ = sent.offset(SequenceNumber(0))
        for index in 0..<100 {
            _ = sent.send(
                Int64(index) * 1000, 1000, Transmission(time: time(index), frame: UInt64(index), timestamp: 0))
        }
        // Retransmit every second octet, both acknowledged and unacknowledged.
        for offset in stride(from: Int64(0), to: 100_000, by: 2) {
            if offset == 20_000 { _ = sent.acknowledge(10_500, time: time(500)) }
            #expect(sent.send(offset, 1, Transmission(time: time(1000), frame: 1000, timestamp: 0)).repeated == 1)
            #expect(sent.runs.count <= SentOctets.most)
        }
        _ = sent.acknowledge(100_000, time: time(2000))
        #expect(sent.runs.count == 1 && sent.outstanding == 0)
    }
}
