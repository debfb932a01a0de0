// SEGMENT ARRIVES of a simulated TCP, in the order of RFC 9293 3.10.7.

import TCPModel

extension SimulatedEndpoint {
    mutating func receive(_ segment: SimulatedSegment) {
        unansweredKeepAlives = 0
        heard.append((segment.number, segment.sequence, segment.end))
        switch state {
        case .closed, .unseen: refuse(segment)
        case .listen: if hasOpened { refuse(segment) } else { receiveListen(segment) }
        case .synSent: receiveSynSent(segment)
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            receiveSynchronized(segment)
        }
        push()
    }

    /// Whether a SYN may open a new connection in place of this one, which is over (RFC 9293 3.10.7.1; 3.10.7.4, fourth
    /// check).
    func yields(to segment: SimulatedSegment) -> Bool {
        guard segment.flags == .syn, hasOpened else { return false }
        if state == .closed || state == .listen { return true }
        let isNewer = recentTimestamp.map { (segment.timestamp?.value ?? 0) > $0 } ?? false
        return state == .timeWait && (segment.sequence.isAfter(receiveNext) || isNewer)
    }

    /// 3.10.7.1: there is no such connection.
    private mutating func refuse(_ segment: SimulatedSegment) {
        guard host.sendsResets, !segment.flags.has(.rst), hasOpened || !host.opensToo else { return }
        if segment.flags.has(.ack) {
            answerBadAck(segment)
            return mark(.noConnection)
        }
        output.append(
            SimulatedSegment(
                flags: [.rst, .ack], sequence: SequenceNumber(0), acknowledgment: segment.end, length: 0, window: 0))
        mark(.noConnection)
    }

    private mutating func answerBadAck(_ segment: SimulatedSegment) {
        guard host.sendsResets, !segment.flags.has(.rst) else { return }
        output.append(
            SimulatedSegment(
                flags: .rst, sequence: segment.acknowledgment, acknowledgment: SequenceNumber(0), length: 0, window: 0))
        mark(.badAck)
    }

    // MARK: Opening (3.10.7.2, 3.10.7.3)

    private mutating func receiveListen(_ segment: SimulatedSegment) {
        if segment.flags.has(.rst) { return }
        if hasSentCookie && segment.flags.has(.ack) && segment.acknowledgment == iss.advanced(by: 1)
            && segment.sequence == irs?.advanced(by: 1)
        {
            (next, highest, state) = (segment.acknowledgment, segment.acknowledgment, .synReceived)
            return receiveSynchronized(segment)
        }
        if segment.flags.has(.ack) { return answerBadAck(segment) }
        guard segment.flags == .syn else { return }
        learn(segment)
        if host.usesCookies {
            hasSentCookie = true
            return sendSyn()
        }
        if host.fastOpens && segment.length > 0 {
            hasTakenSynText = true
            receiveNext = segment.textEnd
            taken.append((segment.number, segment.textStart, segment.textEnd))
        }
        next = iss.advanced(by: 1)
        highest = next
        state = .synReceived
        sendSyn()
    }

    private mutating func receiveSynSent(_ segment: SimulatedSegment) {
        let hasAck = segment.flags.has(.ack)
        if hasAck && (segment.acknowledgment.isAtOrBefore(iss) || segment.acknowledgment.isAfter(highest)) {
            return answerBadAck(segment)
        }
        if segment.flags.has(.rst) {
            if hasAck { end(.refused) }
            return
        }
        guard segment.flags.has(.syn) else { return }
        learn(segment)
        if hasAck {
            unacknowledged = segment.acknowledgment
            clocking.acknowledge(unacknowledged, now)
            if next.isBefore(unacknowledged) { next = unacknowledged }
            // Text of the SYN that was not accepted is sent again.
            highest = next
            noteWindow(segment)
            state = .established
            acknowledge()
        } else {
            state = .synReceived
            hasCrossedSyns = true
            sendSyn()
        }
    }

    /// Learns from the peer's SYN: IRS, and the options that both sides offer.
    private mutating func learn(_ segment: SimulatedSegment) {
        irs = segment.sequence
        taken.append((segment.number, segment.sequence, segment.textStart))
        receiveNext = segment.sequence.advanced(by: 1)
        receiveEdge = receiveNext
        sendEdge = unacknowledged.advanced(by: UInt32(segment.window))
        windowUpdate = (segment.sequence, segment.acknowledgment)
        if let scale = segment.windowScale, let own = host.windowScale {
            (scalesWindows, sendShift, receiveShift) = (true, scale, own)
        }
        usesSACK = host.hasSACK && segment.permitsSACK
        if host.hasTimestamps, let stamp = segment.timestamp { recentTimestamp = stamp.value }
    }

