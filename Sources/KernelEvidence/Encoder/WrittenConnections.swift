// What a file last said of each connection, so that it is not said again.

import TCPModel

/// What was last written of connections, each of which has a number since it was first written.
struct WrittenConnections {
    private struct Entry {
        let number: UInt32
        /// All that was written, octet for octet: a connection is as it was if these are the same.
        var octets: [UInt8]
    }

    private var entries: [FourTuple: Entry] = [:]
    private var octets = 0
    /// The end of the reading before which nothing counts: it was the first one, or all had been forgotten.
    private var since: Timestamp?

    /// Forgets all if there is no room for another portion, or it is time to write it all again; whether it did. The file must say so.
    mutating func makeRoom(at time: Timestamp) -> Bool {
        let begin = since ?? time
        since = begin
        let isFull =
            entries.count > KernelRecordFormat.writtenConnections - KernelRecordFormat.portion
            || octets > KernelRecordFormat.writtenOctets
        // A clock that was set back must not keep connections from being written.
        if !isFull && (0..<KernelRecordFormat.fullInterval).contains(time.since(begin)) { return false }
        removeAll()
        since = time
        return true
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        octets = 0
        since = nil
    }

    /// The number of a connection of which the same was written before.
    func number(ofUnchanged tuple: FourTuple, _ full: [UInt8]) -> UInt32? {
        guard let entry = entries[tuple], entry.octets == full else { return nil }
        return entry.number
    }

    /// Notes that this is written of a connection, under the number that is returned: the one that it has, or the next one.
    mutating func note(_ tuple: FourTuple, _ full: [UInt8]) -> UInt32 {
        // A copy of just that size: `full` has room for the longest one that there was.
        var exact: [UInt8] = []
        exact.reserveCapacity(full.count)
        exact += full
        let number = entries[tuple]?.number ?? UInt32(truncatingIfNeeded: entries.count)
        let before = entries.updateValue(Entry(number: number, octets: exact), forKey: tuple)
        octets += full.count - (before?.octets.count ?? 0)
        return number
    }
}
