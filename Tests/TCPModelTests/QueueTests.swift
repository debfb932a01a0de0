// A queue is first in, first out, however many elements have been removed.

import TCPModel
import Testing

@Suite struct QueueTests {
    @Test func theOrderIsThatOfArrival() {
        var queue = Queue<Int>()
        #expect(queue.popFirst() == nil && queue.first == nil && queue.count == 0)
        var next = 0
        var taken = 0
        // The queue never becomes empty, as under load: memory of removed elements must be released all the same.
        for round in 0..<5000 {
            for _ in 0..<3 {
                queue.append(next)
                next += 1
            }
            for _ in 0..<(round < 2500 ? 2 : 3) {
                #expect(queue.popFirst() == taken)
                taken += 1
            }
            #expect(queue.count == next - taken && queue.first == taken && queue[queue.count - 1] == next - 1)
        }
    }

    @Test func memoryFollowsWhatWaits() {
        var queue = Queue<Int>()
        for number in 0..<100_000 {
            queue.append(number)
            if number >= 10 { queue.popFirst() }
        }
        #expect(queue.count == 10 && queue.room < 8192, "\(queue.room)")
    }
}
