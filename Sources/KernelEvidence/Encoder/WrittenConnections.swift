// What a file last said about each connection, to avoid repeating it.

import TCPModel

/// What was last written of each connection; a connection keeps the number that it got when first written.
struct WrittenConnections {
    private struct Entry {
        let number: UInt32
        /// Everything that was written, octet for octet: the connection is unchanged if this is the same.
        var octets: [UInt8]
    }

    private var entries: [FourTuple: Entry] = [:]
    private var octets = 0
    /// The end of the first reading since all connections were last forgotten.
    private var since: Timestamp?

    /// Forgets all connections if there is no room for another portion, or if it is time to write them all again.
    /// Returns whether it did, which the file must record.
    mutating func makeRoom(at time: Timestamp) -> Bool {
        let begin = since ?? time
        since = begin
        let isFull =
            entries.count > KernelRecordFormat.writtenConnections - KernelRecordFormat.portion
            || octets > KernelRecordFormat.writtenOctets
        // A clock that was set back must not delay the next full writing.
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

    /// The number of a connection that was last written with exactly these octets; nil otherwise.
    func number(ofUnchanged tuple: FourTuple, _ full: [UInt8]) -> UInt32? {
        guard let entry = entries[tuple], entry.octets == full else { return nil }
        return entry.number
    }

    /// Notes what is written of a connection, and returns its number: the one that it has, or the next one.
    mutating func note(_ tuple: FourTuple, _ full: [UInt8]) -> UInt32 {
        // A copy of exactly this size, because `full` has capacity for the longest connection so far.
        var exact: [UInt8] = []
        exact.reserveCapacity(full.count)
        exact += full
        let number = entries[tuple]?.number ?? UInt32(truncatingIfNeeded: entries.count)
        let before = entries.updateValue(Entry(number: number, octets: exact), forKey: tuple)
        octets += full.count - (before?.octets.count ?? 0)
        return number
    }
}
