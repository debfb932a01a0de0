// Records of connections that may turn out not to be asked for: kept until the connection is over and the choice is made.

import TCPTimeline

/// Records by connection, and what was decided for those that are over.
struct HeldRecords: Sendable {
    private enum Fate {
        /// What is kept, and how many records there was no memory for.
        case waiting(OutputBuffer, leftOut: UInt64)
        case shown
        case hidden
    }

    private var fates: [UInt32: (number: UInt64, fate: Fate)] = [:]
    /// Octets that are kept, and how many there may be before no more are.
    private var size = 0
    let mostOctets: Int

    init(mostOctets: Int) { self.mostOctets = mostOctets }

    /// Lets `write` append records of a connection: kept if the choice is still to be made, else written or forgotten.
    mutating func add(
        _ id: ConnectionID, number: UInt64, _ out: inout OutputBuffer, _ write: (inout OutputBuffer) -> Void
    ) {
        let entry =
            fates[id.slot].flatMap { $0.number == number ? $0.fate : nil } ?? .waiting(OutputBuffer(), leftOut: 0)
        switch entry {
        case .waiting(let buffer, let leftOut) where size >= mostOctets:
            fates[id.slot] = (number, .waiting(buffer, leftOut: leftOut + 1))
        case .waiting(var buffer, let leftOut):
            // Taken out first, so that appending copies nothing.
            fates[id.slot] = nil
            size -= buffer.count
            write(&buffer)
            size += buffer.count
            fates[id.slot] = (number, .waiting(buffer, leftOut: leftOut))
        case .shown: write(&out)
        case .hidden: break
        }
    }

    /// The choice: writes what was kept, or forgets it.
    ///
    /// - Returns: how often there was no memory to keep what one event brought, usually one record.
    mutating func decide(_ id: ConnectionID, number: UInt64, isShown: Bool, _ out: inout OutputBuffer) -> UInt64 {
        var missing: UInt64 = 0
        if let entry = fates[id.slot], entry.number == number, case .waiting(let buffer, let leftOut) = entry.fate {
            if isShown { out.append(contentsOf: buffer.bytes) }
            size -= buffer.count
            missing = leftOut
        }
        fates[id.slot] = (number, isShown ? .shown : .hidden)
        return missing
    }
}
