// What a simulated TCP sends: text within the window, its FIN, ACKs, and the retransmissions of its timers.

import TCPModel

extension SimulatedEndpoint {
    /// Sends what it may: text, then the FIN.
    mutating func push() {
        switch state {
        case .established, .closeWait: break
        case .synReceived:
            if !hasTakenSynText { return }
        case .finWait1, .closing, .lastAck:
            // Only retransmissions, after SND.NXT went back.
            if next == highest { return }
        default: return
        }
        let end = iss.advanced(by: 1 + written)
        while next.isBefore(end), next.offset(from: unacknowledged) < flight, next.isBefore(sendEdge) {
            let length = min(segmentSize, end.offset(from: next), sendEdge.offset(from: next))
            let start = next
            next = start.advanced(by: length)
            if host.putsFinOnText && isClosing && next == end && next.isBefore(sendEdge) && state != .synReceived {
                sendFin(after: length, start)
                return
            }
            send(host.sendsUrgent && random.isOne(of: 4) ? [.ack, .psh, .urg] : [.ack, .psh], start, length)
            noteSent(start, length, hasFin: false)
            highest = highest.isBefore(next) ? next : highest
        }
        guard isClosing, next == end, next.isBefore(sendEdge), state != .synReceived else { return }
        sendFin(after: 0, next)
    }

    private mutating func sendFin(after length: UInt32, _ start: SequenceNumber) {
        send(length > 0 ? [.ack, .psh, .fin] : [.ack, .fin], start, length)
        noteSent(start, length, hasFin: true)
        ownFin = next
        next = next.advanced(by: 1)
        highest = next
        if state == .established { state = .finWait1 }
        if state == .closeWait { state = .lastAck }
    }

    private mutating func noteSent(_ start: SequenceNumber, _ length: UInt32, hasFin: Bool) {
        if start.isBefore(highest) { mark(.goBack) }
        let end = start.advanced(by: length + (hasFin ? 1 : 0))
        clocking.note(start, end, isNew: !start.isBefore(highest), now)
    }

    // MARK: Timers (3.10.8)

    enum Timer {
        case retransmission
        case tailLossProbe
        case persist
        case keepAlive
    }

    /// The running timer.
    var timer: Timer? {
        if state == .closed || state == .listen || state == .timeWait { return nil }
        if unacknowledged != highest { return mayProbeTail ? .tailLossProbe : .retransmission }
        guard state == .established || state == .closeWait || state == .finWait2 else { return nil }
        let end = iss.advanced(by: 1 + written)
        if state != .finWait2 && (next.isBefore(end) || isClosing) { return .persist }
        return host.keepAliveTime != nil && keepAlives < 6 ? .keepAlive : nil
    }

    /// Handles the expiry of the timer.
    mutating func timeout() {
        switch timer {
        case .retransmission:
            repeatOldest(afterTimeout: true)
            hasTimedOut = true
            if let first = output.indices.first { output[first].cause = .timeout }
        case .tailLossProbe: probeTail()
        case .persist:
            let end = iss.advanced(by: 1 + written)
            if host.probesWithText && next.isBefore(end) {
                send([.ack, .psh], next, 1)
                mark(.windowProbe)
                next = next.advanced(by: 1)
                highest = next
            } else {
                probe(unacknowledged.previous, 0)
            }
        case .keepAlive:
            keepAlives += 1
            unansweredKeepAlives += 1
            if unansweredKeepAlives > 3 {
                send([.rst, .ack], highest)
                mark(.keepAliveTimeout)
                return end(.sent)
            }
            probe(highest.previous, host.keepAliveHasText ? 1 : 0)
        case nil: break
        }
    }

    private mutating func probe(_ sequence: SequenceNumber, _ length: UInt32) {
        send(.ack, sequence, length)
        output[output.count - 1].isProbe = true
    }

