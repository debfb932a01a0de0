// SEGMENT ARRIVES (RFC 9293 3.10.7.4) for SYN-RECEIVED and the synchronized states:
// one function per check, in the RFC's order.

public import TCPModel

extension EndpointMachine {
    /// Where a segment lies with respect to the receive window (3.10.7.4, first check).
    enum Acceptability {
        /// At or right of RCV.NXT and within the window, at least in part.
        case acceptable
        /// Entirely left of RCV.NXT: seen before, or a keep-alive.
        case old
        /// Right of the window.
        case beyond
    }

    mutating func arrivesSynchronized(_ segment: Segment, _ reaction: inout Reaction) {
        if !knowledge.contains(.receive) {
            // Midstream: this is the first segment that the peer is known to have sent.
            knowledge.insert([.receive, .tookUnseen])
            receiveNext = segment.sequence
        }
        let acceptability = checkSequence(segment)
        if isTooOld(segment) {
            // RFC 7323 5.3: the segment is dropped and an ACK sent. A segment that was delayed, or
            // captured late, is old by its number too, and common; one from before this connection's
            // numbers, or one that would be accepted, is not.
            if acceptability != .old || isBeforePeerSyn(segment.sequence) {
                reaction.anomalies.insert(.oldTimestamp)
            }
            return
        }
        if segment.flags.has(.rst) {
            checkReset(segment, acceptability, &reaction)
            return
        }
        if segment.flags.has(.syn) {
            guard checkSyn(segment, &reaction) else { return }
        } else if acceptability == .old && isBeforePeerSyn(segment.sequence)
            && irs.offset(from: segment.sequence) < SequenceNumber.furthestInFlight
        {
            // From the connection that had this four-tuple before: dropped, along with its ACK.
            reaction.anomalies.insert(.staleSegment)
            return
        } else {
            noteFinBefore(segment, &reaction)
        }
        if isTakenAlready(segment) { return }
        if acceptability == .old && isOldestAgain(segment) { knowledge.insert(.textRepeated) }
        if acceptability == .beyond && segment.sequenceLength > 0 { reaction.anomalies.insert(.beyondWindow) }
        guard segment.flags.has(.ack) else {
            reaction.anomalies.insert(.ackMissing)
            return
        }
        guard checkAcknowledgment(segment, &reaction) else { return }
        processText(segment)
        checkFin(segment, &reaction)
    }

    /// First check: the sequence number. RFC 9293 drops unacceptable segments; we only classify them, because our
    /// RCV.NXT is inferred, and each later check takes no more from an old segment than a real endpoint could.
    private func checkSequence(_ segment: Segment) -> Acceptability {
        if segment.sequence.isBefore(receiveNext) && segment.sequenceEnd.isAtOrBefore(receiveNext) { return .old }
        guard knowledge.contains(.window) else { return .acceptable }
        // A closed window still accepts a segment of no length at RCV.NXT (3.4).
        return segment.sequence.isAtOrAfter(receiveLimit) && segment.sequence.isAfter(receiveNext)
            ? .beyond : .acceptable
    }

    /// Whether a segment begins beyond the receive window, as far as that is known, so that this endpoint drops it.
    public func hasNoRoom(for segment: Segment) -> Bool {
        state.takesText && knowledge.contains(.receive) && checkSequence(segment) == .beyond
    }

    /// Whether a number lies before the peer's SYN, as far as that can be decided.
    private func isBeforePeerSyn(_ sequence: SequenceNumber) -> Bool {
        knowledge.contains(.irs) && !knowledge.contains(.farFromPeerSyn) && sequence.isBefore(irs)
    }

    /// Whether the whole segment lies before what this endpoint has acknowledged: it is dropped, along with its ACK,
    /// and answered (3.10.7.4, first check). RCV.NXT does not serve here, as it may have been inferred too early.
    /// Applies only if all that this endpoint acknowledged was captured, and not long ago.
    private func isTakenAlready(_ segment: Segment) -> Bool {
        knowledge.contains(.window) && !knowledge.contains(.tookUnseen) && segment.sequenceEnd.isBefore(acknowledged)
            && receiveNext.offset(from: acknowledged) < SequenceNumber.furthestInFlight
    }

