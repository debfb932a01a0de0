// Reported connections that are kept for a while, in the order of their reports.

import TCPModel
import TCPTimeline

/// A queue of reported connections.
struct ReportedQueue {
    /// How long an ended connection waits for late segments before it is reported, in nanoseconds.
    static let linger = 250 * Span.millisecond
    /// The linger where the frames come from another trace that is running, with its records of the kernel: those
    /// arrive a little later. In nanoseconds.
    static let recordedLinger = Span.second
    /// How long a reported connection is kept for late segments and for its TIME_WAIT, in nanoseconds.
    static let keep = 120 * Span.second

    /// One connection, and when it was reported.
    typealias Entry = (id: ConnectionID, number: UInt64, since: Timestamp)

    private var entries = Queue<Entry>()

    var count: Int { entries.count }

    /// The connection that was reported longest ago.
    var first: Entry? { entries.first }

    /// The connection that was reported first among the latest `count`.
    func latest(_ count: Int) -> Entry? {
        entries.count == 0 || count <= 0 ? nil : entries[max(0, entries.count - count)]
    }

    mutating func append(_ id: ConnectionID, _ number: UInt64, _ since: Timestamp) {
        entries.append((id, number, since))
    }

    /// Removes the first connection if it has been kept long enough at `now`, or if there are more than `most`.
    mutating func next(at now: Timestamp, most: Int) -> Entry? {
        guard let first, now.since(first.since) > Self.keep || count > most else { return nil }
        return entries.popFirst()
    }

    mutating func removeFirst() { entries.popFirst() }
}
