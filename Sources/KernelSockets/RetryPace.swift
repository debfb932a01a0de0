// Pauses between attempts at something that may work later, each longer than the one before.

import TCPModel

/// When something that failed is tried again: after a second, then after twice as long each time, and at least once a minute.
public struct RetryPace: Sendable {
    /// The first pause and the longest one, in nanoseconds.
    static let pauses = (first: Span.second, longest: 60 * Span.second)

    private var pause = Self.pauses.first
    /// When it may be tried again.
    public private(set) var next = Int64.min

    /// Nothing has failed.
    public init() {}

    /// Whether it may be tried again.
    func isDue(_ now: Int64) -> Bool { now >= next }

    /// It worked: the next failure is the first one again.
    public mutating func noteSuccess() { self = RetryPace() }

    /// It failed.
    public mutating func note(_ now: Int64) {
        next = now + pause
        pause = min(pause * 2, Self.pauses.longest)
    }
}
