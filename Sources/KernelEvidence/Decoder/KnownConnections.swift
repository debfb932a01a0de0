// What a file last said of each connection, for readings that only name it.

import TCPModel

/// What is known of connections.
struct KnownConnections {
    private var known: [FourTuple: ReadConnection] = [:]
    private var listeners = 0

    mutating func removeAll() {
        known.removeAll()
        listeners = 0
    }

    /// What was last said of a connection; nil if nothing was.
    subscript(tuple: FourTuple) -> ReadConnection? { known[tuple] }

    /// Notes what is said of a connection. A file that means ill could name ever more: those before are unknown then.
    mutating func note(_ connection: ReadConnection) {
        if known.count >= KernelRecordFormat.keptConnections || listeners > KernelRecordFormat.keptListeners {
            removeAll()
        }
        let before = known.updateValue(connection, forKey: connection.tuple)
        listeners += connection.listeners.count - (before?.listeners.count ?? 0)
    }
}
