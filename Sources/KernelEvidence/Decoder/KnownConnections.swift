// What a file last said of each connection, for readings that only name it.

import TCPModel

/// What is known of connections, by the numbers that the file gives them.
struct KnownConnections {
    private var known: [UInt32: ReadConnection] = [:]
    private var listeners = 0

    mutating func removeAll() {
        known.removeAll()
        listeners = 0
    }

    /// What was last said of a connection; nil if nothing was.
    subscript(number: UInt32) -> ReadConnection? { known[number] }

    /// Notes what is said of a connection. A file that means ill could name ever more: those before are unknown then.
    mutating func note(_ connection: ReadConnection, _ number: UInt32) {
        if known.count >= KernelRecordFormat.keptConnections || listeners > KernelRecordFormat.keptListeners {
            removeAll()
        }
        let before = known.updateValue(connection, forKey: number)
        listeners += connection.listeners.count - (before?.listeners.count ?? 0)
    }
}

/// The connections that one payload says are unchanged. A few octets of these stand for much: a file that means ill must not make a reader
/// work for ever.
struct UnchangedConnections {
    private var numbers: Set<UInt32> = []
    private var listeners = 0

    /// What is known of these, of which a payload names each once.
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
