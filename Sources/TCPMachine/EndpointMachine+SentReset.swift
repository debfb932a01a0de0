// What a RST proves about its sender, and what disproves a RST.

public import TCPModel

extension EndpointMachine {
    /// A RST left: an abort (3.10.5), a host without such a connection (3.10.7.1), or an answer to a bad ACK.
    mutating func sentReset(_ segment: Segment, _ reaction: inout Reaction) {
        // It is from the connection that had the same four-tuple before, or answers a late segment of that one. But the answer to a
        // segment without ACK is <SEQ=0>, whatever the connection's numbers are (3.10.7.1).
        let answersNoAck = segment.flags.has(.ack) && segment.sequence == SequenceNumber(0)
        if isBeforeOwnSyn(segment.sequence) && !answersNoAck && state != .synSent && state != .synReceived {
            reaction.anomalies.insert(.staleSegment)
            return
        }
        if !knowledge.contains(.ownFin) {
            knowledge.insert(.ownReset)
            knowledge.remove(.ackFromBeyond)
            ownFin = segment.sequence
        }
        if knowledge.isDisjoint(with: [.iss, .send]) && state == .unseen {
            // What relative numbers count from, as where the first thing is any other segment.
            iss = segment.sequence.advanced(by: .max)
        }
        switch state {
        case .synSent, .synReceived:
            // 3.10.7.3 and 3.10.7.4: an unacceptable ACK is answered with <SEQ=SEG.ACK><CTL=RST>, and nothing changes.
            if !segment.flags.has(.ack) && segment.sequence != sendNext {
                reaction.anomalies.insert(.resetAnswersBadAck)
                return
            }
            enter(.closed, .observed, .abort, &reaction)
        case .unseen:
            enter(.closed, .assumed, .abort, &reaction)
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            enter(.closed, isOwnReset(segment) ? .observed : .assumed, .abort, &reaction)
        case .closed:
            if certainty == .assumed && isOwnReset(segment) { certainty = .observed }
        case .listen:
            break
        }
    }

    /// An abort takes SND.NXT (3.10.5), an answer the number that the peer expects (3.10.7.1). Any other RST is from
    /// somebody else (RFC 5961 1), or the capture lacks what was sent before it.
    private func isOwnReset(_ segment: Segment) -> Bool {
        !knowledge.contains(.send) || segment.sequence == sendNext || segment.sequence == sendUnacknowledged
    }

    /// Whether this endpoint lives on after a RST: then somebody else sent that RST, or it never arrived.
    ///
    /// Its own abort is disproved by new text, since nothing is sent after an ABORT (3.10.5); what it sent before and we
    /// captured later is not new. Either RST is disproved by an acknowledgment of what the peer sent after it; mere segments
    /// of this endpoint do not disprove the peer's, as they may have crossed it.
    mutating func takeBackReset(_ segment: Segment, _ reaction: inout Reaction) {
        let hasPeerFin = knowledge.contains(.peerFinProcessed)
        guard knowledge.contains([.send, .receive]), wasOpen,
            hasPeerFin || !knowledge.contains(.peerFin) || certainty == .assumed
        else { return }
        if knowledge.contains(.ownFin) { return takeBackResetAfterFin(segment, &reaction) }
        let sendsOn =
            mayHaveSentOn(segment) && segment.sequence == sendNext && !endsAtOwnReset(segment)
        let beyond = segment.acknowledgment.offset(from: receiveNext)
        let acknowledgesMore =
            certainty != .confirmed && !hasPeerFin && segment.flags.has(.ack) && beyond > 0
            && beyond < SequenceNumber.furthestInFlight && segment.sequence.isAtOrBefore(sendNext)
        if sendsOn || acknowledgesMore {
            reaction.anomalies.insert(.resetUnheeded)
            enter(hasPeerFin ? .closeWait : .established, .observed, .retraction, &reaction)
        }
    }

    /// Whether it is thought that the peer's RST closed this endpoint, and it sends what it had not sent before. It may have crossed
    /// the RST; whoever knows the time tells whether it can have.
    public func sendsOnAfterReset(_ segment: Segment) -> Bool {
        closedByReset && segment.payloadLength > 0 && segment.sequence == sendNext
    }

    /// Whether nothing but the peer's RST closed this endpoint, so far as segments tell.
    var closedByReset: Bool {
        state == .closed && certainty == .inferred && knowledge.contains([.send, .receive]) && wasOpen
            && knowledge.intersection([.ownFin, .ownReset, .peerFin]).isEmpty
    }

    /// It sent that so long after the RST that it did not cross it: that was not heeded, or did not arrive.
    public mutating func outlivesReset() -> Reaction {
        var reaction = Reaction()
        reaction.anomalies.insert(.resetUnheeded)
        enter(.established, .observed, .retraction, &reaction)
        return reaction
    }

    /// The same after its own FIN: only ACKs of what the peer still sends are to come.
    private mutating func takeBackResetAfterFin(_ segment: Segment, _ reaction: inout Reaction) {
        let beyond = segment.acknowledgment.offset(from: receiveNext)
        guard certainty == .assumed, !knowledge.contains(.peerFinProcessed), segment.isPureAck, beyond > 0,
            beyond < SequenceNumber.furthestInFlight, segment.sequence == ownFin.advanced(by: 1)
        else { return }
        reaction.anomalies.insert(.resetUnheeded)
        enter(finIsAcknowledged ? .finWait2 : .finWait1, .observed, .retraction, &reaction)
    }

    /// Whether it was open before it was closed: it has sent what only such an endpoint sends, or its SYN was acknowledged.
    var wasOpen: Bool {
        knowledge.contains(.synchronized) || knowledge.contains(.iss) && sendUnacknowledged.isAfter(iss)
    }

    /// Whether this is something that nobody sends after an end of his own: text. The kernel's word is final, and an inferred end is
    /// the peer's doing. A FIN may be captured behind the RST that answers what came after it, but not behind one with a number that
    /// this endpoint had not come to.
    private func mayHaveSentOn(_ segment: Segment) -> Bool {
        switch certainty {
        case .observed: segment.payloadLength > 0
        case .assumed: segment.sequenceLength > 0
        case .inferred, .confirmed: false
        }
    }

    /// Whether this is the text just before the own RST, which overtook it.
    func endsAtOwnReset(_ segment: Segment) -> Bool {
        knowledge.contains(.ownReset) && !knowledge.contains(.ownFin) && segment.sequenceEnd == ownFin
    }

    /// Whether a FIN leaves an endpoint that the peer's RST is thought to have closed: it was not there yet. It crossed the FIN,
    /// or was lost; either way the next one, or this one, ends the endpoint after its close call.
    func closesAfterReset(_ segment: Segment) -> Bool {
        state == .closed && certainty == .inferred && segment.flags.has(.fin) && segment.sequence == sendNext
            && knowledge.contains([.send, .receive, .synchronized])
            && knowledge.intersection([.ownFin, .peerFin]).isEmpty
    }

    mutating func closeAfterReset(_ segment: Segment, _ reaction: inout Reaction) {
        enter(.established, .observed, .retraction, &reaction)
        enter(.finWait1, .observed, .closeCall, &reaction)
        enter(.closed, .inferred, .reset, &reaction)
        knowledge.insert(.ownFin)
        ownFin = segment.finSequence
        sendNext = segment.sequenceEnd
    }
}
