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