    // MARK: Synchronized states (3.10.7.4)

    private mutating func receiveSynchronized(_ segment: SimulatedSegment) {
        if segment.flags.has(.syn) && !segment.flags.has(.rst) { return receiveSyn(segment) }
        if isTooOld(segment) { return acknowledge() }
        // First: the sequence number.
        let isResetOfFin = segment.flags.has(.rst) && peerFin == segment.sequence
        if !isAcceptable(segment) && !isResetOfFin {
            noteDuplicate(segment)
            if segment.flags.has(.rst) { ignoredResets.append(segment.number) } else { answerUnacceptable(segment) }
            return
        }
        // Second: RST (RFC 5961 3.2).
        if segment.flags.has(.rst) { return receiveReset(segment) }
        noteTimestamp(segment)
        // Fifth: ACK.
        guard segment.flags.has(.ack), receiveAck(segment) else { return }
        // Seventh and eighth: text and FIN.
        guard segment.end != segment.sequence, state != .closed else { return }
        take(segment)
    }

    /// PAWS (RFC 7323 5.3), with Linux's exceptions: a difference of one tick, and an overtaken ACK without news.
    private func isTooOld(_ segment: SimulatedSegment) -> Bool {
        guard let recentTimestamp, let stamp = segment.timestamp, !segment.flags.has(.rst) else { return false }
        guard Int32(bitPattern: recentTimestamp &- stamp.value) > 1 else { return false }
        let saysNothing =
            segment.length == 0 && !segment.flags.has(.fin) && segment.sequence == receiveNext
            && segment.acknowledgment == unacknowledged && !updatesWindow(segment)
        return !saysNothing
    }

    /// Updates TS.Recent (RFC 7323 4.3).
    private mutating func noteTimestamp(_ segment: SimulatedSegment) {
        guard let recent = recentTimestamp, let stamp = segment.timestamp else { return }
        if Int32(bitPattern: stamp.value &- recent) >= 0 && segment.sequence.isAtOrBefore(acknowledged) {
            recentTimestamp = stamp.value
        }
    }

    /// Even with a closed window, the ACK of a segment with text counts, as 3.10.7.4 allows.
    private func isAcceptable(_ segment: SimulatedSegment) -> Bool {
        if segment.sequence.isBefore(receiveNext) && segment.end.isAtOrBefore(receiveNext) { return false }
        return host.buffer == nil || segment.sequence.isAtOrBefore(receiveEdge)
    }

    /// If both sides are outside the other's window, their ACKs would answer each other forever
    /// (`tcp_oow_rate_limited`).
    private mutating func answerUnacceptable(_ segment: SimulatedSegment) {
        if host.limitsChallenges && segment.end == segment.sequence {
            if let lastChallenge, clock &- lastChallenge < 500 { return }
            lastChallenge = clock
        }
        acknowledge()
    }

    private mutating func noteDuplicate(_ segment: SimulatedSegment) {
        if segment.length > 0 && segment.textEnd.isAtOrBefore(receiveNext) {
            duplicateBlock = SACKBlock(left: segment.sequence, right: segment.textEnd)
        }
    }

    private mutating func receiveReset(_ segment: SimulatedSegment) {
        // Linux also accepts the sequence number of the peer's FIN: some hosts abort with it (`tcp_reset_check`).
        let isOfFin = peerFin == segment.sequence && receiveNext == segment.sequence.advanced(by: 1)
        guard
            segment.sequence == receiveNext || isOfFin && state != .finWait1 && state != .finWait2 && state != .timeWait
        else {
            ignoredResets.append(segment.number)
            return acknowledge()
        }
        if state == .timeWait { timeWaitReset = segment.number }
        let returnsToListen = state == .synReceived && host.listens
        end(.received)
        if returnsToListen { state = .listen }
    }

    private mutating func receiveSyn(_ segment: SimulatedSegment) {
        guard state == .synReceived, segment.sequence == irs else { return acknowledge() }
        // The other half of a simultaneous open, whose ACK counts (3.5, figure 7); otherwise the peer's SYN again.
        guard segment.flags.has(.ack), segment.acknowledgment.isAfter(iss),
            segment.acknowledgment.isAtOrBefore(highest)
        else { return sendSyn() }
        unacknowledged = segment.acknowledgment
        noteWindow(segment)
        state = .established
        acknowledge()
    }

