// What the kernel's word adds: an endpoint is further than the captured segments take it, because the capture lacks some of them (a
// filter left them out, or they were lost).

public import TCPModel

extension EndpointMachine {
    /// The kernel says that this endpoint is in `goal`, and all that was captured until then was observed: the segments that led
    /// there were not captured. It goes there by RFC 9293's own way (3.3.2); nothing happens where none leads there.
    ///
    /// - Parameter hasPassed: it was there, and may be further by what was captured since.
    public mutating func kernelLeads(to goal: TCPState, hasPassed: Bool = false) -> Reaction {
        lead(to: goal, .confirmed, hasPassed: hasPassed)
    }

    /// The kernel of the other end has that in `shown`, and it was in `before` by what was captured: this endpoint came at least as far
    /// as that shows. It is inferred, as what is shown by segments is.
    public mutating func peersKernelLeads(facing shown: TCPState, from before: TCPState) -> Reaction {
        guard let goal = place(facing: shown, from: before) else { return Reaction() }
        return lead(to: goal, .inferred, hasPassed: true)
    }

    private func place(facing shown: TCPState, from before: TCPState) -> TCPState? {
        switch shown {
        // The SYN-ACK that opens one end is answered with the ACK that opens the other one.
        case .established: .established
        // This end's FIN has arrived. If it had the other one before, by what was captured, that came later.
        case .closeWait: state == .closeWait ? .finWait2 : .finWait1
        case .lastAck: .finWait2
        // And the answer to it has been acknowledged.
        case .closed: .timeWait
        case .closing: .finWait1
        // The other end's FIN was acknowledged.
        case .finWait2: state == .finWait1 || state == .finWait2 ? .lastAck : .closeWait
        case .timeWait: before == .closing ? .timeWait : .closed
        case .unseen, .listen, .synSent, .synReceived, .finWait1: nil
        }
    }

    private mutating func lead(to wanted: TCPState, _ certainty: Certainty, hasPassed: Bool) -> Reaction {
        var reaction = Reaction()
        var goal = wanted
        // Its FIN was captured, and the one before that was not: it had the peer's then.
        if goal == .closeWait && hasPassed && (state == .finWait1 || state == .finWait2) { goal = .lastAck }
        guard isLed(to: goal) else { return reaction }
        let hadPeerFin = knowledge.contains(.peerFinProcessed)
        while state != goal, let step = Self.step(from: state, to: goal) {
            if state == .unseen || state == .listen { state = .synReceived }
            noteUncaptured(step.next)
            enter(step.next, step.next == goal && goal == wanted ? certainty : .inferred, step.rule, &reaction)
        }
        guard goal == .finWait2 && hadPeerFin else { return reaction }
        if hasPassed {
            // The peer's FIN was captured, and came after the ACK of the own one.
            enter(.timeWait, .inferred, .fin, &reaction)
        } else {
            knowledge.remove(.peerFinProcessed)
            receiveNext = peerFin
        }
        return reaction
    }

    /// Whether there is a way to `goal`.
    private func isLed(to goal: TCPState) -> Bool {
        // Somebody who listens, or nobody: only a SYN that was captured may have opened it.
        if (state == .unseen || state == .listen) && !knowledge.contains(.irs) { return false }
        var place = state
        while place != goal {
            guard let next = Self.step(from: place, to: goal)?.next else { return false }
            place = next
        }
        return state != goal
    }

    /// The next step from one state to another one that is further on, and the rule that takes it.
    private static func step(from state: TCPState, to goal: TCPState) -> (next: TCPState, rule: RFCRule)? {
        switch (state, goal) {
        case (_, .unseen), (_, .listen), (_, .synSent), (_, .synReceived): nil
        case (.synSent, _), (.unseen, _), (.listen, _): (.established, .evidence)
        case (.synReceived, _): (.established, .synReceivedAck)
        case (.established, .finWait1), (.established, .finWait2), (.established, .closing), (.established, .timeWait):
            (.finWait1, .closeCall)
        case (.established, .closeWait), (.established, .lastAck), (.established, .closed): (.closeWait, .fin)
        case (.finWait1, .finWait2), (.finWait1, .timeWait): (.finWait2, .finWait1Ack)
        case (.finWait1, .closing): (.closing, .fin)
        case (.finWait2, .timeWait): (.timeWait, .fin)
        case (.closing, .timeWait): (.timeWait, .closingAck)
        case (.closeWait, .lastAck), (.closeWait, .closed): (.lastAck, .closeCall)
        case (.lastAck, .closed): (.closed, .lastAckAck)
        // The other FIN came first.
        case (.finWait1, .lastAck), (.finWait1, .closed), (.finWait2, .lastAck), (.finWait2, .closed):
            (.lastAck, .evidence)
        case (.closeWait, .finWait2), (.closeWait, .timeWait): (.established, .retraction)
        case (.established, _), (.finWait1, _), (.finWait2, _), (.closeWait, _), (.closing, _), (.lastAck, _),
            (.timeWait, _), (.closed, _):
            nil
        }
    }

