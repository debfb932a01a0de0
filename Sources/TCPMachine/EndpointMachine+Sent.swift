// What a segment proves about its sender: everything here is observed, because the segment is there.

public import TCPModel

extension EndpointMachine {
    /// This endpoint sent `segment`.
    public mutating func sent(_ segment: Segment) -> Reaction {
        var reaction = Reaction()
        let flags = segment.flags
        if flags.isMeaningless {
            reaction.anomalies.insert(.meaninglessFlags)
            return reaction
        }
        if flags.has(.rst) {
            sentReset(segment, &reaction)
            return reaction
        }
        learnSending(segment)
        if knowledge.contains(.givenUp) && state == .closed && (segment.sequence == iss || !flags.has(.syn)) {
            // It goes on with the same attempt: the ICMP error did not end it.
            knowledge.remove(.givenUp)
            enter(.synSent, .observed, .retraction, &reaction)
        }
        if flags.has(.syn) {
            if flags.has(.ack) { sentSynAck(segment, &reaction) } else { sentSyn(segment, &reaction) }
            // One with another number is somebody else's, and its ACK and window are too.
            if knowledge.contains(.iss) && segment.sequence == iss {
                if flags.has(.ack) && !isBlind(segment.acknowledgment) { noteTimestamp(segment) }
                noteWindow(segment)
            }
            return reaction
        }
        // 3.10.7.4, fifth check: what has no ACK is dropped, and no TCP sends it. It shows nothing of its supposed sender.
        if !flags.has(.ack) && state != .synSent {
            reaction.anomalies.insert(.ackMissing)
            return reaction
        }
        if isStale(segment) {
            // Later its receiver tells.
            if state == .synSent { reaction.anomalies.insert(.staleSegment) }
            return reaction
        }
        if state == .unseen || state == .listen {
            assumeOpen(segment, &reaction)
            // The challenge of a stale socket says nothing of the endpoint to come.
            if state == .unseen && !knowledge.contains(.synAcknowledged) { return reaction }
        }
        if closesAfterReset(segment) {
            closeAfterReset(segment, &reaction)
            return reaction
        }
        if state == .closed { takeBackReset(segment, &reaction) }
        // Before the ACK, which else would prove the very state that the repeated FIN disproves.
        if isResentFin(segment) { resentFin(segment, &reaction) }
        if flags.has(.ack) {
            noteAckFromBeyond(segment)
            // Asked before RCV.NXT moves: what somebody else made up echoes nothing either.
            if !isBlind(segment.acknowledgment) { noteTimestamp(segment) }
            sentAcknowledgment(segment, &reaction)
        }
        sentText(segment, &reaction)
        if flags.has(.fin) { sentFin(segment, &reaction) }
        noteAcknowledgment(segment)
        return reaction
    }

    /// Whether this endpoint cannot have sent this: it lies before its SYN. It is a late segment of the connection that had the same
    /// four-tuple before; initial numbers grow with time (RFC 9293 3.4.1). What lies beyond, however far, may go on from a SYN whose
    /// answer and more were not captured.
    public func isStale(_ segment: Segment) -> Bool {
        !segment.flags.hasAny([.syn, .rst]) && isBeforeOwnSyn(segment.sequence)
    }

    /// Whether a number lies before this endpoint's SYN, as far as that can be told.
    func isBeforeOwnSyn(_ sequence: SequenceNumber) -> Bool {
        guard knowledge.contains(.iss), !knowledge.contains(.farFromOwnSyn), sequence.isBefore(iss) else {
            return false
        }
        switch state {
        case .unseen, .listen: return false
        case .synSent: return true
        case .closed, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            return iss.offset(from: sequence) < SequenceNumber.furthestInFlight
        }
    }

    /// SYN without ACK: an active OPEN (RFC 9293 3.10.1), or its retransmission.
    private mutating func sentSyn(_ segment: Segment, _ reaction: inout Reaction) {
        switch state {
        case .closed where knowledge.contains(.synchronized):
            // Not a new connection (its owner would have begun one): a SYN in the window after a RST that was not heeded.
            noteOtherSyn(segment, &reaction)
        case .unseen, .closed, .listen:
            startSending(segment)
            if knowledge.contains([.irs, .synAcknowledged]) {
                // Split handshake: the peer's SYN was acknowledged apart, so this SYN is the other half of the answer (3.5).
                enter(.synReceived, from: .listen, .observed, .listenSyn, &reaction)
                return
            }
            knowledge.insert(.activeOpen)
            enter(.synSent, from: .closed, .observed, .activeOpen, &reaction)
        case .synSent:
            resentSyn(segment, &reaction)
        case .synReceived, .established:
            // It still asks, so the SYN or SYN-ACK that we saw pass has not reached it.
            if segment.sequence == iss && knowledge.contains(.activeOpen) && !knowledge.contains(.synchronized) {
                if state == .established { knowledge.insert(.lacksAnswer) }
                enter(.synSent, .observed, .retraction, &reaction)
                knowledge.remove([.irs, .receive])
            } else {
                noteOtherSyn(segment, &reaction)
            }
        case .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            noteOtherSyn(segment, &reaction)
        }
    }