    /// Processes the ACK. Returns whether text and FIN may be processed.
    private mutating func receiveAck(_ segment: SimulatedSegment) -> Bool {
        let ack = segment.acknowledgment
        if state == .synReceived {
            guard ack.isAfter(iss), ack.isAtOrBefore(highest) else {
                answerBadAck(segment)
                return false
            }
            if segment.end == segment.sequence && synAcks <= host.defersAccept { return false }
            state = .established
            unacknowledged = iss.advanced(by: 1)
            clocking.acknowledge(unacknowledged, now)
            noteWindow(segment, isFirst: true)
        }
        if ack.isAfter(highest) {
            acknowledge()
            return false
        }
        let isDuplicate =
            ack == unacknowledged && segment.length == 0 && !segment.flags.has(.fin) && highest != ack
            && !updatesWindow(segment)
        if ack.isAfter(unacknowledged) {
            unacknowledged = ack
            if next.isBefore(ack) { next = ack }
            duplicateAcks = 0
            hasTimedOut = false
            clocking.acknowledge(ack, now)
        } else if isDuplicate {
            duplicateAcks += 1
        }
        noteWindow(segment)
        if duplicateAcks == 3 && usesSACK {
            let first = output.count
            repeatOldest(afterTimeout: false)
            mark(.fastRetransmit, from: first)
        }
        if let ownFin, unacknowledged.isAfter(ownFin) {
            switch state {
            case .finWait1: state = .finWait2
            case .closing: state = .timeWait
            case .lastAck: state = .closed
            default: break
            }
        }
        return true
    }

    private func updatesWindow(_ segment: SimulatedSegment) -> Bool {
        edge(segment).isAfter(sendEdge)
    }

    private func edge(_ segment: SimulatedSegment) -> SequenceNumber {
        segment.acknowledgment.advanced(
            by: UInt32(segment.window) << UInt32(segment.flags.has(.syn) ? 0 : sendShift))
    }

    private mutating func noteWindow(_ segment: SimulatedSegment, isFirst: Bool = false) {
        let (last, ack) = (windowUpdate, segment.acknowledgment)
        guard
            isFirst || last.sequence.isBefore(segment.sequence)
                || last.sequence == segment.sequence && last.acknowledgment.isAtOrBefore(ack)
        else { return }
        let wasClosed = sendEdge.isAtOrBefore(unacknowledged)
        sendEdge = edge(segment)
        windowUpdate = (segment.sequence, ack)
        // The probe of the closed window is sent again, with the octets behind it.
        if wasClosed && sendEdge.isAfter(unacknowledged) && unacknowledged.isAfter(iss) { next = unacknowledged }
    }

    private mutating func take(_ segment: SimulatedSegment) {
        var end = segment.textEnd
        if host.buffer != nil && end.isAfter(receiveEdge) { end = receiveEdge }
        if readsNoMore && end.isAfter(receiveNext) && host.sendsResets {
            answerBadAck(segment)
            mark(.lateText)
            return self.end(.sent)
        }
        let isBeyond = segment.end.isAfter(receiveEdge) && host.buffer != nil
        if segment.flags.has(.fin) && !isBeyond { peerFin = segment.textEnd }
        let before = receiveNext
        noteDuplicate(segment)
        if segment.sequence.isBefore(end) { waiting.append((segment.sequence, end)) }
        let hasFin = segment.flags.has(.fin) && !isBeyond
        taken.append((segment.number, segment.sequence, hasFin ? segment.end : end))
        var isMoving = true
        while isMoving {
            isMoving = false
            for piece in waiting where piece.start.isAtOrBefore(receiveNext) && piece.end.isAfter(receiveNext) {
                receiveNext = piece.end
                isMoving = true
            }
        }
        if !isReading && !readsNoMore { unread += receiveNext.offset(from: before) }
        if peerFin == receiveNext {
            receiveNext = receiveNext.advanced(by: 1)
            switch state {
            case .synReceived, .established:
                state = .closeWait
                closeWaitTime = now
            case .finWait1: state = .closing
            case .finWait2: state = .timeWait
            default: break
            }
            return acknowledge()
        }
        unansweredSegments += 1
        let isInOrder = before != receiveNext && segment.sequence == before && end == receiveNext
        if host.delaysAcks && isInOrder && unansweredSegments < 2 && !segment.flags.has(.fin) { return }
        acknowledge()
    }
}
