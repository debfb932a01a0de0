// A perf ring for each online processor, all on the same clock and limited in total size.

import Glibc

/// The rings of all processors.
struct PerfRings {
    /// One ring per processor.
    private(set) var rings: [PerfRing] = []
    /// The clock of the rings' events.
    private(set) var clock = CLOCK_REALTIME
    /// Processors without a ring, with the errno.
    private(set) var refused: [(processor: Int32, code: Int32)] = []

    /// The maximum number of pages in one ring (8 MiB with 4 KiB pages), and in all rings together. Sizes are halved as
    /// long as they are refused.
    private static let pages = (ring: 2048, all: 16384)
    private static let leastPages = 8

    /// Opens the rings with a clock that the tracepoint's events support; nil with errno set on failure.
    ///
    /// Frames are stamped with the wall clock. Where perf does not support it (an event may read its clock in an NMI),
    /// the monotonic clock is used and must be converted.
    init?(processors: [Int32], tracepoint: UInt16?) {
        var code = ENODEV
        for clock in [CLOCK_REALTIME, CLOCK_MONOTONIC] {
            self.clock = clock
            for processor in processors {
                if let ring = Self.ring(processor, of: processors.count, clock, tracepoint, &code) {
                    rings.append(ring)
                    continue
                }
                // It went offline since it was listed, so it has no events.
                if code == ENODEV { continue }
                // If the first processor is refused, all will be.
                if rings.isEmpty { break }
                refused.append((processor, code))
            }
            if !rings.isEmpty { return }
        }
        errno = code
        return nil
    }

    /// Opens one ring, as large as permitted; nil with the errno in `code`.
    private static func ring(
        _ processor: Int32, of count: Int, _ clock: Int32, _ tracepoint: UInt16?, _ code: inout Int32
    ) -> PerfRing? {
        // A power of two, as perf requires.
        var pages = Self.pages.ring
        while pages > 2 * leastPages && pages * count > Self.pages.all { pages /= 2 }
        while true {
            if let ring = PerfRing(cpu: processor, clock: clock, pages: pages) {
                guard let tracepoint, !ring.accepts(tracepoint, clock: clock) else { return ring }
                code = errno
                return nil
            }
            code = errno
            // The limit on locked memory is exceeded: try a smaller ring.
            guard code == EPERM || code == ENOMEM, pages > leastPages else { return nil }
            pages /= 2
        }
    }
}
