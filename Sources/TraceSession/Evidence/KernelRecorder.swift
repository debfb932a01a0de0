// Live: what is learnt of the kernel, on its way into the capture file that is written.

import KernelEvidence
import KernelSockets
import TCPModel
import TCPTimeline

/// Gathers the blocks for what was joined since the latest frames.
struct KernelRecorder {
    private var encoder = KernelRecordEncoder()
    private var payloads: [[UInt8]] = []
    /// Whether it is recorded whose sockets are.
    private let namesUsers: Bool

    /// A trace with tracepoints or without begins.
    init(hasEvents: Bool, namesUsers: Bool) {
        self.namesUsers = namesUsers
        note(.begin(KernelTraceSettings(hasEvents: hasEvents)))
    }

    /// Something was joined.
    mutating func note(_ record: KernelRecord) { encoder.encode(record, into: &payloads) }

    /// A reading is about to be joined to these connections.
    mutating func note(
        _ snapshot: some KernelSnapshot, of connections: [KernelJoin.ConnectionToRead]
    ) {
        let read = connections.map { connection in
            let tuple = connection.tuple
            var read = ReadConnection(tuple)
            let (client, server) = (connection.originator, connection.responder)
            read.originator = snapshot.socket(local: client.source, remote: client.destination)
            read.responder = snapshot.socket(local: server.source, remote: server.destination)
            read.listeners = snapshot.listeners(at: server.source, from: server.destination)
            read.isOriginatorLocal = snapshot.isLocal(client.source.address)
            read.isResponderLocal = snapshot.isLocal(server.source.address)
            // Asked only of what was refused: it is looked for among all sockets.
            if connection.isRefused, read.listeners.isEmpty, read.isResponderLocal {
                read.elsewhere = snapshot.listener(onPort: tuple.destination.port)
            }
            if !namesUsers { read.forgetUsers() }
            return read
        }
        note(
            .reading(
                KernelReading(begin: snapshot.begin, end: snapshot.end, source: snapshot.source, connections: read)))
    }

    /// What moved among the host's counters, as far as findings ask for it.
    mutating func note(_ change: HostCounterChange) {
        let told = change.increases.filter { $0.trouble != nil || $0.name == "TcpPassiveOpens" }
        guard told.contains(where: { $0.trouble != nil }) else { return }
        note(.counters(HostCounterChange(from: change.from, to: change.to, increases: told)))
    }

    /// The payloads for the file, which stand behind the frames so far.
    mutating func take() -> [[UInt8]] {
        defer { payloads.removeAll(keepingCapacity: true) }
        return payloads
    }
}