    /// Whether this repeats the first text, or the FIN, that was thought to have arrived and
    /// that this endpoint has not acknowledged.
    private func isOldestAgain(_ segment: Segment) -> Bool {
        knowledge.contains(.window) && segment.sequenceEnd.isAfter(acknowledged)
            && segment.sequence.isAtOrBefore(acknowledged)
    }

    /// Second check: RST. It closes only with exactly RCV.NXT (RFC 5961 3.2); elsewhere in the window it is challenged.
    private mutating func checkReset(
        _ segment: Segment, _ acceptability: Acceptability, _ reaction: inout Reaction
    ) {
        // While a FIN is in flight, text before it may be in flight, too.
        let mayLackText =
            knowledge.contains(.lacksText)
            || knowledge.contains([.peerFin, .window]) && !knowledge.contains(.peerFinProcessed)
        let isExact = segment.sequence == receiveNext || mayLackText && segment.sequence == acknowledged
        // The peer's FIN may be in flight, or its arrival inferred too early:
        // then the real RCV.NXT is one more or less than ours.
        let isExactAfterFin = knowledge.contains(.peerFin) && segment.sequence == peerFin.advanced(by: 1)
        guard isExact || isExactAfterFin || isResetOfFin(segment) else {
            reaction.anomalies.insert(acceptability == .acceptable ? .resetNotExact : .resetIgnored)
            return
        }
        switch state {
        case .synReceived:
            // A passive opener returns to LISTEN; an active one was refused.
            enter(openedActively ? .closed : .listen, .inferred, .synReceivedReset, &reaction)
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            enter(.closed, .inferred, .reset, &reaction)
        case .unseen, .closed, .listen, .synSent:
            break
        }
    }

    /// Some hosts abort after their FIN with the FIN's own number. Linux obeys that,
    /// although it lies before RCV.NXT (`tcp_reset_check`).
    private func isResetOfFin(_ segment: Segment) -> Bool {
        guard knowledge.contains(.peerFinProcessed), segment.sequence == peerFin else { return false }
        return state == .closeWait || state == .closing || state == .lastAck
    }

    /// A RST arrived with the number just beyond everything that this endpoint has, holes or not: the right edge of the
    /// rightmost block that it reported (RFC 2018). Linux obeys such a RST (`tcp_validate_incoming`), whereas RFC 5961
    /// 3.2 challenges it. The caller keeps track of the blocks.
    public mutating func resetArrivesBehindHoles(_ segment: Segment) -> Reaction {
        switch state {
        case .established, .finWait1, .finWait2:
            var reaction = Reaction()
            enter(.closed, .inferred, .reset, &reaction)
            return reaction
        // Beyond the peer's FIN there are no blocks to report, and before the handshake ends no text is accepted.
        case .unseen, .closed, .listen, .synSent, .synReceived, .closeWait, .closing, .lastAck, .timeWait:
            return arrives(segment)
        }
    }

    /// Fourth check: SYN. It is challenged (RFC 5961 4). Returns whether the segment's ACK may still be processed.
    private mutating func checkSyn(_ segment: Segment, _ reaction: inout Reaction) -> Bool {
        let isRepeat = knowledge.contains(.irs) && segment.sequence == irs
        // The other half of a simultaneous open, or a retransmission: its ACK counts (RFC 9293 3.5, figure 7).
        if state == .synReceived && isRepeat && segment.flags.has(.ack) && segment.payloadLength == 0 {
            peerShift = Self.shift(of: segment)
            return true
        }
        if !isRepeat { reaction.anomalies.insert(.synInsideConnection) }
        return false
    }

    /// Whether this is a second, different answer to this endpoint's SYN, and the endpoint has sent nothing since the
    /// first: then the first answer never arrived, and this one answers a retransmitted SYN.
    func isAnotherAnswer(_ segment: Segment) -> Bool {
        state == .established && certainty == .inferred && segment.flags.has([.syn, .ack])
            && knowledge.contains([.activeOpen, .irs]) && !knowledge.contains(.synchronized) && segment.sequence != irs
            && segment.acknowledgment == iss.advanced(by: 1) && sendUnacknowledged == segment.acknowledgment
    }