    /// A SYN of an endpoint that is open already: a late copy of its own, or one with another number.
    private func noteOtherSyn(_ segment: Segment, _ reaction: inout Reaction) {
        if !knowledge.contains(.iss) || segment.sequence != iss { reaction.anomalies.insert(.initialSequenceChanged) }
    }

    /// SYN with ACK: a listener's answer (3.10.7.2), the second half of a simultaneous open (3.10.7.3), or a
    /// retransmission.
    private mutating func sentSynAck(_ segment: Segment, _ reaction: inout Reaction) {
        defer { knowledge.insert(.synAckSent) }
        switch state {
        case .closed
        where segment.sequence == iss && !knowledge.isDisjoint(with: [.synchronized, .ownFin, .activeOpen]):
            // It was open before it closed: this is a copy of its SYN-ACK, on a longer way.
            break
        case .unseen, .closed, .listen:
            let sawSyn = knowledge.contains(.irs)
            startSending(segment)
            learnReceiveNext(segment.acknowledgment)
            // The text of the SYN was not taken (RFC 7413 4.2.2): no Fast Open, and no answer from SYN-RECEIVED.
            if sawSyn && segment.acknowledgment == irs.advanced(by: 1) { knowledge.remove(.fastOpen) }
            enter(.synReceived, from: .listen, sawSyn ? .observed : .assumed, .listenSyn, &reaction)
        case .synSent:
            resentSyn(segment, &reaction)
            guard segment.sequence == iss else { return }
            learnReceiveNext(segment.acknowledgment)
            enter(.synReceived, .observed, .synSentSyn, &reaction)
        case .established:
            // It still offers, so the ACK that we saw pass has not reached it, or was not enough (TCP_DEFER_ACCEPT).
            if segment.sequence == iss && !knowledge.contains(.synchronized) {
                enter(.synReceived, .observed, .retraction, &reaction)
                sendUnacknowledged = iss
            } else if segment.sequence != iss {
                if opensAfterAll(segment) {
                    enter(.synReceived, .observed, .retraction, &reaction)
                    knowledge.remove(.synchronized)
                    startSending(segment)
                    receiveNext = segment.acknowledgment
                } else {
                    reaction.anomalies.insert(.initialSequenceChanged)
                }
            }
        case .synReceived:
            if knowledge.contains(.iss) && segment.sequence != iss {
                reaction.anomalies.insert(.initialSequenceChanged)
                // Who kept nothing of the first answer (a SYN cookie, a proxy, a request that was dropped) gives another one to
                // the SYN that is sent again.
                let answersSyn = knowledge.contains(.irs) && segment.acknowledgment == irs.advanced(by: 1)
                if answersSyn && sendUnacknowledged == iss { startSending(segment) }
            } else {
                certainty = max(certainty, .observed)
                if sendNext.isBefore(segment.sequenceEnd) { sendNext = segment.sequenceEnd }
                // The peer's SYN-ACK of a simultaneous open passed before this one.
                if sendUnacknowledged.isAfter(iss) { enter(.established, .inferred, .synReceivedAck, &reaction) }
            }
        case .closeWait where segment.sequence == iss && certainty == .inferred && !knowledge.contains(.synchronized):
            // Nor has the FIN.
            enter(.synReceived, .observed, .retraction, &reaction)
            knowledge.remove(.peerFinProcessed)
            knowledge.insert(.lacksText)
            sendUnacknowledged = iss
            receiveNext = segment.acknowledgment
        case .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            if segment.sequence != iss { reaction.anomalies.insert(.initialSequenceChanged) }
        }
    }

