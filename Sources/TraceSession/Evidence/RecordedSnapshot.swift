// A reading of the kernel's tables from a capture file, in the form that the join takes.

import KernelEvidence
import TCPModel
import TCPTimeline

/// Answers the queries that were made when it was recorded, and no others.
struct RecordedSnapshot: KernelSnapshot {
    let begin: Timestamp
    let end: Timestamp
    let source: KernelSource
    /// Keyed by the tuple as seen from the socket's own end.
    private var sockets: [FourTuple: KernelSocket] = [:]
    /// Keyed by the tuple as seen from the listener's end.
    private var listeners: [FourTuple: [KernelSocket]] = [:]
    private var elsewhere: [UInt16: KernelSocket] = [:]
    private var local: Set<IPAddress> = []

    /// `sockets` returns the tuples of both sockets of a connection, each from its own side.
    init(_ reading: KernelReading, sockets ends: (FourTuple) -> (originator: FourTuple, responder: FourTuple)) {
        begin = reading.begin
        end = reading.end
        source = reading.source
        for connection in reading.connections {
            let (originator, responder) = ends(connection.tuple)
            sockets[originator] = connection.originator
            // For a socket that is connected to itself, both are the same one.
            if let socket = connection.responder { sockets[responder] = socket }
            listeners[responder] = connection.listeners
            if let listener = connection.elsewhere { elsewhere[connection.tuple.destination.port] = listener }
            if connection.isOriginatorLocal { local.insert(originator.source.address) }
            if connection.isResponderLocal { local.insert(responder.source.address) }
        }
    }

    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        sockets[FourTuple(source: local, destination: remote)]
    }

    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket] {
        listeners[FourTuple(source: address, destination: peer)] ?? []
    }

    func listener(onPort port: UInt16) -> KernelSocket? { elsewhere[port] }

    func isLocal(_ address: IPAddress) -> Bool { address.isLoopback || local.contains(address) }
}
