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

    /// `called`: what the client of a connection called, if that is not its server.
    init(_ reading: KernelReading, called: (FourTuple) -> SocketAddress?) {
        begin = reading.begin
        end = reading.end
        source = reading.source
        for connection in reading.connections {
            let tuple = connection.tuple
            sockets[FourTuple(source: tuple.source, destination: called(tuple) ?? tuple.destination)] =
                connection.originator
            // Of a socket that is connected to itself both are one.
            if let responder = connection.responder { sockets[tuple.reversed] = responder }
            listeners[tuple.reversed] = connection.listeners
            if let listener = connection.elsewhere { elsewhere[tuple.destination.port] = listener }
            if connection.isOriginatorLocal { local.insert(tuple.source.address) }
            if connection.isResponderLocal { local.insert(tuple.destination.address) }
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