    /// Whether a SYN-ACK shows that what its sender was thought to have sent after a SYN-ACK that was not captured was somebody
    /// else's: it answers the peer's SYN, and lies elsewhere than just before that.
    private func opensAfterAll(_ segment: Segment) -> Bool {
        knowledge.contains(.irs) && knowledge.isDisjoint(with: [.iss, .activeOpen, .ownFin, .peerFin])
            && segment.acknowledgment == irs.advanced(by: 1)
            && sendNext.offset(from: segment.sequence) &- 1 >= Self.plausibleLoss
    }

    /// A retransmitted SYN may differ in flags, options and text (Fast Open given up), not in its number.
    private mutating func resentSyn(_ segment: Segment, _ reaction: inout Reaction) {
        if segment.sequence != iss {
            reaction.anomalies.insert(.initialSequenceChanged)
            return
        }
        knowledge.remove(.answerPassed)
        noteOwnShift(segment)
        if sendNext.isBefore(segment.sequenceEnd) { sendNext = segment.sequenceEnd }
    }

    mutating func startSending(_ segment: Segment) {
        knowledge.insert([.iss, .send])
        knowledge.remove([.window, .tookUnseen, .farFromOwnSyn])
        iss = segment.sequence
        sendUnacknowledged = segment.sequence
        sendNext = segment.sequenceEnd
        noteOwnShift(segment)
    }

    /// The first thing seen of this endpoint is not a SYN: it must be open, how it opened we did not see.
    private mutating func assumeOpen(_ segment: Segment, _ reaction: inout Reaction) {
        knowledge.insert(.send)
        iss = segment.sequence.advanced(by: .max)
        sendUnacknowledged = segment.sequence
        sendNext = segment.sequence
        if knowledge.contains(.irs) {
            // The peer's SYN was seen, this endpoint's answer was not. A bare ACK of it is no SYN-ACK: some servers
            // send one first (split handshake); only text, FIN or an ACK beyond the SYN shows that it is open.
            // Nor is an ACK of something else altogether: a stale socket on this four-tuple challenges the SYN (RFC 5961 4).
            let acknowledged = segment.acknowledgment.offset(from: irs.advanced(by: 1))
            let beyondSyn = acknowledged > 0 && acknowledged < Self.plausibleLoss
            guard acknowledged < Self.plausibleLoss, segment.payloadLength > 0 || segment.flags.has(.fin) || beyondSyn
            else {
                knowledge.remove(.send)
                if acknowledged == 0 { knowledge.insert(.synAcknowledged) }
                return
            }
            enter(.synReceived, from: .listen, .assumed, .evidence, &reaction)
            enter(.established, .assumed, .evidence, &reaction)
        } else {
            enter(.established, from: .unseen, .assumed, .midstream, &reaction)
        }
    }

    /// An own acknowledgment is proof of everything that it covers (3.4): text, the peer's SYN, the peer's FIN.
    private mutating func sentAcknowledgment(_ segment: Segment, _ reaction: inout Reaction) {
        let ack = segment.acknowledgment
        // Beyond everything that the peer can have had in flight: somebody else made this up (RFC 5961 5).
        if isBlind(ack) { return }
        placePeerFin(before: ack)
        if state == .synSent {
            // Only an endpoint that got a SYN-ACK sends this. If that is not the one that passed us, it was not captured.
            let isAwaited = knowledge.contains([.lacksAnswer, .irs]) && ack == irs.advanced(by: 1)
            learnReceiveNext(ack)
            sendUnacknowledged = sendNext
            enter(.established, .observed, isAwaited ? .synSentSynAck : .evidence, &reaction)
        }
        if state == .synReceived && !knowledge.contains(.fastOpen) && knowledge.contains(.irs)
            && ack.isAfter(irs.advanced(by: 1))
        {
            // Text is taken in ESTABLISHED only (3.10.7.4): the ACK that opened it was not captured, nor was the text.
            sendUnacknowledged = iss.advanced(by: 1)
            enter(.established, .observed, .evidence, &reaction)
        }
        if state == .synReceived && knowledge.contains([.activeOpen, .irs]) && !knowledge.contains(.synAckSent)
            && sendUnacknowledged.isAfter(iss) && ack.isAfter(irs)
        {
            // A simultaneous open whose other SYN was lost behind the capture: the peer's SYN-ACK opened it, from SYN-SENT
            // (3.10.7.3); else it would answer with a SYN-ACK of its own.
            enter(.established, .observed, .evidence, &reaction)
        }
        if knowledge.contains(.receive) {
            if ack.isAfter(receiveNext) {
                // Unless it is just the peer's FIN, which was captured and is due.
                if !knowledge.contains(.peerFin) || ack != peerFin.advanced(by: 1) || receiveNext != peerFin {
                    knowledge.insert(.tookUnseen)
                }
                receiveNext = ack
            }
        } else if state != .unseen {
            learnReceiveNext(ack)
        }
        if knowledge.contains(.peerFin) && ack.isAfter(peerFin) {
            if !knowledge.contains(.peerFinProcessed) {
                processPeerFin(.observed, &reaction)
            } else if certainty == .inferred && state != .closed {
                certainty = .observed
            }
        }
        switch state {
        case .established:
            knowledge.insert(.synchronized)
            certainty = max(certainty, .observed)
        case .unseen, .closed, .listen, .synSent, .synReceived, .finWait1, .finWait2, .closeWait, .closing, .lastAck,
            .timeWait:
            break
        }
    }

