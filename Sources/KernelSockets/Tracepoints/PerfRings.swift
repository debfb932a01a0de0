// A perf ring for each processor that is on, all with the same clock, and together not too large.

import Glibc

/// The rings of all processors, as they were opened.
struct PerfRings {
    /// One a processor.
    private(set) var rings: [PerfRing] = []
    /// The clock of their events.
    private(set) var clock = CLOCK_REALTIME
    /// Processors that have none, and the errno.
    private(set) var refused: [(processor: Int32, code: Int32)] = []

    /// Pages of one ring at most (8 MiB of 4 KiB pages), and of all rings together; half of it and so on where that is refused.
    private static let pages = (ring: 2048, all: 16384)
    private static let leastPages = 8

    /// Opens them with a clock that a tracepoint's events can have; nil with errno set.
    ///
    /// Frames are stamped with the wall clock. Where perf does not have it (it may be asked for in an NMI), the monotonic clock has to
    /// be translated.
    init?(processors: [Int32], tracepoint: UInt16?) {
        var code = ENODEV
        for clock in [CLOCK_REALTIME, CLOCK_MONOTONIC] {
            self.clock = clock
            for processor in processors {
                if let ring = Self.ring(processor, of: processors.count, clock, tracepoint, &code) {
                    rings.append(ring)
                    continue
                }
                // Switched off since it was listed: it has no events.
                if code == ENODEV { continue }
                // What the first one is refused, all are.
                if rings.isEmpty { break }
                refused.append((processor, code))
            }
            if !rings.isEmpty { return }
        }
        errno = code
        return nil
    }

    /// One ring, as large as may be; nil with the errno in `code`.
    private static func ring(
        _ processor: Int32, of count: Int, _ clock: Int32, _ tracepoint: UInt16?, _ code: inout Int32
    ) -> PerfRing? {
        // A power of two, as perf wants it.
        var pages = Self.pages.ring
        while pages > 2 * leastPages && pages * count > Self.pages.all { pages /= 2 }
        while true {
            if let ring = PerfRing(cpu: processor, clock: clock, pages: pages) {
                guard let tracepoint, !ring.accepts(tracepoint, clock: clock) else { return ring }
                code = errno
                return nil
            }
            code = errno
            // Too much locked memory: a smaller ring will do.
            guard code == EPERM || code == ENOMEM, pages > leastPages else { return nil }
            pages /= 2
        }
    }
}
