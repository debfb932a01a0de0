// What the kernel's word shows of a RST that the capture lacks: both ends go on by it, and so does what became of the connection.

import TCPMachine
import TCPModel

/// What is inferred of the other end where the kernel of one end sent a RST, or took one.
enum ResetsPeer: BitwiseCopyable {
    /// That it has gone as well.
    case ends
    /// Nothing: its own kernel tells.
    case isToTell
}

extension Timeline {
    /// One side has gone by a RST: its kernel sent that, or (`isReceived`) took it. Nothing happens where segments have ended that side
    /// already. `isKnown`: the other side went by it, and it was not captured. `isCaptured`: it was, and thought to be ignored.
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

    /// Whether a RST of this side had been captured just before `time` that its receiver was thought not to obey.
    func hasUnheededReset(_ id: ConnectionID, by side: Side, justBefore time: Timestamp) -> Bool {
        let rare = connections.store.rare(id)
        return rare.sides[Int(side.rawValue)].isResetUnheeded
            && (-SocketTracks.clockError...Self.resetDelay).contains(time.since(rare.unheededReset))
    }

    /// A RST is taken at most so long after it was captured, in nanoseconds: a process may have its socket locked meanwhile.
    private static let resetDelay = 100 * Span.millisecond

    /// The RST that ended a connection, and was not captured, was this side's.
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
    /// Takes down who reset it; false if that is known, or if both had closed: then a RST ends nothing any more.
    fileprivate mutating func noteReset(by side: Side, refuses: Bool) -> Bool {
        guard !facts.contains(.reset), !facts.contains([.originatorFin, .responderFin]) else { return false }
        facts.insert(.reset)
        if side == .originator { facts.insert(.originatorReset) }
        if refuses { facts.insert(.refused) }
        return true
    }
}
