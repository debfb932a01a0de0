// Connections that were reported and are kept for a while, in the order in which they were.

import TCPModel
import TCPTimeline

/// A queue of them.
struct ReportedQueue {
    /// How long an ended connection waits for late segments before it is reported, in nanoseconds.
    static let linger = 250 * Span.millisecond
    /// The same where the frames come from another trace that runs, together with what it learns of the kernel: that comes a
    /// little later, in nanoseconds.
    static let recordedLinger = Span.second
    /// How long a reported connection is kept for late segments and for its TIME_WAIT, in nanoseconds.
    static let keep = 120 * Span.second

    /// One connection, and when it was reported.
    typealias Entry = (id: ConnectionID, number: UInt64, since: Timestamp)

    private var entries = Queue<Entry>()

    var count: Int { entries.count }

    /// The one that was reported longest ago.
    var first: Entry? { entries.first }

    /// The one of the latest `count` that was reported longest ago.
    func latest(_ count: Int) -> Entry? {
        entries.count == 0 || count <= 0 ? nil : entries[max(0, entries.count - count)]
    }

    mutating func append(_ id: ConnectionID, _ number: UInt64, _ since: Timestamp) {
        entries.append((id, number, since))
    }

    /// Takes out the next one that has been kept for long enough at `now`, or that was reported before the last `most`.
    mutating func next(at now: Timestamp, most: Int) -> Entry? {
        guard let first, now.since(first.since) > Self.keep || count > most else { return nil }
        return entries.popFirst()
    }

    mutating func removeFirst() { entries.popFirst() }
}
