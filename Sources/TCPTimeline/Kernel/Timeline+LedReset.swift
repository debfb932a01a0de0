// What the kernel's reports show of a RST that the capture lacks: both ends advance,
// and so does the connection's outcome.

import TCPMachine
import TCPModel

/// What is inferred about the other end when the kernel of one end sent a RST, or accepted one.
enum ResetsPeer: BitwiseCopyable {
    /// That it has ended as well.
    case ends
    /// Nothing: its own kernel reports that.
    case isToTell
}

extension Timeline {
    /// One side was ended by a RST: its kernel sent it or (`isReceived`) accepted it. Nothing happens if segments have
    /// already ended that side. `isKnown`: the other side was ended by it, uncaptured. `isCaptured`: it was captured,
    /// but thought to be ignored.
    mutating func kernelEndsByReset(
        _ side: Side, of id: ConnectionID, isReceived: Bool, isKnown: Bool, isCaptured: Bool, peer fate: ResetsPeer
    ) -> LedEnds {
        var ends = LedEnds()
        if connections.store[id].isSelfConnect || connections.store[id].facts.contains(.replaced) { return ends }
        let (own, peer) = (Int(side.rawValue), Int(side.other.rawValue))
        let isAnswer =
            isReceived && side == .originator && connections.store[id].endpoints[own].state == .synSent
            && !connections.store[id].facts.contains(.synAckSeen)
        ends.own =
            isReceived
            ? connections.store[id].endpoints[own].kernelTookReset(isCaptured: isCaptured)
            : connections.store[id].endpoints[own].kernelSentReset()
        guard ends.own.count > 0 else { return ends }
        ends.isByReset = true
        ends.isResetCaptured = isCaptured
        let isNew = connections.store[id].noteReset(by: isReceived ? side.other : side, refuses: isAnswer)
        if !isCaptured && (isNew || isKnown) {
            ends.resetter = connections.store[id].facts.contains(.originatorReset) ? .originator : .responder
        }
        if fate == .ends && !isCaptured {
            ends.peer =
                isReceived
                ? connections.store[id].endpoints[peer].peersKernelTookReset()
                : connections.store[id].endpoints[peer].peersKernelSentReset()
        }
        connections.store[id].settle()
        course.join(&connections.store[id])
        if connections.store[id].hasEnded() { noteEnding(id) }
        return ends
    }

    /// Whether a RST of this side was captured just before `time` that its receiver was thought to ignore.
    func hasUnheededReset(_ id: ConnectionID, by side: Side, justBefore time: Timestamp) -> Bool {
        let rare = connections.store.rare(id)
        return rare.sides[Int(side.rawValue)].isResetUnheeded
            && (-SocketTracks.clockError...Self.resetDelay).contains(time.since(rare.unheededReset))
    }

    /// The longest time from a RST's capture to its acceptance, in nanoseconds:
    /// a process may have its socket locked meanwhile.
    private static let resetDelay = 100 * Span.millisecond

    /// The uncaptured RST that ended a connection was this side's.
    mutating func correctResetter(_ id: ConnectionID, to side: Side) {
        if side == .originator {
            connections.store[id].facts.insert(.originatorReset)
        } else {
            connections.store[id].facts.remove(.originatorReset)
        }
    }

    /// Whether a RST can still end one side.
    func canBeReset(_ id: ConnectionID, _ side: Side) -> Bool { state(of: id, side).canBeReset }
}

extension HotPart {
    /// Records who reset it; false if that is known already, or if both sides had closed:
    /// then a RST ends nothing any more.
    fileprivate mutating func noteReset(by side: Side, refuses: Bool) -> Bool {
        guard !facts.contains(.reset), !facts.contains([.originatorFin, .responderFin]) else { return false }
        facts.insert(.reset)
        if side == .originator { facts.insert(.originatorReset) }
        if refuses { facts.insert(.refused) }
        return true
    }
}
