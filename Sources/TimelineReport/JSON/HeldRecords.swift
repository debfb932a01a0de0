// Records of connections that may turn out not to be asked for: kept until the connection is over and the choice is made.

import TCPTimeline

/// Records by connection, and what was decided for those that are over.
struct HeldRecords: Sendable {
    private enum Fate {
        case waiting(OutputBuffer)
        case shown
        case hidden
    }

    private var fates: [UInt32: (number: UInt64, fate: Fate)] = [:]

    /// Lets `write` append records of a connection: kept if the choice is still to be made, else written or forgotten.
    mutating func add(
        _ id: ConnectionID, number: UInt64, _ out: inout OutputBuffer, _ write: (inout OutputBuffer) -> Void
    ) {
        let entry = fates[id.slot].flatMap { $0.number == number ? $0.fate : nil } ?? .waiting(OutputBuffer())
        switch entry {
        case .waiting(var buffer):
            // Taken out first, so that appending copies nothing.
            fates[id.slot] = nil
            write(&buffer)
            fates[id.slot] = (number, .waiting(buffer))
        case .shown: write(&out)
        case .hidden: break
        }
    }

    /// The choice: writes what was kept, or forgets it.
    mutating func decide(_ id: ConnectionID, number: UInt64, isShown: Bool, _ out: inout OutputBuffer) {
        if isShown, let entry = fates[id.slot], entry.number == number, case .waiting(let buffer) = entry.fate {
            out.append(contentsOf: buffer.bytes)
        }
        fates[id.slot] = (number, isShown ? .shown : .hidden)
    }
}
