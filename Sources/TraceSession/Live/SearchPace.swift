// When to search all of /proc again for the owners of sockets.

import TCPModel

/// The schedule of searches. A search reads every process's descriptors until everything wanted is found: mostly
/// milliseconds, but much longer where processes have ten thousands of them.
struct SearchPace {
    /// Searches may take at most one part in this many of the time.
    static let share: Int64 = 5
    /// Nanoseconds between two searches in a crowd, where events name most processes.
    static let interval = 500 * Span.millisecond

    private var latest: Int64 = 0
    private var paid: Int64 = 0

    /// Whether the latest search has been paid for and, in a crowd, was long enough ago.
    func isDue(_ now: Int64, isCrowd: Bool) -> Bool { now >= (isCrowd ? max(paid, latest + Self.interval) : paid) }

    /// Notes a search that ran from `start` to `now` and took `cost` nanoseconds of processor time.
    mutating func note(start: Int64, now: Int64, cost: Int64) {
        latest = start
        paid = now + cost * Self.share
    }
}