    /// Retransmits the oldest segment.
    mutating func repeatOldest(afterTimeout: Bool) {
        clocking.timed = nil
        if unacknowledged == iss { return sendSyn() }
        let end = ownFin ?? highest
        if unacknowledged == end { return send([.ack, .fin], end) }
        // A probe of a closed window with text.
        if host.probesWithText && sendEdge == unacknowledged && end == unacknowledged.advanced(by: 1) {
            probe(unacknowledged, 1)
            output[output.count - 1].isTextProbe = true
            return
        }
        guard host.repackages else {
            return send([.ack, .psh], unacknowledged, min(segmentSize, end.offset(from: unacknowledged)))
        }
        if afterTimeout && random.isOne(of: 3) && unacknowledged.isBefore(sendEdge) {
            next = unacknowledged
            return push()
        }
        // Part of a segment, or up to two segments, with or without a following FIN.
        let length = min(1 + UInt32(random.next(below: UInt64(2 * segmentSize))), end.offset(from: unacknowledged))
        let hasFin = ownFin == unacknowledged.advanced(by: length) && random.isOne(of: 2)
        send(hasFin ? [.ack, .psh, .fin] : [.ack, .psh], unacknowledged, length)
    }

    // MARK: Segments

    /// Sends a SYN or a SYN-ACK.
    mutating func sendSyn() {
        clocking.timed = clocking.timed == nil && clocking.last == nil ? (iss.advanced(by: 1), now) : nil
        var segment = SimulatedSegment(
            flags: state == .synSent ? .syn : [.syn, .ack], sequence: iss,
            acknowledgment: state == .synSent ? SequenceNumber(0) : receiveNext, length: 0)
        if let buffer { segment.window = UInt16(min(buffer, 65535)) }
        // A SYN-ACK has only options that were offered (RFC 7323 1.3).
        if state == .synSent {
            segment.windowScale = host.windowScale
            segment.permitsSACK = host.hasSACK
            if host.hasTimestamps { segment.timestamp = (clock, 0) }
        } else {
            synAcks += 1
            segment.windowScale = scalesWindows ? host.windowScale : nil
            segment.permitsSACK = usesSACK
            if let recentTimestamp { segment.timestamp = (clock, recentTimestamp) }
            noteAcknowledgment(receiveNext.advanced(by: UInt32(segment.window)))
        }
        output.append(segment)
    }

    mutating func send(_ flags: TCPFlags, _ sequence: SequenceNumber, _ length: UInt32 = 0) {
        var segment = SimulatedSegment(
            flags: flags, sequence: sequence, acknowledgment: flags.has(.ack) ? receiveNext : SequenceNumber(0),
            length: length)
        if let recentTimestamp, !flags.has(.rst) { segment.timestamp = (clock, recentTimestamp) }
        if flags.has(.ack) && !flags.has(.rst) {
            if let buffer {
                segment.window = UInt16(min(65535, (buffer - min(buffer, unread)) >> UInt32(receiveShift)))
            }
            noteAcknowledgment(receiveNext.advanced(by: UInt32(segment.window) << UInt32(receiveShift)))
            if usesSACK { segment.sack = blocks() }
        }
        if flags.has(.rst) { segment.window = 0 }
        output.append(segment)
    }

    mutating func acknowledge() { send(.ack, highest) }

    private mutating func noteAcknowledgment(_ edge: SequenceNumber) {
        acknowledged = receiveNext
        unansweredSegments = 0
        // A host that shrinks its buffer accepts only what it now advertises; the sender may already have sent more.
        if receiveEdge.isBefore(edge) || state == .synReceived || buffer != host.buffer { receiveEdge = edge }
    }

    /// The SACK blocks: first a duplicate (RFC 2883), then pieces beyond holes (RFC 2018).
    private mutating func blocks() -> [SACKBlock] {
        var blocks: [SACKBlock] = []
        if let duplicateBlock { blocks.append(duplicateBlock) }
        duplicateBlock = nil
        var pieces = waiting.filter { $0.start.isAfter(receiveNext) }
        pieces.sort { $0.start.isBefore($1.start) }
        var merged: [SACKBlock] = []
        for piece in pieces {
            if let last = merged.last, piece.start.isAtOrBefore(last.right) {
                if last.right.isBefore(piece.end) { merged[merged.count - 1].right = piece.end }
            } else {
                merged.append(SACKBlock(left: piece.start, right: piece.end))
            }
        }
        return blocks + merged.prefix(3 - blocks.count)
    }
}
