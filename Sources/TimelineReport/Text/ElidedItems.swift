// The complete items of one connection that are not written yet. Beyond a limit, the middle is left out and counted.

import TCPModel

/// Items of a timeline in their order: the first ones, and a ring of the latest ones once the limit is reached.
struct ElidedItems {
    /// All items, or those before the ones that were left out.
    private(set) var head: [TimelineItem] = []
    /// The latest items, in a ring; empty while the head has room.
    private var tail: [TimelineItem] = []
    private var tailStart = 0
    private var elidedRows = 0
    private var elidedSegments: UInt64 = 0
    /// The maximum number of items.
    private var limit: Int
    /// An upper bound on the memory used by the excerpts, in octets.
    private(set) var excerptSize = 0

    init(limit: Int) { self.limit = limit }

    /// The number of items in memory.
    var count: Int { head.count + tail.count }

    var isEmpty: Bool { head.isEmpty }

    /// Whether the next item goes behind everything that came before, and none was left out.
    var hasRoom: Bool { tail.isEmpty && head.count < roomForHead }

    private var roomForHead: Int { limit - limit / 4 }

    /// Limits the number of items from now on; items already present stay.
    mutating func restrict(to most: Int) { limit = min(limit, most) }

    /// Appends an item; beyond the limit the middle is left out.
    mutating func append(_ item: TimelineItem) {
        excerptSize += item.excerptSize
        if head.count < roomForHead {
            // Growing from one by doubling would copy each of the first items three times.
            if head.capacity == 0 { head.reserveCapacity(4) }
            head.append(item)
            return
        }
        if tail.count < max(1, limit / 4) {
            tail.append(item)
            return
        }
        if case .row(let row, _) = tail[tailStart] {
            elidedRows += 1
            elidedSegments += UInt64(row.frames)
        }
        excerptSize -= tail[tailStart].excerptSize
        tail[tailStart] = item
        tailStart = (tailStart + 1) % tail.count
    }

    /// Inserts an item among the first ones, where there is room.
    mutating func insert(_ item: TimelineItem, at place: Int) {
        excerptSize += item.excerptSize
        head.insert(item, at: place)
    }

    /// Replaces the row of one of the first items.
    mutating func replaceRow(at place: Int, _ row: TimelineRow) {
        if case .row(_, let excerpt) = head[place] { head[place] = .row(row, excerpt) }
    }

    /// Changes the rows, the latest first, until `change` returns true.
    mutating func changeRows(_ change: (inout TimelineRow) -> Bool) {
        func isLast(_ item: inout TimelineItem) -> Bool {
            guard case .row(var row, let excerpt) = item else { return false }
            defer { item = .row(row, excerpt) }
            return change(&row)
        }
        for index in tail.indices.reversed() where isLast(&tail[(tailStart + index) % tail.count]) { return }
        for index in head.indices.reversed() where isLast(&head[index]) { return }
    }

    /// Removes and returns all items.
    mutating func take() -> [TimelineItem] {
        defer {
            head.removeAll(keepingCapacity: false)
            tail.removeAll(keepingCapacity: false)
            (tailStart, elidedRows, elidedSegments) = (0, 0, 0)
            excerptSize = 0
        }
        if tail.isEmpty { return head }
        let end = Array(tail[tailStart...] + tail[..<tailStart])
        if elidedRows == 0 { return head + end }
        return head + [.note(.elided(rows: elidedRows, segments: elidedSegments))] + end
    }

    /// Removes and returns the items before the first one later than `limit`, provided that none was left out.
    mutating func take(until limit: Timestamp) -> [TimelineItem] {
        let end = head.firstIndex { $0.time.map { $0 > limit } ?? false } ?? head.count
        guard end < head.count, tail.isEmpty else { return take() }
        defer { head.removeFirst(end) }
        for item in head[..<end] { excerptSize -= item.excerptSize }
        return Array(head[..<end])
    }
}
