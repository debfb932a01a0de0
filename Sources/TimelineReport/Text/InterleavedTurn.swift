// What several connections have to say at one time, in the order of time: a live timeline prints rows as they are complete, and one
// connection's is complete before another's that came earlier.

import TCPModel
import TCPTimeline

/// The items of the connections at work that are printed together.
struct InterleavedTurn {
    /// Those that may be printed.
    private(set) var connections: [ConnectionID] = []
    /// The time of the latest item that any of them has.
    private(set) var latest = Timestamp(nanoseconds: .min)
    /// Items that are later than this wait: one of another connection comes before them that is not complete.
    private(set) var limit = Timestamp(nanoseconds: .max)
    private var items: [(time: Timestamp, id: ConnectionID, item: TimelineItem)] = []

    /// A connection that may be printed.
    mutating func add(_ id: ConnectionID, _ text: ConnectionText) {
        connections.append(id)
        if let time = text.latestTime { latest = max(latest, time) }
    }

    /// This connection's next item is not complete.
    mutating func holdBack(_ text: ConnectionText) {
        if let time = text.earliestTime { limit = min(limit, time) }
    }

    /// Items of one connection, which began at `start`, in their order.
    mutating func take(_ taken: [TimelineItem], of id: ConnectionID, _ start: Timestamp) {
        // A remark without a time stands with what comes behind it, the last ones with what is before them.
        var times = taken.map(\.time)
        for index in taken.indices.reversed().dropFirst() where times[index] == nil { times[index] = times[index + 1] }
        var time = start
        for (index, item) in taken.enumerated() {
            time = max(time, times[index] ?? time)
            items.append((time, id, item))
        }
    }

    /// All that was taken: each connection's in their order, and all by their times.
    mutating func inOrder() -> [(ConnectionID, TimelineItem)] {
        // `sort` keeps no order of what is equal.
        var order = Array(items.indices)
        order.sort { (items[$0].time, $0) < (items[$1].time, $1) }
        return order.map { (items[$0].id, items[$0].item) }
    }
}

extension TimelineItem {
    /// When it happened, if that is not where its neighbours say.
    var time: Timestamp? {
        switch self {
        case .row(let row, _): row.time
        case .note(let note): note.time
        }
    }
}

extension ConnectionText {
    /// When the first thing happened that is not printed yet.
    var earliestTime: Timestamp? { items.lazy.compactMap(\.time).first ?? held?.time }

    /// When the latest thing happened that is complete and not printed yet.
    var latestTime: Timestamp? { items.last { $0.time != nil }?.time }
}
