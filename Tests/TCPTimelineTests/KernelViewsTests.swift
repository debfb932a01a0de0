// Which connections are watched, in what order, and which are read next.

import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct KernelViewsTests {
    private static func id(_ slot: UInt32) -> ConnectionID { ConnectionID(slot: slot) }

    @Test func slotsAreUsedAgain() {
        var views = KernelViews()
        for number in 1...1000 as ClosedRange<UInt64> {
            views.add(Self.id(UInt32(number % 10)), number: number, nil)
            if number > 5 { views.remove(Self.id(UInt32((number - 5) % 10))) }
        }
        #expect(views.count == 5)
        #expect(views.ids.map { views.number(of: $0) } == [996, 997, 998, 999, 1000])
        #expect(Array(views.youngestFirst).map { views.number(of: $0) } == [1000, 999, 998, 997, 996])
        #expect(views.number(of: Self.id(5)) == nil && views.number(of: Self.id(4711)) == nil)
        #expect(views.update(Self.id(5), { _ in true }) == nil)
    }

    @Test func theYoungestAndEverybodyElseInTurn() {
        var views = KernelViews()
        for slot in 0..<100 as Range<UInt32> { views.add(Self.id(slot), number: UInt64(slot) + 1, nil) }
        var read: [UInt32: Int] = [:]
        for _ in 0..<3 {
            let batch = views.batch(limit: 40) { _, _ in true }
            #expect(batch.count == 40 && batch.suffix(10).map(\.slot) == Array(90..<100))
            for id in batch { read[id.slot, default: 0] += 1 }
        }
        #expect((0..<90).allSatisfy { read[$0] == 1 }, "each of the others once in three readings")
        let odd = views.batch(limit: 200) { id, _ in id.slot % 2 == 1 }
        #expect(odd.map(\.slot) == Array(stride(from: 1, to: 100, by: 2)), "all that are wanted, the oldest first")
    }
}
