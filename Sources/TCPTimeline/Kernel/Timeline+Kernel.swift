// The few things of a connection that are asked for at each of the kernel's events: looked at in place, without copying the rest.

import TCPMachine
public import TCPModel

extension Timeline {
    /// The state of one side.
    public func state(of id: ConnectionID, _ side: Side) -> TCPState {
        connections.store[id].endpoints[connections.store[id].place(side)].state
    }

    /// Where one side is, and where the other.
    func ends(of id: ConnectionID, _ side: Side) -> (local: SocketAddress, remote: SocketAddress) {
        let tuple = connections.store[id].tuple
        return side == .originator ? (tuple.source, tuple.destination) : (tuple.destination, tuple.source)
    }

    /// Whether another connection has its four-tuple now.
    func isReplaced(_ id: ConnectionID) -> Bool { connections.store[id].facts.contains(.replaced) }

    /// When its first segment came.
    func firstTime(of id: ConnectionID) -> Timestamp { connections.store[id].firstTime }

    /// Whether a segment that was just taken in is the responder's first one with text or FIN, or may be.
    public func isFirstAnswer(_ segment: Segment, _ tracked: Tracked) -> Bool {
        guard segment.payloadLength > 0 || segment.flags.contains(.fin), tracked.copyOf == 0 else { return false }
        let hot = connections.store[tracked.connection]
        return hot.tuple.source == segment.tuple.destination
            && hot.sides[Int(Side.responder.rawValue)].uniqueBytes <= UInt64(segment.payloadLength)
    }

    /// Whether a RST of this side ended it.
    func wasReset(_ id: ConnectionID, by side: Side) -> Bool {
        let facts = connections.store[id].facts
        return facts.contains(.reset) && facts.contains(.originatorReset) == (side == .originator)
    }

    /// Whether its opening was captured, or some of it.
    func showsOpening(_ id: ConnectionID) -> Bool {
        !connections.store[id].facts.isDisjoint(with: [.synSeen, .synAckSeen])
    }

    /// Whether nothing more can come of it.
    public func isEnded(_ id: ConnectionID) -> Bool { connections.store[id].isEnded }

    /// Whether its end was reported: see `markReported`.
    public func isReported(_ id: ConnectionID) -> Bool { connections.store[id].facts.contains(.reported) }
}