    /// What is known of the segments that bring it from `state` to `next`.
    private mutating func noteUncaptured(_ next: TCPState) {
        switch next {
        case .established:
            if state == .closeWait { return }
            knowledge.insert([.openUncaptured, .ledByKernel])
            if knowledge.contains(.iss) { sendUnacknowledged = iss.advanced(by: 1) }
        case .finWait1: noteOwnFin()
        case .closeWait, .closing: notePeersFin()
        case .lastAck:
            noteOwnFin()
            notePeersFin()
        case .finWait2, .closed: noteOwnFinAcknowledged()
        case .timeWait:
            noteOwnFinAcknowledged()
            notePeersFin()
        case .unseen, .listen, .synSent, .synReceived: break
        }
    }

    private mutating func noteOwnFin() {
        if !knowledge.contains(.ownFin) { knowledge.insert([.ownFinUncaptured, .ledByKernel]) }
    }

    private mutating func noteOwnFinAcknowledged() {
        if knowledge.contains(.ownFin) && !finIsAcknowledged { sendUnacknowledged = ownFin.advanced(by: 1) }
    }

    private mutating func notePeersFin() {
        guard knowledge.contains(.peerFin) else {
            knowledge.insert([.peerFinUncaptured, .ledByKernel])
            return
        }
        knowledge.insert(.peerFinProcessed)
        if receiveNext.isAtOrBefore(peerFin) { receiveNext = peerFin.advanced(by: 1) }
    }

    // MARK: The numbers of what was not captured

    /// What this endpoint sends shows its numbers, if the SYN that would have was not captured.
    mutating func learnSending(_ segment: Segment) {
        guard knowledge.contains(.openUncaptured), !knowledge.contains(.send) else { return }
        if segment.flags.has(.syn) { return startSending(segment) }
        knowledge.insert(.send)
        iss = segment.sequence.advanced(by: .max)
        sendUnacknowledged = segment.sequence
        sendNext = segment.sequence
    }

    /// So does what is acknowledged, and the SYN-ACK if it comes after all.
    mutating func learnArriving(_ segment: Segment) {
        guard knowledge.contains(.openUncaptured) else { return }
        if !knowledge.contains(.send) && segment.flags.has(.ack) {
            knowledge.insert(.send)
            iss = segment.acknowledgment.advanced(by: .max)
            sendUnacknowledged = segment.acknowledgment
            sendNext = segment.acknowledgment
        }
        if segment.flags.has(.syn) && !knowledge.contains(.irs) { learnPeerSyn(segment) }
    }

    /// An own ACK of all that came is of the peer's FIN as well.
    mutating func placePeerFin(before ack: SequenceNumber) {
        guard knowledge.contains(.peerFinUncaptured), !knowledge.contains(.peerFin), ack.isAtOrAfter(receiveNext) else {
            return
        }
        knowledge.remove(.peerFinUncaptured)
        knowledge.insert([.peerFin, .peerFinProcessed])
        peerFin = ack.advanced(by: .max)
    }

    /// The same of the own one, which the peer has: its kernel says so.
    mutating func placeOwnFin(before ack: SequenceNumber) {
        guard knowledge.contains(.ownFinUncaptured), !knowledge.contains(.ownFin), ack.isAtOrAfter(sendNext) else {
            return
        }
        knowledge.remove(.ownFinUncaptured)
        knowledge.insert(.ownFin)
        ownFin = ack.advanced(by: .max)
    }
}
