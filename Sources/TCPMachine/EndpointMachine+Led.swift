// What the kernel's reports add: an endpoint is further along than the captured segments show, because some were not
// captured (a filter excluded them, or they were lost). The kernel then *leads* the endpoint: along RFC 9293's own
// transitions to the state that it reports, as if those segments had come. Their numbers become known later, from the
// segments that follow them.

public import TCPModel

extension EndpointMachine {
    /// The kernel reports this endpoint in `goal`, after everything captured until then has been processed: the
    /// segments that led there were not captured. The endpoint goes there along RFC 9293's own transitions (3.3.2);
    /// nothing happens if none lead there.
    ///
    /// - Parameter hasPassed: it was in `goal`, and may be further along through segments captured since.
    public mutating func kernelLeads(to goal: TCPState, hasPassed: Bool = false) -> Reaction {
        lead(to: goal, .confirmed, hasPassed: hasPassed)
    }

    /// The other end's kernel reports it in `shown`; by the captured segments it was in `before`. This endpoint has
    /// come at least as far as that implies. The result is inferred, as a receiver's state from captured segments is.
    public mutating func peersKernelLeads(facing shown: TCPState, from before: TCPState) -> Reaction {
        guard let goal = place(facing: shown, from: before) else { return Reaction() }
        return lead(to: goal, .inferred, hasPassed: true)
    }

    /// The state that this end is in at least, since the other end's kernel reports that end in `shown`; nil if that
    /// says nothing. By the captured segments, the other end was in `before`.
    private func place(facing shown: TCPState, from before: TCPState) -> TCPState? {
        switch shown {
        // The SYN-ACK that opens one end is answered with the ACK that opens the other one.
        case .established: .established
        // This end's FIN has arrived there. If this end had the other's FIN already,
        // by the captured segments, that one came later.
        case .closeWait: state == .closeWait ? .finWait2 : .finWait1
        case .lastAck: .finWait2
        // The other end's own FIN has been acknowledged, too.
        case .closed: .timeWait
        case .closing: .finWait1
        // The other end's FIN has been acknowledged.
        case .finWait2: state == .finWait1 || state == .finWait2 ? .lastAck : .closeWait
        case .timeWait: before == .closing ? .timeWait : .closed
        case .unseen, .listen, .synSent, .synReceived, .finWait1: nil
        }
    }

    /// Takes the transitions that lead to `wanted`, and marks the segments that they lack as not captured. Only the last
    /// one has this certainty; those on the way are inferred.
    private mutating func lead(to wanted: TCPState, _ certainty: Certainty, hasPassed: Bool) -> Reaction {
        var reaction = Reaction()
        var goal = wanted
        // Its FIN was captured, and the peer's earlier one was not: it had the peer's FIN when it sent its own.
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
            // The peer's FIN was captured, and arrived after the ACK of this endpoint's own.
            enter(.timeWait, .inferred, .fin, &reaction)
        } else {
            knowledge.remove(.peerFinProcessed)
            receiveNext = peerFin
        }
        return reaction
    }

    /// Whether there is a path to `goal`.
    private func isLed(to goal: TCPState) -> Bool {
        // A listener, or no socket at all: only a captured SYN can have opened it.
        if (state == .unseen || state == .listen) && !knowledge.contains(.irs) { return false }
        var place = state
        while place != goal {
            guard let next = Self.step(from: place, to: goal)?.next else { return false }
            place = next
        }
        return state != goal
    }

    /// The next step from `state` toward `goal`, and the rule that takes it; nil if `goal` cannot be reached.
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
        // The other end's FIN came first.
        case (.finWait1, .lastAck), (.finWait1, .closed), (.finWait2, .lastAck), (.finWait2, .closed):
            (.lastAck, .evidence)
        case (.closeWait, .finWait2), (.closeWait, .timeWait): (.established, .retraction)
        case (.established, _), (.finWait1, _), (.finWait2, _), (.closeWait, _), (.closing, _), (.lastAck, _),
            (.timeWait, _), (.closed, _):
            nil
        }
    }

    /// Notes what is known about the uncaptured segments that take it from `state` to `next`.
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

    /// A segment that this endpoint sends shows its numbers if the SYN that would have was not captured.
    mutating func learnSending(_ segment: Segment) {
        guard knowledge.contains(.openUncaptured), !knowledge.contains(.send) else { return }
        if segment.flags.has(.syn) { return startSending(segment) }
        startMidstream(at: segment.sequence)
    }

    /// An ACK that this endpoint receives shows its numbers, too, and so does the SYN-ACK if it arrives after all.
    mutating func learnArriving(_ segment: Segment) {
        guard knowledge.contains(.openUncaptured) else { return }
        if !knowledge.contains(.send) && segment.flags.has(.ack) { startMidstream(at: segment.acknowledgment) }
        if segment.flags.has(.syn) && !knowledge.contains(.irs) { learnPeerSyn(segment) }
    }

    /// This endpoint's ACK of everything that arrived covers the peer's uncaptured FIN as well,
    /// and so shows its number.
    mutating func placePeerFin(before ack: SequenceNumber) {
        guard knowledge.contains(.peerFinUncaptured), !knowledge.contains(.peerFin), ack.isAtOrAfter(receiveNext) else {
            return
        }
        knowledge.remove(.peerFinUncaptured)
        knowledge.insert([.peerFin, .peerFinProcessed])
        peerFin = ack.previous
    }

    /// The peer's ACK of everything sent covers this endpoint's own uncaptured FIN, if the peer has it. If this
    /// endpoint's kernel still waits for the ACK of the FIN, what was captured is text alone, and an ACK of that ends no
    /// FIN-WAIT-1, CLOSING or LAST-ACK (3.10.7.4, fifth check).
    mutating func placeOwnFin(before ack: SequenceNumber) {
        guard knowledge.contains(.ownFinUncaptured), !knowledge.contains(.ownFin) else { return }
        let isOutstanding =
            certainty == .confirmed && (state == .finWait1 || state == .closing || state == .lastAck)
        guard ack.isAfter(sendNext) || ack == sendNext && !isOutstanding else { return }
        knowledge.remove(.ownFinUncaptured)
        knowledge.insert(.ownFin)
        ownFin = ack.previous
    }
}
