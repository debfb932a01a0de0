// Live: turns what is learned of the kernel into blocks of the capture file being written.

import KernelEvidence
import KernelSockets
import TCPModel
import TCPTimeline

/// Gathers the blocks for what was joined since the latest frames.
struct KernelRecorder {
    private var encoder = KernelRecordEncoder()
    private var payloads: [[UInt8]] = []
    /// Whether the owning users of sockets are recorded.
    private let namesUsers: Bool
    /// The listening ends that were recorded, at most so many.
    private var listening: Set<SocketAddress> = []

    /// Begins the records of a trace, with or without tracepoints.
    init(hasEvents: Bool, namesUsers: Bool) {
        self.namesUsers = namesUsers
        note(.begin(KernelTraceSettings(hasEvents: hasEvents)))
    }

    /// Encodes a record of what was joined.
    mutating func note(_ record: KernelRecord) { encoder.encode(record, into: &payloads) }

    /// Encodes a reading that is about to be joined to these connections.
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
            // Queried only for refused connections, as it takes a search among all sockets.
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

    /// Encodes changes of the host's counters, as far as findings need them.
    mutating func note(_ change: HostCounterChange) {
        let told = change.increases.filter { $0.trouble != nil || $0.name == "TcpPassiveOpens" }
        guard told.contains(where: { $0.trouble != nil }) else { return }
        note(.counters(HostCounterChange(from: change.from, to: change.to, increases: told)))
    }

    /// Encodes those ends of a new connection at which this host listens, each once.
    mutating func note(_ tuple: FourTuple, among ends: ListeningEnds) {
        guard listening.count < 65_536 else { return }
        for end in [tuple.source, tuple.destination] where ends.contains(end) && listening.insert(end).inserted {
            note(.listening(end))
        }
    }

    /// The payloads for the file; they belong behind the frames written so far.
    mutating func take() -> [[UInt8]] {
        defer { payloads.removeAll(keepingCapacity: true) }
        return payloads
    }
}
