// Exponential backoff for operations that may succeed later.

import TCPModel

/// Schedules retries after failures: after one second, then doubling up to one minute.
public struct RetryPace: Sendable {
    /// The first pause and the longest one, in nanoseconds.
    static let pauses = (first: Span.second, longest: 60 * Span.second)

    private var pause = Self.pauses.first
    /// The monotonic time, in nanoseconds, from which a retry is due.
    public private(set) var next = Int64.min

    /// A pace without failures.
    public init() {}

    /// Whether a retry is due at `now`.
    func isDue(_ now: Int64) -> Bool { now >= next }

    /// Records a success: the next failure starts again with the first pause.
    public mutating func noteSuccess() { self = RetryPace() }

    /// Records a failure at `now`.
    public mutating func note(_ now: Int64) {
        next = now + pause
        pause = min(pause * 2, Self.pauses.longest)
    }
}
