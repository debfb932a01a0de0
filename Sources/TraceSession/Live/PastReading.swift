// A reading of the kernel's tables after the capture has ended, while the traced connections go on.

import TCPMachine
import TCPModel
import TCPTimeline

/// Whose the sockets are, in the states that the capture left them in: what they came to since then is not held against it.
struct PastReading<Base: KernelSnapshot>: KernelSnapshot {
    let base: Base
    /// By the tuple from the socket's own end.
    private var states: [FourTuple: TCPState] = [:]

    /// The connections that it says something of: none of whose sockets has gone since.
    private(set) var connections: [ConnectionID] = []

    /// - Parameter ids: the connections that were read.
    init(_ base: Base, of ids: [ConnectionID], _ timeline: borrowing Timeline) {
        self.base = base
        for id in ids {
            var isWhole = true
            for side in [Side.originator, .responder] {
                let state = timeline[id].endpoint(side).state
                let ends = timeline.connections.socket(side, of: id)
                if state != .unseen { states[ends] = state }
                if state.hasFullSocket, base.isLocal(ends.source.address),
                    base.socket(local: ends.source, remote: ends.destination) == nil
                {
                    isWhole = false
                }
            }
            if isWhole { connections.append(id) }
        }
    }

    var begin: Timestamp { base.begin }
    var end: Timestamp { base.end }
    var source: KernelSource { base.source }

    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        guard var socket = base.socket(local: local, remote: remote) else { return nil }
        if let state = states[FourTuple(source: local, destination: remote)] { socket.state = state }
        return socket
    }

    func listener(onPort port: UInt16) -> KernelSocket? { base.listener(onPort: port) }

    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket] {
        base.listeners(at: address, from: peer)
    }

    func isLocal(_ address: IPAddress) -> Bool { base.isLocal(address) }
}

extension TCPState {
    /// Whether a program has a socket in this state, or had one until its FIN is through: RFC 9293's synchronized states but TIME-WAIT, of
    /// which the kernel keeps less.
    fileprivate var hasFullSocket: Bool {
        switch self {
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .timeWait: false
        }
    }
}
