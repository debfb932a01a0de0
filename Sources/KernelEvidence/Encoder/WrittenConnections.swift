// What a file last said of each connection, so that it is not said again.

import TCPModel

/// What was last written of connections.
struct WrittenConnections {
    private struct Entry {
        /// All that was written, octet for octet: as it was if these are the same.
        let octets: [UInt8]
        /// The end of the reading that it was written in.
        let time: Timestamp
    }

    private var entries: [FourTuple: Entry] = [:]
    private var octets = 0

    /// Forgets all if there is no room for another portion; whether it did. The file must say so.
    mutating func makeRoom() -> Bool {
        let isFull =
            entries.count > KernelRecordFormat.writtenConnections - KernelRecordFormat.portion
            || octets > KernelRecordFormat.writtenOctets
        if isFull { removeAll() }
        return isFull
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        octets = 0
    }

    /// Whether the same was written of a connection not long before.
    func isFresh(_ tuple: FourTuple, _ full: [UInt8], at time: Timestamp) -> Bool {
        guard let entry = entries[tuple] else { return false }
        // A clock that was set back must not keep a connection from being written.
        return (0..<KernelRecordFormat.fullInterval).contains(time.since(entry.time)) && entry.octets == full
    }

    /// Notes that this was written of a connection.
    mutating func note(_ tuple: FourTuple, _ full: [UInt8], at time: Timestamp) {
        // A copy of just that size: `full` has room for the longest one that there was.
        var exact: [UInt8] = []
        exact.reserveCapacity(full.count)
        exact += full
        let before = entries.updateValue(Entry(octets: exact, time: time), forKey: tuple)
        octets += full.count - (before?.octets.count ?? 0)
    }
}
