// What the kernel says of one connection, as the text keeps it until it is written.

import TCPModel
import Testing

@testable import TCPTimeline
@testable import TimelineReport

@Suite struct KernelNoteTests {
    private func event(_ time: Int64) -> KernelEvent {
        KernelEvent(
            connection: ConnectionID(slot: 0), side: .originator, time: Timestamp(nanoseconds: time),
            kind: .traced(.retransmit), socket: nil, process: nil, source: .tracepoint)
    }

    @Test func theyHaveTheLimitOfRows() {
        // Each of them would go above all before: a file may say so.
        for step in [1, -1] as [Int64] {
            var text = ConnectionText(number: 1, limit: 100)
            text.keep(.note(.midstream))
            for number in 1...10_000 { text.keep(event(step * Int64(number))) }
            #expect(text.itemCount == 100)
        }
    }

    @Test func theyStandInTheOrderOfTime() {
        var text = ConnectionText(number: 1, limit: 100)
        text.keep(.note(.midstream))
        for time in [5, 3, 4] as [Int64] { text.keep(event(time)) }
        let times = text.items.compactMap { item -> Int64? in
            if case .note(.kernel(let event)) = item { return event.time.nanoseconds }
            return nil
        }
        #expect(times == [3, 4, 5])
    }
}
