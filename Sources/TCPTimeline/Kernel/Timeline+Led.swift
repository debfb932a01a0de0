// What the kernel's reports show and the capture lacks: both ends advance, and so does what is known of their FINs.

public import TCPMachine
public import TCPModel

/// What the kernel's report did to the end that it concerns, and what that implies for the other one.
public struct LedEnds: BitwiseCopyable, Sendable {
    /// The transitions of the end that the kernel reported on.
    public var own = Reaction()
    /// The transitions of the other end, which are inferred.
    public var peer = Reaction()
    /// Whether a RST that its kernel sent or accepted led the end there.
    public var isByReset = false
    /// Whether that RST was captured, but its receiver was thought to ignore it: that verdict is retracted.
    public var isResetCaptured = false
    /// The side that sent that RST, if it ended the connection and was not captured.
    public var resetter: Side?
}

extension Timeline {
    /// The kernel reports one side in a state to which no captured segment leads, or (`hasPassed`) that it was there
    /// and may be further along. Nothing happens if no transitions lead there from what was captured.
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

    /// The kernel reports that one side closed before the other's FIN arrived: see `EndpointMachine.kernelClosesFirst`.
    mutating func kernelClosesFirst(_ side: Side, of id: ConnectionID) -> Reaction {
        if connections.store[id].isSelfConnect || connections.store[id].facts.contains(.replaced) { return Reaction() }
        let reaction = connections.store[id].endpoints[Int(side.rawValue)].kernelClosesFirst()
        connections.store[id].settle()
        course.join(&connections.store[id])
        return reaction
    }

    /// The kernel has one side's socket again that was thought to have gone from state `former`.
    mutating func kernelRevives(_ side: Side, of id: ConnectionID, in former: TCPState) -> Reaction {
        if connections.store[id].isSelfConnect || connections.store[id].facts.contains(.replaced) { return Reaction() }
        let peer = connections.store[id].endpoints[Int(side.other.rawValue)]
        let reaction = connections.store[id].endpoints[Int(side.rawValue)].kernelRevives(in: former, facing: peer)
        connections.store[id].settle()
        course.join(&connections.store[id])
        return reaction
    }

    /// Whether a state that the kernel reports, now or in the past, is one to which no captured segment leads.
    func isAhead(_ state: TCPState, of id: ConnectionID, _ side: Side) -> Bool {
        if connections.store[id].isSelfConnect { return false }
        var endpoint = connections.store[id].endpoints[Int(side.rawValue)]
        return endpoint.kernelLeads(to: state, hasPassed: true).count > 0
    }
}

extension HotPart {
    /// Records which FINs were sent, and who closed first, as one side's socket state shows it.
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
        // If both were captured, so was their order.
        guard let first, wereSeen != both else { return }
        if first == .originator { facts.insert(.originatorClosedFirst) } else { facts.remove(.originatorClosedFirst) }
    }
}
