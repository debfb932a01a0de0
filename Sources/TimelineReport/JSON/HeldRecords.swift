// Records of connections that may turn out not to be selected: kept until the connection is over and the selection
// applies.

import TCPTimeline

/// Held records by connection, and the decisions for connections that are over.
struct HeldRecords: Sendable {
    fileprivate enum Choice {
        case waiting, shown, hidden
    }

    /// The records of one connection.
    fileprivate struct Entry {
        let number: UInt64
        var choice = Choice.waiting
        /// The held records, and the number of events whose records there was no room for.
        var kept = OutputBuffer()
        var leftOut: UInt64 = 0
    }

    private var entries: [UInt32: Entry] = [:]
    /// The number of octets held, and the number from which on no more are added.
    private var size = 0
    let mostOctets: Int

    init(mostOctets: Int) { self.mostOctets = mostOctets }

    /// Lets `write` append records of a connection. They are held while the decision is pending, then written or
    /// discarded.
    mutating func add(
        _ id: ConnectionID, number: UInt64, _ out: inout OutputBuffer, _ write: (inout OutputBuffer) -> Void
    ) {
        if entries[id.slot]?.number != number { entries[id.slot] = Entry(number: number) }
        // Modified in place: with a second reference to the buffer, each record would copy all of it.
        size += entries[id.slot, default: Entry(number: number)].add(&out, hasRoom: size < mostOctets, write)
    }

    /// Applies the decision: writes the held records or discards them.
    ///
    /// - Returns: the number of events, usually of one record each, that there was no room for.
    mutating func decide(_ id: ConnectionID, number: UInt64, isShown: Bool, _ out: inout OutputBuffer) -> UInt64 {
        var missing: UInt64 = 0
        if let entry = entries[id.slot], entry.number == number, entry.choice == .waiting {
            if isShown { out.append(contentsOf: entry.kept.bytes) }
            size -= entry.kept.count
            missing = entry.leftOut
        }
        entries[id.slot] = Entry(number: number, choice: isShown ? .shown : .hidden)
        return missing
    }
}

extension HeldRecords.Entry {
    /// Returns the number of octets added to the held records.
    fileprivate mutating func add(
        _ out: inout OutputBuffer, hasRoom: Bool, _ write: (inout OutputBuffer) -> Void
    ) -> Int {
        switch choice {
        case .waiting where hasRoom:
            let before = kept.count
            write(&kept)
            return kept.count - before
        case .waiting: leftOut += 1
        case .shown: write(&out)
        case .hidden: break
        }
        return 0
    }
}
