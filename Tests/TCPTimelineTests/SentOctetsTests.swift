// The runs of what was sent: how many are kept where the capture has holes that never close.

import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct SentOctetsTests {
    private func time(_ milliseconds: Int) -> Timestamp {
        Timestamp(nanoseconds: Int64(milliseconds) * Span.millisecond)
    }

    /// A capture that lacks every second segment, all of which are acknowledged.
    @Test func holesInWhatIsAcknowledgedAreBounded() {
        var sent = SentOctets()
        _ = sent.offset(SequenceNumber(0))
        for index in 0..<1000 {
            let start = Int64(index) * 200
            _ = sent.send(start, 100, time: time(index * 2), frame: UInt64(index), timestamp: 0)
            let outcome = sent.acknowledge(start + 100, time: time(index * 2 + 1))
            // Each of them is a round trip all the same.
            #expect(outcome.isNew && outcome.sample == Span.millisecond)
            #expect(sent.runs.count <= SentOctets.mostAcknowledged + 1)
        }
        #expect(sent.acknowledged == 199_900 && sent.outstanding == 0)
        // What lies before the holes that are kept was sent and acknowledged; what lies in one of them is late.
        #expect(sent.send(100, 100, time: time(3000), frame: 9999, timestamp: 0).repeated == 100)
        #expect(sent.send(199_700, 100, time: time(3001), frame: 9999, timestamp: 0).repeated == 0)
    }
}
