// A reading of the kernel's tables after the capture has ended, while the traced connections continue.

import TCPMachine
import TCPModel
import TCPTimeline

/// Provides the owners of sockets, in the states that the capture left them in: later changes must not count against
/// the trace.
struct PastReading<Base: KernelSnapshot>: KernelSnapshot {
    let base: Base
    /// Keyed by the tuple as seen from the socket's own end.
    private var states: [FourTuple: TCPState] = [:]

    /// The connections that the reading covers: those none of whose sockets has disappeared since the capture.
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
    /// Whether the kernel has a full socket in this state, which a program holds or held until its FIN was done: RFC
    /// 9293's synchronized states except TIME-WAIT, for which the kernel keeps a smaller structure.
    fileprivate var hasFullSocket: Bool {
        switch self {
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .timeWait: false
        }
    }
}
