// A reading of the kernel's tables as a capture file has it, as the join wants it.

import KernelEvidence
import TCPModel
import TCPTimeline

/// Answers what was asked when it was read, and nothing else.
struct RecordedSnapshot: KernelSnapshot {
    let begin: Timestamp
    let end: Timestamp
    let source: KernelSource
    /// By the tuple from the socket's own end.
    private var sockets: [FourTuple: KernelSocket] = [:]
    /// By the tuple from the listener's end.
    private var listeners: [FourTuple: [KernelSocket]] = [:]
    private var elsewhere: [UInt16: KernelSocket] = [:]
    private var local: Set<IPAddress> = []

    /// `sockets`: the ends that both sockets of a connection have, each from its own side.
    init(_ reading: KernelReading, sockets ends: (FourTuple) -> (originator: FourTuple, responder: FourTuple)) {
        begin = reading.begin
        end = reading.end
        source = reading.source
        for connection in reading.connections {
            let (originator, responder) = ends(connection.tuple)
            sockets[originator] = connection.originator
            // Of a socket that is connected to itself both are one.
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
