// Merges the items of several connections in order of time. A live timeline prints rows when they are complete, and one
// connection's row may be complete before an earlier row of another.

import TCPModel
import TCPTimeline

/// The items of all active connections that are printed together.
struct InterleavedTurn {
    /// The connections that may be printed.
    private(set) var connections: [ConnectionID] = []
    /// The time of the latest item of any of them.
    private(set) var latest = Timestamp(nanoseconds: .min)
    /// Items later than this must wait, because an incomplete item of another connection comes before them.
    private(set) var limit = Timestamp(nanoseconds: .max)
    private var items: [(time: Timestamp, id: ConnectionID, item: TimelineItem)] = []

    /// Adds a connection that may be printed.
    mutating func add(_ id: ConnectionID, _ text: ConnectionText) {
        connections.append(id)
        if let time = text.latestTime { latest = max(latest, time) }
    }

    /// Takes into account a connection whose next item is not complete.
    mutating func holdBack(_ text: ConnectionText) {
        if let time = text.earliestTime { limit = min(limit, time) }
    }

    /// Adds items of a connection, in their order; the connection began at `start`.
    mutating func take(_ taken: [TimelineItem], of id: ConnectionID, _ start: Timestamp) {
        // A remark without a time goes with the item after it; the last ones go with the item before them.
        var times = taken.map(\.time)
        for index in taken.indices.reversed().dropFirst() where times[index] == nil { times[index] = times[index + 1] }
        var time = start
        for (index, item) in taken.enumerated() {
            time = max(time, times[index] ?? time)
            items.append((time, id, item))
        }
    }

    /// All added items: in order of time, with each connection's items in their own order.
    mutating func inOrder() -> [(ConnectionID, TimelineItem)] {
        // `sort` is not guaranteed to be stable.
        var order = Array(items.indices)
        order.sort { (items[$0].time, $0) < (items[$1].time, $1) }
        return order.map { (items[$0].id, items[$0].item) }
    }
}

extension TimelineItem {
    /// When the item happened; nil if its place is determined by its neighbours.
    var time: Timestamp? {
        switch self {
        case .row(let row, _): row.time
        case .note(let note): note.time
        }
    }
}

extension ConnectionText {
    /// The time of the first item that is not printed yet.
    var earliestTime: Timestamp? { items.head.lazy.compactMap(\.time).first ?? held?.time }

    /// The time of the latest item that is complete but not printed yet.
    var latestTime: Timestamp? { items.head.last { $0.time != nil }?.time }
}
