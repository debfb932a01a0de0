// What a segment proves about its sender: everything here is observed, because the segment exists.

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
            // It continues the same attempt: the ICMP error did not end it.
            knowledge.remove(.givenUp)
            enter(.synSent, .observed, .retraction, &reaction)
        }
        if flags.has(.syn) {
            if flags.has(.ack) { sentSynAck(segment, &reaction) } else { sentSyn(segment, &reaction) }
            // A SYN with another number comes from another sender, and so do its ACK and window.
            if knowledge.contains(.iss) && segment.sequence == iss {
                if flags.has(.ack) && !isBlind(segment.acknowledgment) { noteTimestamp(segment) }
                noteWindow(segment)
            }
            return reaction
        }
        // 3.10.7.4, fifth check: a segment without ACK is dropped; no TCP sends one.
        // It proves nothing about its sender.
        if !flags.has(.ack) && state != .synSent {
            reaction.anomalies.insert(.ackMissing)
            return reaction
        }
        if isStale(segment) {
            // In later states the receiver's half reports it.
            if state == .synSent { reaction.anomalies.insert(.staleSegment) }
            return reaction
        }
        if state == .unseen || state == .listen {
            assumeOpen(segment, &reaction)
            // A stale socket's challenge ACK says nothing about the endpoint to come.
            if state == .unseen && !knowledge.contains(.synAcknowledged) { return reaction }
        }
        if closesAfterReset(segment) {
            closeAfterReset(segment, &reaction)
            return reaction
        }
        if state == .closed { takeBackReset(segment, &reaction) }
        // Before the ACK is processed, which would otherwise prove the very state that the retransmitted FIN disproves.
        if isResentFin(segment) { resentFin(segment, &reaction) }
        if flags.has(.ack) {
            noteAckFromBeyond(segment)
            // Checked before RCV.NXT moves: a forged ACK does not echo a timestamp either.
            if !isBlind(segment.acknowledgment) { noteTimestamp(segment) }
            noteHoleBeforeFin(segment, &reaction)
            sentAcknowledgment(segment, &reaction)
        }
        sentText(segment, &reaction)
        if flags.has(.fin) { sentFin(segment, &reaction) }
        noteAcknowledgment(segment)
        return reaction
    }

    /// Whether `segment` lies before this endpoint's SYN, so that the endpoint cannot have sent it: it is a late
    /// segment of an earlier connection on the same four-tuple, as initial sequence numbers grow with time (RFC 9293
    /// 3.4.1). A segment beyond the SYN, however far, may continue it even if the answer and more were not captured.
    public func isStale(_ segment: Segment) -> Bool {
        !segment.flags.hasAny([.syn, .rst]) && isBeforeOwnSyn(segment.sequence)
    }

    /// Whether a number lies before this endpoint's SYN, as far as that can be decided.
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
            // Not a new connection (the caller would have begun one): a SYN in the window after an unheeded RST.
            noteOtherSyn(segment, &reaction)
        case .unseen, .closed, .listen:
            startSending(segment)
            if knowledge.contains([.irs, .synAcknowledged]) {
                // Split handshake: the peer's SYN was acknowledged earlier,
                // so this SYN is the answer's other half (3.5).
                enter(.synReceived, from: .listen, .observed, .listenSyn, &reaction)
                return
            }
            knowledge.insert(.activeOpen)
            enter(.synSent, from: .closed, .observed, .activeOpen, &reaction)
        case .synSent:
            resentSyn(segment, &reaction)
        case .synReceived, .established:
            // It still sends SYNs, so the SYN or SYN-ACK that we saw has not reached it. If its kernel confirmed that one,
            // they crossed.
            if certainty != .confirmed && segment.sequence == iss && knowledge.contains(.activeOpen)
                && !knowledge.contains(.synchronized)
            {
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

    /// A SYN from an endpoint that is already open: a late copy of its own, or one with another number.
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
            // It was open before it closed: this is a delayed copy of its SYN-ACK.
            break
        case .unseen, .closed, .listen:
            let sawSyn = knowledge.contains(.irs)
            startSending(segment)
            learnReceiveNext(segment.acknowledgment)
            // The SYN's text was not accepted (RFC 7413 4.2.2): no Fast Open, and no text from SYN-RECEIVED.
            if sawSyn && segment.acknowledgment == irs.advanced(by: 1) { knowledge.remove(.fastOpen) }
            enter(.synReceived, from: .listen, sawSyn ? .observed : .assumed, .listenSyn, &reaction)
        case .synSent:
            resentSyn(segment, &reaction)
            guard segment.sequence == iss else { return }
            learnReceiveNext(segment.acknowledgment)
            enter(.synReceived, .observed, .synSentSyn, &reaction)
        case .established:
            // It still sends SYN-ACKs, so the ACK that we saw has not reached it,
            // or did not suffice (TCP_DEFER_ACCEPT).
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
                // A listener that kept no state with its first answer (a SYN cookie, a proxy, a dropped request)
                // answers a retransmitted SYN with another number.
                let answersSyn = knowledge.contains(.irs) && segment.acknowledgment == irs.advanced(by: 1)
                if answersSyn && sendUnacknowledged == iss { startSending(segment) }
            } else {
                certainty = max(certainty, .observed)
                if sendNext.isBefore(segment.sequenceEnd) { sendNext = segment.sequenceEnd }
                // In a simultaneous open the peer's SYN-ACK was captured before this one.
                if sendUnacknowledged.isAfter(iss) { enter(.established, .inferred, .synReceivedAck, &reaction) }
            }
        case .closeWait where segment.sequence == iss && certainty == .inferred && !knowledge.contains(.synchronized):
            // Neither the handshake's last ACK nor the FIN has reached it.
            enter(.synReceived, .observed, .retraction, &reaction)
            knowledge.remove(.peerFinProcessed)
            knowledge.insert(.lacksText)
            sendUnacknowledged = iss
            receiveNext = segment.acknowledgment
        case .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            if segment.sequence != iss { reaction.anomalies.insert(.initialSequenceChanged) }
        }
    }

    /// Whether a SYN-ACK shows that the segments which made this endpoint look open came from another sender: it
    /// answers the peer's SYN, and its number does not lie just before theirs.
    private func opensAfterAll(_ segment: Segment) -> Bool {
        knowledge.contains(.irs) && knowledge.isDisjoint(with: [.iss, .activeOpen, .ownFin, .peerFin])
            && segment.acknowledgment == irs.advanced(by: 1)
            && sendNext.offset(from: segment.sequence) &- 1 >= Self.plausibleLoss
    }

    /// A retransmitted SYN may differ in flags, options and text (Fast Open abandoned), but not in its number.
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

    /// The first segment seen from this endpoint is not a SYN: it must be open, but how it opened was not captured.
    private mutating func assumeOpen(_ segment: Segment, _ reaction: inout Reaction) {
        startMidstream(at: segment.sequence)
        if knowledge.contains(.irs) {
            // The peer's SYN was seen, but not this endpoint's answer. A bare ACK of that SYN is not an
            // answer: some servers send one first (split handshake). Only text, a FIN or an ACK beyond
            // the SYN shows that this endpoint is open. An ACK of an unrelated number does not, either:
            // a stale socket on this four-tuple challenges the SYN (RFC 5961 4).
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

    /// This endpoint's acknowledgment proves the arrival of everything that it covers (3.4): text,
    /// the peer's SYN, the peer's FIN.
    private mutating func sentAcknowledgment(_ segment: Segment, _ reaction: inout Reaction) {
        let ack = segment.acknowledgment
        // Beyond everything that the peer can have sent: forged (RFC 5961 5).
        if isBlind(ack) { return }
        placePeerFin(before: ack)
        if state == .synSent {
            // Only an endpoint that received a SYN-ACK sends this. If it was not
            // the one that we saw, it was not captured.
            let isAwaited = knowledge.contains([.lacksAnswer, .irs]) && ack == irs.advanced(by: 1)
            learnReceiveNext(ack)
            sendUnacknowledged = sendNext
            enter(.established, .observed, isAwaited ? .synSentSynAck : .evidence, &reaction)
        }
        if state == .synReceived && !knowledge.contains(.fastOpen) && knowledge.contains(.irs)
            && ack.isAfter(irs.advanced(by: 1))
        {
            // Text is accepted only in ESTABLISHED (3.10.7.4): neither the ACK
            // that led there nor the text was captured.
            sendUnacknowledged = iss.advanced(by: 1)
            enter(.established, .observed, .evidence, &reaction)
        }
        if state == .synReceived && knowledge.contains([.activeOpen, .irs]) && !knowledge.contains(.synAckSent)
            && sendUnacknowledged.isAfter(iss) && ack.isAfter(irs)
        {
            // A simultaneous open in which the peer's SYN was lost beyond the capture point: the peer's SYN-ACK opened
            // this endpoint, from SYN-SENT (3.10.7.3); otherwise it would answer with a SYN-ACK of its own.
            enter(.established, .observed, .evidence, &reaction)
        }
        if knowledge.contains(.receive) {
            if ack.isAfter(receiveNext) {
                // Unless it covers just the peer's FIN, which was captured and comes next.
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

    /// An ACK beyond the peer's FIN, or beyond RCV.NXT by 2^30 octets (the largest window, RFC 7323 2.3)
    /// or more: no endpoint sends one.
    func isBlind(_ ack: SequenceNumber) -> Bool {
        guard knowledge.contains(.receive), ack.isAfter(receiveNext) else { return false }
        return isFarBeyondReceived(ack)
            || knowledge.contains(.peerFinProcessed) && ack.isAfter(peerFin.advanced(by: 1))
    }

    /// SND.NXT moves; text sent from SYN-RECEIVED shows that the handshake's last ACK arrived,
    /// although it was not captured.
    private mutating func sentText(_ segment: Segment, _ reaction: inout Reaction) {
        guard knowledge.contains(.send) else { return }
        if segment.payloadLength > 0 {
            if state == .synReceived && !knowledge.contains(.fastOpen) {
                sendUnacknowledged = iss.advanced(by: 1)
                knowledge.insert(.synchronized)
                enter(.established, .observed, .evidence, &reaction)
            }
            let end = segment.sequence.advanced(by: segment.payloadLength)
            // Text below SND.NXT is late or retransmitted, even if this endpoint has closed since.
            let isAfterEnd = hasEndedItself && end.isAfter(sendNext) && !endsAtOwnReset(segment)
            // A single octet in the FIN's place asks for an ACK: some hosts' keep-alives carry one (3.8.4).
            let isKeepAlive = segment.sequence == ownFin && segment.payloadLength == 1
            let isAfterFin = knowledge.contains(.ownFin) && end.isAfter(ownFin) && !isKeepAlive
            if isAfterEnd || isAfterFin { reaction.anomalies.insert(.sentAfterClose) }
        }
        // A bare ACK from beyond SND.NXT shows a hole, not new octets: those come late,
        // or the peer's ACK will cover them.
        if segment.sequenceLength > 0 && sendNext.isBefore(segment.sequenceEnd) {
            moveSendNext(to: segment.sequenceEnd)
        }
    }

    /// Whether it is closed and has sent a FIN or a RST itself. An endpoint closed by the peer's RST may
    /// not have received that RST when it sends.
    private var hasEndedItself: Bool { state == .closed && !knowledge.isDisjoint(with: [.ownFin, .ownReset]) }

    /// Handles a bare ACK from beyond SND.NXT: the octets in between were not captured, and the last one may be a
    /// FIN. Notes it only if such a FIN was sent before the peer's arrived: the ACK does not cover the peer's FIN,
    /// or is the immediate answer to it.
    private mutating func noteAckFromBeyond(_ segment: Segment) {
        guard segment.isPureAck, knowledge.contains(.send), !knowledge.contains(.ownFin),
            segment.sequence.isAfter(sendNext)
        else { return }
        let isAnswer = certainty == .inferred && !knowledge.contains(.peerFinRepeated)
        let precedes = segment.acknowledgment.isAtOrBefore(peerFin) || isAnswer
        guard state == .established || state == .closeWait && precedes else { return }
        knowledge.insert(.ackFromBeyond)
        knowledge.remove(.ownReset)
        ownFin = segment.sequence.previous
    }

    /// A FIN was sent: the user closed (3.10.4).
    private mutating func sentFin(_ segment: Segment, _ reaction: inout Reaction) {
        let sequence = segment.finSequence
        if knowledge.contains(.ownFin) {
            if sequence != ownFin { reaction.anomalies.insert(.finMoved) }
            return
        }
        // The FIN is captured after all, or retransmitted.
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
            sentFinAfterPeers(segment, &reaction)
        case .unseen, .listen, .synSent:
            reaction.anomalies.insert(.finBeforeOpen)
            return
        case .closed, .finWait1, .finWait2, .closing, .lastAck, .timeWait:
            if state != .closed || hasEndedItself { reaction.anomalies.insert(.sentAfterClose) }
            // It has the number of the RST: if that was somebody else's, this is the own FIN.
            if state == .closed && certainty == .observed && knowledge.contains([.ownReset, .synchronized])
                && sequence == ownFin
            {
                knowledge.insert(.ownFin)
            }
            return
        }
        knowledge.insert(.ownFin)
        ownFin = sequence
        takeEarlyAck(&reaction)
    }

    /// A FIN was sent in CLOSE-WAIT, where the peer's FIN is thought to have arrived before.
    private mutating func sentFinAfterPeers(_ segment: Segment, _ reaction: inout Reaction) {
        let coversPeerFin =
            segment.flags.has(.ack)
            && (knowledge.contains(.peerFinUncaptured) || segment.acknowledgment.isAfter(peerFin))
        // This FIN was sent before an ACK that was captured earlier: either one of the peer's FIN, or one from just
        // behind this FIN that was sent before the peer's FIN arrived, so that this is another copy.
        let isCopy = knowledge.contains(.ackFromBeyond) && segment.finSequence == ownFin
        let isOvertaken =
            certainty == .observed && (!coversPeerFin && segment.acknowledgment.isBefore(acknowledged) || isCopy)
        if knowledge.contains(.finQueued) {
            enter(.closing, .observed, .closeCall, &reaction)
        } else if !isOvertaken && (coversPeerFin || certainty >= .observed) {
            enter(.lastAck, .observed, .closeCall, &reaction)
        } else {
            // The FINs crossed: when this one was sent, the peer's had not arrived, so CLOSE-WAIT was wrong.
            enter(.established, .observed, .retraction, &reaction)
            enter(.finWait1, .observed, .closeCall, &reaction)
            if isOvertaken {
                enter(.closing, .observed, .fin, &reaction)
            } else {
                // Text in order before the peer's FIN is in flight, like that FIN,
                // even though this FIN does not acknowledge it.
                knowledge.remove(.peerFinProcessed)
                receiveNext = knowledge.contains(.lacksText) ? segment.acknowledgment : peerFin
            }
        }
    }

    /// Takes in an ACK of this endpoint's FIN that was captured before the FIN.
    private mutating func takeEarlyAck(_ reaction: inout Reaction) {
        // The ACK of the SYN does not count, though some hosts give their FIN the SYN's number.
        guard finIsAcknowledged, !knowledge.contains(.iss) || ownFin != iss else { return }
        switch state {
        case .finWait1: enter(.finWait2, .inferred, .finWait1Ack, &reaction)
        case .lastAck: enter(.closed, .inferred, .lastAckAck, &reaction)
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait2, .closeWait, .closing,
            .timeWait:
            break
        }
    }

    /// Whether the peer has acknowledged octets of this open endpoint that lie behind this FIN. Nothing is sent behind
    /// a FIN (3.10.4): this one is forged, or from an earlier connection, and its receiver drops it as old.
    public func hasSentBehindFin(_ segment: Segment) -> Bool {
        knowledge.contains(.send) && (state == .established || state == .closeWait)
            && sendUnacknowledged.offset(from: segment.sequenceEnd) &- 1 < SequenceNumber.furthestInFlight
            && sendNext.offset(from: sendUnacknowledged) < SequenceNumber.furthestInFlight
    }

    private func isResentFin(_ segment: Segment) -> Bool {
        segment.flags.has(.fin) && knowledge.contains(.ownFin) && segment.finSequence == ownFin
    }

    /// The FIN is retransmitted: the ACK of it that we saw has not reached this endpoint.
    private mutating func resentFin(_ segment: Segment, _ reaction: inout Reaction) {
        guard certainty == .inferred, finIsAcknowledged else { return }
        // A delayed copy, sent before this endpoint acknowledged more.
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
