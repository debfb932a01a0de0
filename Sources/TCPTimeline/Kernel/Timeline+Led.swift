// What the kernel's word shows that the capture lacks: both ends go on by it, and so does what is known of their FINs.

public import TCPMachine
public import TCPModel

/// What the kernel's word did to the end that it is about, and what that shows of the other one.
public struct LedEnds: BitwiseCopyable, Sendable {
    /// The end that the kernel spoke of.
    public var own = Reaction()
    /// The other one: inferred.
    public var peer = Reaction()
    /// Whether a RST that its kernel sent or took led the end there.
    public var isByReset = false
    /// Whether that RST was captured, and its receiver was thought not to obey it: that verdict is taken back.
    public var isResetCaptured = false
    /// Who sent that RST, if it ended the connection and was not captured.
    public var resetter: Side?
}

extension Timeline {
    /// The kernel says that one side is in a state to which no captured segment leads, or (`hasPassed`) was there and may be further.
    /// Nothing happens where that is no way on from what was captured.
    public mutating func kernelLeads(
        _ side: Side, of id: ConnectionID, to state: TCPState, hasPassed: Bool = false
    ) -> LedEnds {
        var ends = LedEnds()
        if connections.store[id].isSelfConnect || connections.store[id].facts.contains(.replaced) { return ends }
        let (own, peer) = (Int(side.rawValue), Int(side.other.rawValue))
        let before = connections.store[id].endpoints[own].state
        ends.own = connections.store[id].endpoints[own].kernelLeads(to: state, hasPassed: hasPassed)
        guard ends.own.count > 0 else { return ends }
        connections.store[id].noteFins(shownBy: state, of: side)
        ends.peer = connections.store[id].endpoints[peer].peersKernelLeads(facing: state, from: before)
        connections.store[id].settle()
        course.join(&connections.store[id])
        if connections.store[id].hasEnded() { noteEnding(id) }
        return ends
    }

    /// The kernel says that one side had closed before the other one's FIN came: see `EndpointMachine.kernelClosesFirst`.
    mutating func kernelClosesFirst(_ side: Side, of id: ConnectionID) -> Reaction {
        if connections.store[id].isSelfConnect || connections.store[id].facts.contains(.replaced) { return Reaction() }
        let reaction = connections.store[id].endpoints[Int(side.rawValue)].kernelClosesFirst()
        connections.store[id].settle()
        course.join(&connections.store[id])
        return reaction
    }

    /// The kernel has one side's socket again that was thought to be gone from `former`.
    mutating func kernelRevives(_ side: Side, of id: ConnectionID, in former: TCPState) -> Reaction {
        if connections.store[id].isSelfConnect || connections.store[id].facts.contains(.replaced) { return Reaction() }
        let peer = connections.store[id].endpoints[Int(side.other.rawValue)]
        let reaction = connections.store[id].endpoints[Int(side.rawValue)].kernelRevives(in: former, facing: peer)
        connections.store[id].settle()
        course.join(&connections.store[id])
        return reaction
    }

    /// Whether a state of the kernel's, now or before, is one to which no captured segment leads.
    func isAhead(_ state: TCPState, of id: ConnectionID, _ side: Side) -> Bool {
        if connections.store[id].isSelfConnect { return false }
        var endpoint = connections.store[id].endpoints[Int(side.rawValue)]
        return endpoint.kernelLeads(to: state, hasPassed: true).count > 0
    }
}

extension HotPart {
    /// Takes down whose FIN was sent, and who closed first, as a state of one side's socket shows it.
    mutating func noteFins(shownBy state: TCPState, of side: Side) {
        let own: Connection.Facts = side == .originator ? .originatorFin : .responderFin
        let peers: Connection.Facts = side == .originator ? .responderFin : .originatorFin
        let both = own.union(peers)
        let wereSeen = facts.intersection(both)
        let first: Side?
        switch state {
        case .closeWait, .lastAck:
            facts.insert(peers)
            first = side.other
        case .closed:
            facts.insert(both)
            first = side.other
        case .closing:
            facts.insert(peers)
            first = wereSeen.isEmpty ? side.other : nil
        case .finWait2:
            facts.insert(own)
            first = side
        case .timeWait:
            facts.insert(both)
            first = side
        case .unseen, .listen, .synSent, .synReceived, .established, .finWait1: first = nil
        }
        // Where both were captured, their order was.
        guard let first, wereSeen != both else { return }
        if first == .originator { facts.insert(.originatorClosedFirst) } else { facts.remove(.originatorClosedFirst) }
    }
}
