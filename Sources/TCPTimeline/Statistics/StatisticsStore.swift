// The statistics of the connections in memory, by place. It exists only if a report reads it.

/// Statistics by slot. The place of a connection that was retired is taken over by the next one there.
struct StatisticsStore {
    private var statistics: [ConnectionStatistics?] = []

    /// Takes in a segment of connection `number`.
    mutating func take(_ event: SegmentEvent, number: UInt64) -> SegmentVerdict {
        let slot = Int(event.connection.slot)
        if slot >= statistics.count {
            statistics.append(contentsOf: repeatElement(nil, count: slot + 1 - statistics.count))
        }
        if statistics[slot]?.number != number { statistics[slot] = ConnectionStatistics(number: number) }
        return statistics[slot]?.take(event) ?? SegmentVerdict()
    }

    /// The statistics of connection `number` at this place.
    func statistics(_ id: ConnectionID, number: UInt64) -> ConnectionStatistics? {
        let slot = Int(id.slot)
        guard slot < statistics.count, let found = statistics[slot], found.number == number else { return nil }
        return found
    }

    mutating func forget(_ id: ConnectionID) {
        if Int(id.slot) < statistics.count { statistics[Int(id.slot)] = nil }
    }
}
