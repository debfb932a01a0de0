// The host's TCP counters during a live trace: at the start, at intervals, and at the end.

import KernelSockets
import TCPModel

/// Reads the counters at most every 200 milliseconds. That is shorter than the delay before an ended connection is
/// reported, so changes during its lifetime are known by then.
struct HostWatcher {
    /// Nanoseconds between two readings: each costs about 50 us.
    static let interval = 200 * Span.millisecond

    private let reader = HostCounterReader()
    private var next: Int64 = 0
    /// The counters before the trace; nil if they cannot be read.
    let first: HostCounters?
    /// The latest reading.
    private(set) var latest: HostCounters?

    init() {
        first = reader.read()
        latest = first
    }

    /// Reads again if that is due, or if the trace ends. Returns the changes since the previous reading, if there is a
    /// new one, for uses that depend on the time of a change.
    @discardableResult mutating func look(at now: Int64, isLast: Bool = false) -> HostCounterChange? {
        guard first != nil, isLast || now >= next else { return nil }
        next = now + Self.interval
        guard let counters = reader.read() else { return nil }
        let previous = latest
        latest = counters
        return previous.map { counters.change(since: $0) }
    }

    /// The changes since the trace began.
    var change: HostCounterChange? {
        guard let first, let latest else { return nil }
        return latest.change(since: first)
    }
}

/// The lines for standard error: the counters that explain trouble, or with `all` every counter that changed.
func hostLines(_ change: HostCounterChange, all: Bool, namespace: String = "this network namespace") -> [String] {
    let shown = all ? change.increases : change.troubles
    guard !shown.isEmpty else { return [] }
    let width = shown.map { $0.name.utf8.count }.max() ?? 0
    let digits = shown.map { "\($0.count)".utf8.count }.max() ?? 0
    return ["kernel counters that moved (all connections of \(namespace), traced or not):"]
        + shown.map { increase in
            let name = increase.name + String(repeating: " ", count: width - increase.name.utf8.count)
            let count = String(repeating: " ", count: digits - "\(increase.count)".utf8.count) + "\(increase.count)"
            return "  \(name)  \(count)" + (increase.trouble.map { "  \($0)" } ?? "")
        }
}