    /// A segment from beyond the peer's FIN was sent after it, so the FIN has arrived before this segment.
    private mutating func noteFinBefore(_ segment: Segment, _ reaction: inout Reaction) {
        guard knowledge.contains(.peerFin),
            knowledge.isDisjoint(with: [.peerFinProcessed, .lacksText, .finBeyondWindow])
        else { return }
        if segment.sequence.isAfter(peerFin) && receiveNext.isAtOrAfter(peerFin) {
            processPeerFin(.inferred, &reaction)
        }
    }

    /// Fifth check: ACK. Returns whether text and FIN may be processed.
    private mutating func checkAcknowledgment(_ segment: Segment, _ reaction: inout Reaction) -> Bool {
        let ack = segment.acknowledgment
        if state == .synReceived {
            // An ACK a little beyond SND.NXT covers text that the capture lacks (or a filter excluded); any further one
            // is unacceptable. The sender of a SYN-ACK has received nothing but the SYN.
            let isAnswer = segment.flags.has(.syn)
            let beyond: UInt32 = isAnswer ? 0 : Self.plausibleLoss
            // In a simultaneous open the peer's SYN-ACK may arrive although this endpoint's own was not captured.
            guard ack.isAfter(isAnswer ? sendUnacknowledged : iss), ack.isAtOrBefore(sendNext.advanced(by: beyond))
            else {
                reaction.anomalies.insert(.unacceptableAck)
                return false
            }
            if ack.isAfter(sendNext) {
                reaction.anomalies.insert(.acknowledgedUnseen)
                sendNext = ack
            }
            sendUnacknowledged = ack
            enter(.established, .inferred, .synReceivedAck, &reaction)
            return true
        }
        guard knowledge.contains(.send) else { return true }
        if isFarFromSent(ack) {
            reaction.anomalies.insert(.blindAck)
            return false
        }
        placeOwnFin(before: ack)
        if ack.isAfter(sendNext) {
            // More is acknowledged than was seen: the capture missed it.
            // ACKs beyond anything possible in flight were rejected above.
            reaction.anomalies.insert(.acknowledgedUnseen)
            moveSendNext(to: ack)
        }
        if ack.isAfter(sendUnacknowledged) { sendUnacknowledged = ack }
        guard finIsAcknowledged else { return true }
        switch state {
        case .finWait1:
            enter(.finWait2, .inferred, .finWait1Ack, &reaction)
        case .closing:
            enter(.timeWait, .inferred, .closingAck, &reaction)
        case .lastAck:
            enter(.closed, .inferred, .lastAckAck, &reaction)
            return false
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait2, .closeWait, .timeWait:
            break
        }
        return true
    }

    /// Whether this open endpoint drops a segment because of what it acknowledges.
    public func isBlind(_ segment: Segment) -> Bool {
        guard segment.flags.has(.ack), !segment.flags.hasAny([.syn, .rst]), knowledge.contains(.send) else {
            return false
        }
        return state.takesText && state != .synReceived && isFarFromSent(segment.acknowledgment)
    }

    /// Whether an ACK is so far from what this endpoint sent that the whole segment is dropped (RFC 5961 5): before its
    /// SYN, which Linux considers too old; beyond its FIN; or further off than anything can be in flight. The RFC's own
    /// bound, the largest window before SND.UNA, is not known here.
    private func isFarFromSent(_ ack: SequenceNumber) -> Bool {
        if ack.isAfter(sendNext) {
            return knowledge.contains(.ownFin) && sendNext.isAfter(ownFin)
                || ack.offset(from: sendNext) >= SequenceNumber.furthestInFlight
        }
        // If more is in flight than possible, its ACKs were not captured, and what is old cannot be decided.
        guard sendNext.offset(from: sendUnacknowledged) < SequenceNumber.furthestInFlight,
            ack.isBefore(sendUnacknowledged)
        else { return false }
        return sendUnacknowledged.offset(from: ack) >= SequenceNumber.furthestInFlight
            || knowledge.contains(.iss) && !knowledge.contains(.farFromOwnSyn) && ack.isBefore(iss)
    }

