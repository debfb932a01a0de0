// The statistics of the connections in memory, by place. It exists only if a report reads it.

import TCPModel

/// Statistics by slot. The next connection at a place takes over from one that was retired.
struct StatisticsStore {
    /// `.none` where nothing is kept. Read and changed in place: a copy would take longer than a segment's changes.
    private var statistics: [ConnectionStatistics] = []

    /// Takes in a segment.
    mutating func take(_ event: SegmentEvent) -> SegmentVerdict {
        let slot = Int(event.connection.slot)
        while statistics.count <= slot { statistics.append(.none) }
        if statistics[slot].number != event.number { statistics[slot] = ConnectionStatistics(number: event.number) }
        return statistics[slot].take(event)
    }

    /// A router reported that a segment from one side of connection `number` was too big for the path.
    mutating func noteTooBig(_ id: ConnectionID, number: UInt64, _ side: Side, _ mtu: UInt32, _ time: Timestamp) {
        let slot = Int(id.slot)
        if slot < statistics.count, statistics[slot].number == number { statistics[slot].noteTooBig(side, mtu, time) }
    }

    /// The statistics of connection `number` at this place.
    func statistics(_ id: ConnectionID, number: UInt64) -> ConnectionStatistics? {
        let slot = Int(id.slot)
        return slot < statistics.count && statistics[slot].number == number ? statistics[slot] : nil
    }

    mutating func forget(_ id: ConnectionID) {
        if Int(id.slot) < statistics.count { statistics[Int(id.slot)] = .none }
    }
}
