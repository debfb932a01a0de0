// What a file last said about each connection, for readings that refer to it by number alone.

import TCPModel

/// The known connections, by their numbers in the file.
struct KnownConnections {
    private var known: [UInt32: ReadConnection] = [:]
    private var listeners = 0

    mutating func removeAll() {
        known.removeAll()
        listeners = 0
    }

    /// The latest description of a connection; nil if there is none.
    subscript(number: UInt32) -> ReadConnection? { known[number] }

    /// Notes a connection's description. A malicious file could define ever more, so beyond the limits all earlier ones
    /// are forgotten.
    mutating func note(_ connection: ReadConnection, _ number: UInt32) {
        if known.count >= KernelRecordFormat.keptConnections || listeners > KernelRecordFormat.keptListeners {
            removeAll()
        }
        let before = known.updateValue(connection, forKey: number)
        listeners += connection.listeners.count - (before?.listeners.count ?? 0)
    }
}

/// The unchanged connections of one payload. A few octets may stand for many of them, so their number is limited: a
/// malicious file must not keep a reader busy forever.
struct UnchangedConnections {
    private var numbers: Set<UInt32> = []
    private var listeners = 0

    /// The known ones of a run of connections; a payload may refer to each only once.
    mutating func take(
        _ first: UInt32, count: UInt16, of known: KnownConnections
    ) throws(KernelRecordFault) -> [ReadConnection] {
        let all = numbers.count + Int(count)
        guard all <= KernelRecordFormat.portion else { throw .badValue("\(all) connections") }
        var connections: [ReadConnection] = []
        for offset in 0..<UInt32(count) {
            let number = first &+ offset
            guard numbers.insert(number).inserted else { throw .badValue("connection \(number) twice") }
            guard let connection = known[number] else { continue }
            listeners += connection.listeners.count
            guard listeners <= 2 * KernelRecordFormat.portionListeners else {
                throw .badValue("\(listeners) listeners")
            }
            connections.append(connection)
        }
        return connections
    }
}