    /// An ACK of more than the peer's FIN, or a whole largest window (2^30, RFC 7323 2.3) or more beyond RCV.NXT: no endpoint
    /// sends that.
    func isBlind(_ ack: SequenceNumber) -> Bool {
        guard knowledge.contains(.receive), ack.isAfter(receiveNext) else { return false }
        return isFarBeyondReceived(ack)
            || knowledge.contains(.peerFinProcessed) && ack.isAfter(peerFin.advanced(by: 1))
    }

    /// SND.NXT moves; text from SYN-RECEIVED shows that the handshake's last ACK arrived, though we did not see it.
    private mutating func sentText(_ segment: Segment, _ reaction: inout Reaction) {
        guard knowledge.contains(.send) else { return }
        if segment.payloadLength > 0 {
            if state == .synReceived && !knowledge.contains(.fastOpen) {
                sendUnacknowledged = iss.advanced(by: 1)
                knowledge.insert(.synchronized)
                enter(.established, .observed, .evidence, &reaction)
            }
            let end = segment.sequence.advanced(by: segment.payloadLength)
            // Text from before SND.NXT is late or repeated, whoever is closed by now.
            let isAfterEnd = hasEndedItself && end.isAfter(sendNext) && !endsAtOwnReset(segment)
            // One octet in the place of the FIN asks for an ACK: some hosts' keep-alives have one (3.8.4).
            let isKeepAlive = segment.sequence == ownFin && segment.payloadLength == 1
            let isAfterFin = knowledge.contains(.ownFin) && end.isAfter(ownFin) && !isKeepAlive
            if isAfterEnd || isAfterFin { reaction.anomalies.insert(.sentAfterClose) }
        }
        // A bare ACK from beyond SND.NXT shows a hole, not new octets: what fills it comes late, or the peer's ACK tells.
        if segment.sequenceLength > 0 && sendNext.isBefore(segment.sequenceEnd) {
            moveSendNext(to: segment.sequenceEnd)
        }
    }

    /// Whether it is closed and sent a FIN or a RST itself. Who is thought to be closed by the peer's RST may not have that when it sends.
    private var hasEndedItself: Bool { state == .closed && !knowledge.isDisjoint(with: [.ownFin, .ownReset]) }

    /// A bare ACK from beyond SND.NXT: what lies between is not captured, and its last octet may be a FIN. Notes it where that FIN
    /// left before the peer's came: this ACK does not have that, or is the very answer to it.
    private mutating func noteAckFromBeyond(_ segment: Segment) {
        guard segment.isPureAck, knowledge.contains(.send), !knowledge.contains(.ownFin),
            segment.sequence.isAfter(sendNext)
        else { return }
        let isAnswer = certainty == .inferred && !knowledge.contains(.peerFinRepeated)
        let precedes = segment.acknowledgment.isAtOrBefore(peerFin) || isAnswer
        guard state == .established || state == .closeWait && precedes else { return }
        knowledge.insert(.ackFromBeyond)
        knowledge.remove(.ownReset)
        ownFin = segment.sequence.advanced(by: .max)
    }

