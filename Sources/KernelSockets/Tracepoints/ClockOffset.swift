// How far the wall clock is ahead of the monotonic clock, measured so that being interrupted does not falsify it.

import TCPModel

/// The difference of the two clocks.
struct ClockOffset {
    /// What to add to the monotonic clock to have the wall clock.
    private(set) var nanoseconds: Int64 = 0
    /// Half the time that the measurement took: the most that it can be wrong.
    private(set) var error = Int64.max
    private var measuredAt: Int64 = 0

    /// A measurement this good is taken at once, in nanoseconds.
    private static let good = 500 as Int64
    /// The wall clock may be slewed by 500 ppm, that is half a microsecond in a millisecond.
    private static let slew: Int64 = 2000

    /// Measures anew; a measurement that was interrupted is not taken while the last one is better, its age included.
    mutating func measure(
        wall: () -> Int64 = { wallClock().nanoseconds }, monotonic: () -> Int64 = monotonicNanoseconds
    ) {
        var best = (offset: Int64(0), error: Int64.max, at: Int64(0))
        for _ in 0..<8 {
            let before = monotonic()
            let now = wall()
            let after = monotonic()
            let error = max(0, (after - before) / 2)
            if error < best.error { best = (now - before - error, error, after) }
            if best.error <= Self.good { break }
        }
        let aged = error == .max ? .max : error + (best.at - measuredAt) / Self.slew
        // The wall clock was set: the old measurement is worth nothing.
        let wasSet = error != .max && abs(best.offset - nanoseconds) > best.error + aged
        guard best.error <= aged || wasSet else { return }
        (nanoseconds, error, measuredAt) = (best.offset, best.error, best.at)
    }
}
