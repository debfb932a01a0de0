// When all of /proc may be searched for the owners of sockets again.

import TCPModel

/// A search reads every process's descriptors until all that is wanted is found: milliseconds mostly, and very much longer where
/// processes have ten thousands of them.
struct SearchPace {
    /// Searches may take no more than one part in this many of the time.
    static let share: Int64 = 5
    /// Nanoseconds between two searches in a crowd, where events name the processes of most.
    static let interval = 500 * Span.millisecond

    private var latest: Int64 = 0
    private var paid: Int64 = 0

    /// Whether the latest search is paid for, and in a crowd some time ago.
    func isDue(_ now: Int64, isCrowd: Bool) -> Bool { now >= (isCrowd ? max(paid, latest + Self.interval) : paid) }

    /// A search began at `start` and has ended `now`; it took `cost` nanoseconds of the processor.
    mutating func note(start: Int64, now: Int64, cost: Int64) {
        latest = start
        paid = now + cost * Self.share
    }
}
