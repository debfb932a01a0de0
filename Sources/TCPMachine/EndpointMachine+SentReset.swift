// What a RST proves about its sender, and what disproves a RST.

public import TCPModel

extension EndpointMachine {
    /// A RST was sent: an abort (3.10.5), a host without such a connection (3.10.7.1), or an answer to a bad ACK.
    mutating func sentReset(_ segment: Segment, _ reaction: inout Reaction) {
        // A RST from before the SYN belongs to an earlier connection on this four-tuple, or answers a late segment of
        // it. But the answer to a segment without ACK is <SEQ=0>, whatever the connection's numbers are (3.10.7.1).
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
            // The base of relative sequence numbers, as for any other first segment.
            iss = segment.sequence.previous
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

    /// An abort uses SND.NXT (3.10.5), an answer uses the number that the peer expects (3.10.7.1). Any other RST is
    /// forged (RFC 5961 1), or the capture lacks what was sent before it.
    private func isOwnReset(_ segment: Segment) -> Bool {
        !knowledge.contains(.send) || segment.sequence == sendNext || segment.sequence == sendUnacknowledged
    }

    /// Retracts the RST that closed this endpoint if `segment` shows that the endpoint lives on:
    /// another sender sent that RST, or it never arrived.
    ///
    /// New text disproves its own abort, since nothing is sent after an ABORT (3.10.5); text that was sent before and
    /// captured later is not new. An acknowledgment of what the peer sent after the RST disproves either side's RST.
    /// Other segments of this endpoint do not disprove the peer's RST, as they may have crossed it.
    mutating func takeBackReset(_ segment: Segment, _ reaction: inout Reaction) {
        let hasPeerFin = knowledge.contains(.peerFinProcessed)
        guard knowledge.contains([.send, .receive]), wasOpen, hasPeerFin || mayHaveOutlivedReset else { return }
        if knowledge.contains(.ownFin) { return takeBackResetAfterFin(segment, &reaction) }
        let sendsOn =
            mayHaveSentOn(segment) && segment.sequence == sendNext && !endsAtOwnReset(segment)
        if sendsOn || acknowledgesMore(segment) {
            reaction.anomalies.insert(.resetUnheeded)
            enter(hasPeerFin ? .closeWait : .established, .observed, .retraction, &reaction)
        }
    }

    /// Whether an ACK can show that the endpoint lives on. The ACK of a FIN that was captured before the RST cannot: it
    /// may have been on its way. A RST that is not this endpoint's own is in doubt from the beginning.
    private var mayHaveOutlivedReset: Bool {
        certainty == .assumed
            || certainty != .confirmed
                && (!knowledge.contains(.peerFin) || knowledge.contains(.peerFinAfterReset))
    }

    /// Whether a segment acknowledges what came after the RST that is thought to have closed this endpoint.
    private func acknowledgesMore(_ segment: Segment) -> Bool {
        let beyond = segment.acknowledgment.offset(from: receiveNext)
        return certainty != .confirmed && !knowledge.contains(.peerFinProcessed) && segment.flags.has(.ack)
            && beyond > 0
            && beyond < SequenceNumber.furthestInFlight && segment.sequence.isAtOrBefore(sendNext)
    }

    /// Whether this endpoint, thought to be closed by the peer's RST, sends new text. The segment may have crossed the
    /// RST; the caller, which knows the times, decides whether that is possible.
    public func sendsOnAfterReset(_ segment: Segment) -> Bool {
        closedByReset && segment.payloadLength > 0 && segment.sequence == sendNext
    }

    /// Whether nothing but the peer's RST closed this endpoint, as far as segments show.
    var closedByReset: Bool {
        state == .closed && certainty == .inferred && knowledge.contains([.send, .receive]) && wasOpen
            && knowledge.intersection([.ownFin, .ownReset, .peerFin]).isEmpty
    }

    /// The endpoint sent new text too long after the RST to have crossed it: the RST was not obeyed, or did not arrive.
    public mutating func outlivesReset() -> Reaction {
        var reaction = Reaction()
        reaction.anomalies.insert(.resetUnheeded)
        enter(.established, .observed, .retraction, &reaction)
        return reaction
    }

    /// `takeBackReset` after this endpoint's own FIN: it can then only acknowledge what the peer still sends.
    private mutating func takeBackResetAfterFin(_ segment: Segment, _ reaction: inout Reaction) {
        let beyond = segment.acknowledgment.offset(from: receiveNext)
        guard mayHaveOutlivedReset, !knowledge.contains(.peerFinProcessed), segment.isPureAck, beyond > 0,
            beyond < SequenceNumber.furthestInFlight, segment.sequence == ownFin.advanced(by: 1)
        else { return }
        reaction.anomalies.insert(.resetUnheeded)
        enter(finIsAcknowledged ? .finWait2 : .finWait1, .observed, .retraction, &reaction)
    }

    /// Whether it was open before it closed: it has sent what only an open endpoint sends, or its SYN was acknowledged.
    var wasOpen: Bool {
        knowledge.contains(.synchronized) || knowledge.contains(.iss) && sendUnacknowledged.isAfter(iss)
    }

    /// Whether this segment cannot follow an end that this endpoint itself made by a RST. After an `observed` one
    /// that is text: a FIN may be captured after the RST that answers later segments. After an `assumed` one,
    /// whose number this endpoint had not reached, it is a FIN as well. An end that the kernel confirmed is final,
    /// and an inferred one was caused by the peer.
    private func mayHaveSentOn(_ segment: Segment) -> Bool {
        switch certainty {
        case .observed: segment.payloadLength > 0
        case .assumed: segment.sequenceLength > 0
        case .inferred, .confirmed: false
        }
    }

    /// Whether this is the text just before this endpoint's own RST, which overtook it.
    func endsAtOwnReset(_ segment: Segment) -> Bool {
        knowledge.contains(.ownReset) && !knowledge.contains(.ownFin) && segment.sequenceEnd == ownFin
    }

    /// Whether an endpoint that is thought to be closed by the peer's RST sends a FIN: the RST had not arrived yet. It
    /// crossed the FIN, or was lost; either way this RST or the next one ends the endpoint after its CLOSE call.
    func closesAfterReset(_ segment: Segment) -> Bool {
        state == .closed && certainty == .inferred && segment.flags.has(.fin) && segment.sequence == sendNext
            && knowledge.contains([.send, .receive, .synchronized]) && !knowledge.contains(.ownFin)
            && !acknowledgesMore(segment)
    }

    mutating func closeAfterReset(_ segment: Segment, _ reaction: inout Reaction) {
        let hasPeerFin = knowledge.contains(.peerFinProcessed)
        enter(hasPeerFin ? .closeWait : .established, .observed, .retraction, &reaction)
        enter(hasPeerFin ? .lastAck : .finWait1, .observed, .closeCall, &reaction)
        enter(.closed, .inferred, .reset, &reaction)
        knowledge.insert(.ownFin)
        ownFin = segment.finSequence
        sendNext = segment.sequenceEnd
    }
}