    /// A FIN left: the user closed (3.10.4).
    private mutating func sentFin(_ segment: Segment, _ reaction: inout Reaction) {
        let sequence = segment.finSequence
        if knowledge.contains(.ownFin) {
            if sequence != ownFin { reaction.anomalies.insert(.finMoved) }
            return
        }
        // It comes after all, or again.
        if knowledge.contains(.ownFinUncaptured) {
            knowledge.remove(.ownFinUncaptured)
            knowledge.insert(.ownFin)
            ownFin = sequence
            return
        }
        switch state {
        case .synReceived, .established:
            enter(.finWait1, .observed, .closeCall, &reaction)
        case .closeWait:
            let coversPeerFin =
                segment.flags.has(.ack)
                && (knowledge.contains(.peerFinUncaptured) || segment.acknowledgment.isAfter(peerFin))
            // An own ACK of the peer's FIN was captured before this one, which left before it; or an ACK from just behind this FIN,
            // which had left before the peer's came: this is another copy of it.
            let isCopy = knowledge.contains(.ackFromBeyond) && sequence == ownFin
            let isOvertaken =
                certainty == .observed && (!coversPeerFin && segment.acknowledgment.isBefore(acknowledged) || isCopy)
            if knowledge.contains(.finQueued) {
                enter(.closing, .observed, .closeCall, &reaction)
            } else if !isOvertaken && (coversPeerFin || certainty >= .observed) {
                enter(.lastAck, .observed, .closeCall, &reaction)
            } else {
                // The FINs crossed: when this one left, the peer's had not arrived, so CLOSE-WAIT was wrong.
                enter(.established, .observed, .retraction, &reaction)
                enter(.finWait1, .observed, .closeCall, &reaction)
                if isOvertaken {
                    enter(.closing, .observed, .fin, &reaction)
                } else {
                    // What came in order before the peer's FIN is on its way, as that is, though this one had left without it.
                    knowledge.remove(.peerFinProcessed)
                    receiveNext = knowledge.contains(.lacksText) ? segment.acknowledgment : peerFin
                }
            }
        case .unseen, .listen, .synSent:
            reaction.anomalies.insert(.finBeforeOpen)
            return
        case .closed, .finWait1, .finWait2, .closing, .lastAck, .timeWait:
            if state != .closed || hasEndedItself { reaction.anomalies.insert(.sentAfterClose) }
            return
        }
        knowledge.insert(.ownFin)
        ownFin = sequence
        // Its ACK may have been captured before it. That of the SYN is none, though some give their FIN its number.
        guard finIsAcknowledged, !knowledge.contains(.iss) || sequence != iss else { return }
        switch state {
        case .finWait1: enter(.finWait2, .inferred, .finWait1Ack, &reaction)
        case .lastAck: enter(.closed, .inferred, .lastAckAck, &reaction)
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait2, .closeWait, .closing,
            .timeWait:
            break
        }
    }

    /// Whether the peer has acknowledged what this endpoint, which is open, sent behind this FIN. Nothing is sent behind a FIN (3.10.4):
    /// this one is somebody else's, or from an earlier connection, and its receiver drops it as old.
    public func hasSentBehindFin(_ segment: Segment) -> Bool {
        knowledge.contains(.send) && (state == .established || state == .closeWait)
            && sendUnacknowledged.offset(from: segment.sequenceEnd) &- 1 < SequenceNumber.furthestInFlight
            && sendNext.offset(from: sendUnacknowledged) < SequenceNumber.furthestInFlight
    }

    private func isResentFin(_ segment: Segment) -> Bool {
        segment.flags.has(.fin) && knowledge.contains(.ownFin) && segment.finSequence == ownFin
    }

    /// The FIN again: its acknowledgment, which we saw pass, has not reached this endpoint.
    private mutating func resentFin(_ segment: Segment, _ reaction: inout Reaction) {
        guard certainty == .inferred, finIsAcknowledged else { return }
        // A copy that left before what this endpoint acknowledged since, on a longer way.
        if knowledge.contains(.window) && segment.acknowledgment.isBefore(acknowledged) { return }
        switch state {
        case .finWait2:
            enter(.finWait1, .observed, .retraction, &reaction)
        case .timeWait:
            let hasPeerFin = segment.flags.has(.ack) && segment.acknowledgment.isAfter(peerFin)
            if !hasPeerFin {
                knowledge.remove(.peerFinProcessed)
                receiveNext = segment.acknowledgment
            }
            enter(hasPeerFin ? .closing : .finWait1, .observed, .retraction, &reaction)
        case .closed:
            enter(.lastAck, .observed, .retraction, &reaction)
        case .unseen, .listen, .synSent, .synReceived, .established, .finWait1, .closeWait, .closing, .lastAck:
            return
        }
        sendUnacknowledged = ownFin
    }
}

extension TCPFlags {
    /// SYN with FIN or RST, or none of SYN, FIN, RST, ACK: no TCP sends these; hosts drop them, or see only the RST.
    var isMeaningless: Bool {
        has(.syn) && hasAny([.fin, .rst]) || !hasAny([.syn, .fin, .rst, .ack])
    }
}
