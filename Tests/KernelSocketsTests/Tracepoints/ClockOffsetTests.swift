// The offset between two clocks, despite interruptions and a clock that is set.

import TCPModel
import Testing

@testable import KernelSockets

/// Two clocks that advance with each reading, sometimes by more.
private final class Clocks {
    var now: Int64 = 1_000_000
    var ahead: Int64 = 5_000_000_000
    var pauses: [Int64] = []

    func wall() -> Int64 {
        now += pauses.isEmpty ? 50 : pauses.removeFirst()
        return now + ahead
    }

    func monotonic() -> Int64 {
        now += 50
        return now
    }
}

@Suite struct ClockOffsetTests {
    private func measure(_ offset: inout ClockOffset, _ clocks: Clocks) {
        offset.measure(wall: clocks.wall, monotonic: clocks.monotonic)
    }

    @Test func interruptionsDoNotFalsifyIt() {
        let clocks = Clocks()
        var offset = ClockOffset()
        clocks.pauses = [3_000_000, 2_000_000, 50]
        measure(&offset, clocks)
        #expect(abs(offset.nanoseconds - clocks.ahead) <= 100)
        clocks.pauses = [Int64](repeating: 3_000_000, count: 8)
        measure(&offset, clocks)
        #expect(abs(offset.nanoseconds - clocks.ahead) <= 100, "the better one is kept")
    }

    @Test func aClockThatIsSetIsFollowed() {
        let clocks = Clocks()
        var offset = ClockOffset()
        measure(&offset, clocks)
        clocks.ahead += 3_600_000_000_000
        clocks.pauses = [Int64](repeating: 3_000_000, count: 8)
        measure(&offset, clocks)
        #expect(abs(offset.nanoseconds - clocks.ahead) <= 3_000_000)
        measure(&offset, clocks)
        #expect(abs(offset.nanoseconds - clocks.ahead) <= 100)
    }
}