    /// Seventh check: in-order text moves RCV.NXT. Text beyond a hole waits; the endpoint's own ACK will tell.
    private mutating func processText(_ segment: Segment) {
        guard segment.payloadLength > 0 else { return }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        guard segment.sequence.isAtOrBefore(receiveNext), end.isAfter(receiveNext) else { return }
        moveReceiveNext(to: end)
        // Text where a FIN was thought to be: that FIN was not the peer's.
        if knowledge.contains(.peerFin) && !knowledge.contains(.peerFinProcessed) && peerFin.isBefore(end) {
            knowledge.remove(.peerFin)
        }
    }

    /// Notes that the peer's FIN is on its way.
    mutating func notePeerFin(_ segment: Segment) {
        if knowledge.contains(.peerFin) && segment.finSequence == peerFin { knowledge.insert(.peerFinRepeated) }
        if mayBeFin(segment.finSequence) {
            knowledge.insert([.peerFin, .peerFinCoversOwn])
            peerFin = segment.finSequence
        }
        if !knowledge.contains(.peerFinProcessed) { noteRoomForFin(segment) }
        let coversOwn = knowledge.contains(.ownFin) && segment.acknowledgment.isAfter(ownFin)
        if !coversOwn { knowledge.remove(.peerFinCoversOwn) }
    }

    /// "Trimming off any portions that lie outside the window (including SYN and FIN)" (3.10.7.4, first
    /// check). Some hosts accept more than they have room for; and if the segment begins beyond the window,
    /// an uncaptured window update must have come first.
    private mutating func noteRoomForFin(_ segment: Segment) {
        if hasRoomForFin(of: segment) || segment.sequence.isAfter(receiveLimit) {
            knowledge.remove(.finBeyondWindow)
        } else {
            knowledge.insert(.finBeyondWindow)
        }
    }

    /// Whether this segment's FIN lies in the receive window, as far as that is known, or just beyond it: a FIN takes
    /// no room, and many hosts accept it there (Linux's `tcp_data_queue`).
    public func hasRoomForFin(of segment: Segment) -> Bool {
        !knowledge.contains(.window) || segment.finSequence.isAtOrBefore(receiveLimit)
    }

    /// Eighth check: the FIN, once everything before it has arrived.
    private mutating func checkFin(_ segment: Segment, _ reaction: inout Reaction) {
        if segment.flags.has(.fin) { notePeerFin(segment) }
        guard knowledge.contains(.peerFin), !knowledge.contains(.peerFinProcessed) else { return }
        let lacksText = knowledge.contains(.lacksText) && !(segment.flags.has(.fin) && acknowledged == peerFin)
        if receiveNext == peerFin && !lacksText && !knowledge.contains(.finBeyondWindow) {
            processPeerFin(.inferred, &reaction)
        } else if receiveNext == peerFin.advanced(by: 1) && acknowledged == receiveNext {
            // Its ACK was captured first.
            processPeerFin(.observed, &reaction)
        }
    }

    /// Everything that the peer sent up to `end` has arrived, though not in order (3.10.7.4,
    /// seventh and eighth check). The caller keeps track of the holes.
    public mutating func receivedAll(upTo end: SequenceNumber) -> Reaction {
        var reaction = Reaction()
        guard knowledge.contains(.receive), end.isAfter(receiveNext), state.takesText else { return reaction }
        if knowledge.contains(.peerFin), !knowledge.contains(.peerFinProcessed), end.isAfter(peerFin) {
            receiveNext = peerFin
            if !knowledge.contains(.finBeyondWindow) { processPeerFin(.inferred, &reaction) }
        } else {
            moveReceiveNext(to: end)
        }
        return reaction
    }

    /// Whether the peer's FIN may have this number: not within its text,
    /// and the lowest number if there are several FINs.
    private func mayBeFin(_ sequence: SequenceNumber) -> Bool {
        if knowledge.contains(.peerFin) { return !knowledge.contains(.peerFinProcessed) && sequence.isBefore(peerFin) }
        return knowledge.contains(.tookUnseen) || !sequence.isBefore(receiveNext)
    }
}

extension TCPState {
    /// Whether RCV.NXT is meaningful in this state.
    fileprivate var takesText: Bool {
        switch self {
        case .unseen, .closed, .listen, .synSent: false
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait: true
        }
    }
}
