// Measures the offset of the wall clock from the monotonic clock, robustly against being interrupted.

import TCPModel

/// The difference between the two clocks.
struct ClockOffset {
    /// The nanoseconds to add to the monotonic clock to get the wall clock.
    private(set) var nanoseconds: Int64 = 0
    /// Half the duration of the measurement, in nanoseconds: an upper bound on its error.
    private(set) var error = Int64.max
    private var measuredAt: Int64 = 0

    /// A measurement with at most this error, in nanoseconds, is accepted at once.
    private static let good = 500 as Int64
    /// The wall clock may be slewed by 500 ppm, which is half a microsecond per millisecond.
    private static let slew: Int64 = 2000

    /// Measures again. An interrupted measurement is rejected if the previous one is still better after allowing for
    /// its age.
    mutating func measure(
        wall: () -> Int64 = { wallClockNow().nanoseconds }, monotonic: () -> Int64 = monotonicNow
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
        // The wall clock was set, so the old measurement is useless.
        let wasSet = error != .max && abs(best.offset - nanoseconds) > best.error + aged
        guard best.error <= aged || wasSet else { return }
        (nanoseconds, error, measuredAt) = (best.offset, best.error, best.at)
    }
}
