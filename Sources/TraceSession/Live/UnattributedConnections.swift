// `-- COMMAND`: connections that are not shown because their owner could not be determined.

import TCPModel
import TCPTimeline

/// Counts connections that may have been the traced command's.
struct UnattributedConnections {
    /// Processes to name at most.
    private static let most = 4

    /// Connections that were over before a process was seen at either end.
    private var withoutProcess: UInt64 = 0
    /// Connections of a process that ended before its descent from the command could be decided.
    private var undecided: UInt64 = 0
    private var names: Set<String> = []
    /// Connections of an unrelated process at one end, without a known process at the other, which is also on this
    /// host.
    private var halfSeen: UInt64 = 0

    /// Takes in a finished connection; `view` is its kernel side. `isLocal` identifies this host's addresses.
    @inline(never) mutating func note(_ connection: Connection, _ view: KernelView?, isLocal: (IPAddress) -> Bool) {
        guard let view, view.hasProcess else {
            withoutProcess += 1
            return
        }
        if view.isOfCommand { return }
        if let process = view.undecidedProcess {
            undecided += 1
            if names.count < Self.most { names.insert(process.command) }
            return
        }
        let (client, server) = (view.originator, view.responder)
        let lacksClient = client.process == nil && isLocal(connection.tuple.source.address)
        // Without a listener there is no process.
        let lacksServer =
            connection.handshakeTime >= 0 && server.process == nil && server.listenerProcess == nil
            && isLocal(connection.tuple.destination.address)
        if lacksClient || lacksServer { halfSeen += 1 }
    }

    /// Sentences for standard error; empty if there was no such connection.
    var sentences: [String] {
        var said: [String] = []
        if withoutProcess > 0 {
            said.append(
                "\(counted(withoutProcess, "connection")) not shown: over before any process was seen at either end;"
                    + " the command's may be among them")
        }
        if halfSeen > 0 {
            said.append(
                "\(counted(halfSeen, "connection")) not shown: no process was seen at one of the ends; the command's may be among"
                    + " them")
        }
        if undecided > 0 {
            said.append(
                "\(counted(undecided, "connection")) not shown: the process (\(names.sorted().map(printable).joined(separator: ", ")))"
                    + " ended before it was clear whether it belonged to the command; the command's may be among them")
        }
        return said
    }
}
