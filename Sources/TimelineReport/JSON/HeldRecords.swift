// Records of connections that may turn out not to be asked for: kept until the connection is over and the choice is made.

import TCPTimeline

/// Records by connection, and what was decided for those that are over.
struct HeldRecords: Sendable {
    fileprivate enum Choice {
        case waiting, shown, hidden
    }

    /// Of one connection.
    fileprivate struct Entry {
        let number: UInt64
        var choice = Choice.waiting
        /// What is kept, and how many records there was no memory for.
        var kept = OutputBuffer()
        var leftOut: UInt64 = 0
    }

    private var entries: [UInt32: Entry] = [:]
    /// Octets that are kept, and how many there may be before no more are.
    private var size = 0
    let mostOctets: Int

    init(mostOctets: Int) { self.mostOctets = mostOctets }

    /// Lets `write` append records of a connection: kept if the choice is still to be made, else written or forgotten.
    mutating func add(
        _ id: ConnectionID, number: UInt64, _ out: inout OutputBuffer, _ write: (inout OutputBuffer) -> Void
    ) {
        if entries[id.slot]?.number != number { entries[id.slot] = Entry(number: number) }
        // Changed where it lies: with a second reference to what is kept, each record would copy all of it.
        size += entries[id.slot, default: Entry(number: number)].add(&out, hasRoom: size < mostOctets, write)
    }

    /// The choice: writes what was kept, or forgets it.
    ///
    /// - Returns: how often there was no memory to keep what one event brought, usually one record.
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
    /// Returns how many octets more are kept.
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
