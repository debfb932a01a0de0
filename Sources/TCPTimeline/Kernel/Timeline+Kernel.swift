// The few facts about a connection that every kernel event needs, read in place without copying the rest.

public import TCPMachine
public import TCPModel

extension Timeline {
    /// The state of one side.
    public func state(of id: ConnectionID, _ side: Side) -> TCPState {
        connections.store[id].endpoints[connections.store[id].place(side)].state
    }

    /// The address of one side, and that of the other.
    func ends(of id: ConnectionID, _ side: Side) -> (local: SocketAddress, remote: SocketAddress) {
        let tuple = connections.store[id].tuple
        return side == .originator ? (tuple.source, tuple.destination) : (tuple.destination, tuple.source)
    }

    /// Whether another connection has its four-tuple now.
    func isReplaced(_ id: ConnectionID) -> Bool { connections.store[id].facts.contains(.replaced) }

    /// When its first segment was captured.
    func firstTime(of id: ConnectionID) -> Timestamp { connections.store[id].firstTime }

    /// Whether a segment that was just taken in is, or may be, the responder's first one with text or FIN.
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

    /// Whether its opening, or part of it, was captured.
    func showsOpening(_ id: ConnectionID) -> Bool {
        !connections.store[id].facts.isDisjoint(with: [.synSeen, .synAckSeen])
    }

    /// Whether the connection has ended, so that nothing more can happen to it.
    public func isEnded(_ id: ConnectionID) -> Bool { connections.store[id].isEnded }

    /// Whether its end was reported: see `markReported`.
    public func isReported(_ id: ConnectionID) -> Bool { connections.store[id].facts.contains(.reported) }

    /// The kernel no longer has one side's socket.
    public mutating func kernelDropsSocket(_ side: Side, of id: ConnectionID) -> Reaction {
        let place = connections.store[id].place(side)
        let reaction = connections.store[id].endpoints[place].kernelDropsSocket()
        connections.store[id].settle()
        if connections.store[id].hasEnded() { noteEnding(id) }
        return reaction
    }
}
