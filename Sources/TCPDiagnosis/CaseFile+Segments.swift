// Records a segment in the case file of its connection.

import TCPMachine
import TCPModel
import TCPTimeline

extension CaseFile {
    mutating func take(_ event: SegmentEvent) {
        let sighting = Sighting(frame: event.frame, time: event.time)
        let (own, peer) = event.places
        let flags = event.segment.flags
        if !flags.hasAny(.synFinRst) { hasPlain = true }
        guard !event.isDropped else { return takeDropped(event, sighting) }
        noteOpening(event, sighting)
        noteEnding(event, sighting)
        if event.hasTransitions { noteTimeWait(event, sighting) }
        if event.sender == .responder && (synAckStamp != nil || flags.has(.syn)) { noteStamp(event) }
        records[peer].closedWindow.takePeers(event)
        records[own].closedWindow.takeOwn(event)
        noteKeepAlive(event, sighting)
        if !flags.has(.rst) { records[own].hopLimits.insert(event.segment.hopLimit) }
        noteText(event, sighting)
        noteFurthest(event, sighting)
        handshake.take(event)
        noteSmallWrites(event, sighting)
        noteLateText(event)
        noteLarge(event, sighting)
        noteVerdict(event, sighting)
        if !event.anomalies.isEmpty {
            note(event.remarkable, sender: event.sender, sighting)
            if event.anomalies.contains(.acknowledgedUnseen) {
                gap.note(sighting)
                records[peer].unseen = sighting
            }
        }
        noteLast(event, sighting)
        if !flags.has(.rst) && !records[own].hasOvertaken(event) { records[own].lastButReset = sighting }
    }

    private mutating func noteLast(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let segment = event.segment
        if segment.flags.has(.ack), !segment.flags.has(.rst), records[peer].last.isSeen,
            segment.acknowledgment.isAtOrAfter(records[peer].lastEnd)
        {
            records[peer].isLastAcknowledged = true
        }
        records[own].last = sighting
        records[own].lastAcknowledgment = segment.acknowledgment
        records[own].lastEnd = segment.sequenceEnd
        records[own].isLastAcknowledged = false
    }

    /// Records a segment that its receiver drops. That it came may be a finding in itself, but it changes nothing else.
    /// If its checksum is wrong, any of its octets may be damaged, so it is ignored.
    private mutating func takeDropped(_ event: SegmentEvent, _ sighting: Sighting) {
        guard !event.notes.contains(.badChecksum) else { return }
        let own = event.places.own
        if event.hasTransitions { noteTimeWait(event, sighting) }
        if !event.segment.flags.has(.rst) {
            records[own].hopLimits.insert(event.segment.hopLimit)
        } else if !records[own].firstReset.isSeen {
            // The hop limit reveals a forged RST, whether or not the receiver obeys it.
            records[own].firstReset = sighting
            records[own].resetHopLimit = event.segment.hopLimit
        }
        // Note what the sender has heard: frames of the opening may be missing from the capture, and then the
        // receiver's state is not what it seems.
        if event.anomalies.contains(.unacceptableAck), !event.segment.flags.has(.rst) {
            records[event.places.peer].acknowledged = event.relativeAck
        }
        if event.isSentInVain {
            noteFurthest(event, sighting)
            noteVerdict(event, sighting)
        }
        note(event.remarkable, sender: event.sender, sighting)
        noteLast(event, sighting)
        if !event.segment.flags.has(.rst) { records[own].lastButReset = sighting }
    }

    /// Another copy of a frame is no event of the connection, but it may have taken another path.
    mutating func takeCopy(_ event: SegmentEvent) {
        if !event.segment.flags.has(.rst) { records[event.places.own].hopLimits.insert(event.segment.hopLimit) }
    }

    /// Tracks how far a side has sent, and whether a RST comes from there or beyond. An abort uses SND.NXT (RFC 9293
    /// 3.10.5), so text before such a RST is missing from the capture, unless the RST's number is forged.
    private mutating func noteFurthest(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        guard event.segment.flags.has(.rst) else {
            if records[peer].resetAhead.isSeen, event.relativeAck != records[peer].resetAheadNumber {
                records[peer].isResetAheadAnswered = true
            }
            let length = event.segment.sequenceLength
            let end = event.relativeSequence &+ length
            if length > 0 && end.circularDistance(from: records[own].furthest) > 0 { records[own].furthest = end }
            return
        }
        guard !event.anomalies.isDisjoint(with: [.resetNotExact, .resetIgnored]) else { return }
        let ahead = event.relativeSequence &- records[own].furthest
        if ahead < Self.mostMissing, !records[own].resetAhead.isSeen {
            records[own].resetAhead = sighting
            records[own].resetAheadNumber = event.relativeSequence
        }
    }

    /// The largest gap, in octets, that a capture is assumed to have before a RST.
    private static var mostMissing: UInt32 { SequenceNumber.furthestInFlight }

    private mutating func noteText(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        guard event.segment.payloadLength > 0, !event.notes.contains(.keepAlive) else { return }
        // The octet of a window probe counts as text the first time.
        let end = event.relativeSequence &+ event.segment.payloadLength
        if event.notes.contains(.windowProbe), records[own].firstText.isSeen,
            end.circularDistance(from: records[own].furthest) <= 0
        {
            return
        }
        records[own].firstText.note(sighting)
        records[own].lastText = sighting
        // Text that crosses a FIN was sent before its sender could know of the FIN, and so was what only fills a hole.
        guard records[peer].isFinAcknowledged else { return }
        let new = end.circularDistance(from: records[own].furthest(orBehind: records[own].textAfterPeerFinStart))
        if new > 0 { records[own].textAfterPeerFin &+= UInt64(new) }
    }

    /// Records the first segment of each side that was a retransmission, was needless, or arrived late.
    private mutating func noteVerdict(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        if !event.segment.flags.has(.rst) {
            if !event.notes.isDisjoint(with: [.retransmission, .windowProbe]) { records[own].unansweredRepeats &+= 1 }
            // After the peer's RST it is too late.
            if !records[peer].reset.isSeen { records[peer].unansweredRepeats = 0 }
        }
        // The verdict is large and nearly always empty, so it is not copied. Probes of a closed window do not count as
        // retransmissions.
        if event.verdict.retransmission != nil || event.verdict.late == .lostBeforeCapture {
            records[own].repeated.note(sighting)
        }
        if event.verdict.late == .reordered { records[own].reordered.note(sighting) }
        if event.verdict.retransmission?.spurious != nil { records[own].needless.note(sighting) }
        if let exposed = event.verdict.exposes {
            let sighting = Sighting(frame: exposed.frame, time: exposed.time)
            records[peer].needless.note(sighting)
            if exposed.kind == .tailLossProbe {
                records[peer].tailProbe.note(sighting)
                records[peer].tailProbeWait = max(records[peer].tailProbeWait, exposed.silence)
            }
        }
    }

    /// Counts octets that were captured after the peer had acknowledged them.
    private mutating func noteLateText(_ event: SegmentEvent) {
        let (own, peer) = event.places
        let length = event.segment.payloadLength
        if length > 0, gap.isSeen, !event.notes.contains(.retransmission),
            (event.relativeSequence &+ length).circularDistance(from: records[own].acknowledged) <= 0
        {
            lateOctets &+= UInt64(length)
        }
        if event.segment.flags.has(.ack), !event.segment.flags.has(.rst) {
            records[peer].acknowledged = event.relativeAck
            if records[peer].textAfterPeerFin > 0,
                event.relativeAck.circularDistance(from: records[peer].textAfterPeerFinStart) > 0
            {
                records[peer].isTextAfterPeerFinHeard = true
            }
        }
    }

    /// Follows the first large segment of each side until it is acknowledged.
    private mutating func noteLarge(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let segment = event.segment
        if segment.flags.has(.ack), records[peer].large.piece.arrived.isSeen,
            records[peer].large.next != records[peer].large.nextEnd,
            segment.acknowledgment.isAtOrAfter(records[peer].large.nextEnd)
        {
            records[peer].large.piece.arrived = Sighting()
        }
        if segment.flags.has(.ack), records[peer].large.first.isSeen, !records[peer].large.arrived {
            // The acknowledged segment may also be another one of the same size.
            let acknowledged = event.relativeAck.circularDistance(from: records[peer].large.start)
            if acknowledged > 0 || event.reports(records[peer].large) {
                records[peer].large.arrived = true
                // If the receiver had had any later octets, they would be acknowledged along with this piece.
                if acknowledged > 0, UInt32(acknowledged) <= records[peer].large.piece.length {
                    records[peer].large.piece.arrived = sighting
                }
                records[peer].large.nextEnd = records[peer].large.next
            } else if segment.options.present.contains(.sack) {
                records[peer].large.missed = sighting
            } else if records[peer].large.sendings > 1 {
                noteHearing(event, sighting)
            }
        }
        if records[own].large.piece.arrived.isSeen { noteWhole(event) }
        if event.relativeSequence == records[own].large.start { notePiece(event) }
        guard segment.payloadLength >= LargeSegment.least, !records[own].large.arrived else { return }
        if !records[own].large.first.isSeen {
            records[own].large.first = sighting
            records[own].large.start = event.relativeSequence
            records[own].large.length = segment.payloadLength
        } else if event.relativeSequence != records[own].large.start {
            if segment.payloadLength >= records[own].large.length {
                records[own].large.next = segment.sequence
                records[own].large.nextEnd = segment.sequence.advanced(by: segment.payloadLength)
            }
            return
        }
        records[own].large.sendings &+= 1
        records[own].large.last = sighting
        records[own].large.length = min(records[own].large.length, segment.payloadLength)
    }

    /// Notes a segment from the peer after a large segment was retransmitted. If the peer retransmits what had been
    /// acknowledged, that ACK did not arrive, small as it was (RFC 6298 5.4).
    private mutating func noteHearing(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let end = event.relativeSequence &+ event.segment.sequenceLength
        if event.notes.contains(.retransmission), end.circularDistance(from: records[own].acknowledged) <= 0 {
            records[peer].large.isNothingHeard = true
            records[peer].large.missed = Sighting()
        } else if !records[peer].large.isNothingHeard {
            records[peer].large.missed = sighting
        }
    }

    /// Notes a smaller piece with which the large segment begins, sent after the whole was sent in vain. The whole must
    /// be a single segment, not several that a network card splits.
    private mutating func notePiece(_ event: SegmentEvent) {
        let own = event.places.own
        let (large, length) = (records[own].large, event.segment.payloadLength)
        guard !large.arrived, length > 0, large.sendings >= SmallerPiece.leastSendings else { return }
        if large.piece.length != 0 {
            records[own].large.piece.length = min(large.piece.length, length)
        } else if length + SmallerPiece.leastCut <= large.length,
            large.length <= handshake.maximumSegmentSize(of: event.sender.other)
        {
            records[own].large.piece = SmallerPiece(
                length: length, whole: large.length, sendings: large.sendings, lastWhole: large.last)
        }
    }

    /// Notes a segment as large as the lost one, after a piece of that has arrived: if it gets through, the path had
    /// merely been interrupted.
    private mutating func noteWhole(_ event: SegmentEvent) {
        let own = event.places.own
        let segment = event.segment
        let isOne = segment.payloadLength <= handshake.maximumSegmentSize(of: event.sender.other)
        if isOne, segment.payloadLength + SmallerPiece.searchEnd > records[own].large.piece.whole {
            records[own].large.next = segment.sequence
            records[own].large.nextEnd = segment.sequence.advanced(by: segment.payloadLength)
        } else if segment.payloadLength > 0, segment.sequence == records[own].large.next {
            // It was sent in pieces after all.
            records[own].large.nextEnd = segment.sequence
        }
    }

    private mutating func noteOpening(_ event: SegmentEvent, _ sighting: Sighting) {
        guard event.segment.flags.has(.syn) else { return }
        let (own, peer) = event.places
        if !records[own].syn.isSeen { records[own].syn = sighting }
        records[own].lastSyn = sighting
        if event.segment.flags.has(.ack) {
            records[own].synAckCount &+= 1
        } else {
            records[own].synCount &+= 1
            if records[peer].synAckCount > 0 && !event.anomalies.contains(.initialSequenceChanged) {
                records[own].synsAfterAnswer &+= 1
            }
            // A SYN inside the open connection changes nothing (RFC 5961 4).
            let opens = event.sender == .originator && !event.anomalies.contains(.initialSequenceChanged)
            if opens && synText == 0 {
                synText = event.segment.payloadLength
                hasFastOpenOption = event.segment.options.present.contains(.fastOpen)
            }
        }
    }

    /// Measures by how much a SYN-ACK's timestamp lags. Linux hides options in the low six bits of a SYN cookie's
    /// timestamp (cookie_init_timestamp): it rounds down to 64 ms, replaces those bits, and never exceeds its clock.
    /// Such a timestamp lags up to 64 ms behind that of the server's next segment.
    private mutating func noteStamp(_ event: SegmentEvent) {
        guard event.segment.options.present.contains(.timestamps) else { return }
        let value = event.segment.options.timestampValue
        if event.segment.flags.has(.syn) {
            // A repeated SYN-ACK is not from a cookie, and the next segment may answer either copy.
            synAckStamp = self[.responder].synCount == 0 && stampLag == nil ? (value, event.time) : nil
            stampLag = stampLag ?? 0
        } else if let stamp = synAckStamp {
            synAckStamp = nil
            let passed = event.time.since(stamp.time)
            // The clocks differ: after a second they may be off by half a millisecond.
            guard passed >= 0, passed <= Span.second else { return }
            stampLag = Int64(value.circularDistance(from: stamp.value)) - passed / Span.millisecond
        }
    }

    private mutating func noteEnding(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let flags = event.segment.flags
        if flags.has(.fin) && !records[own].fin.isSeen {
            records[own].fin = sighting
            records[own].finNumber = event.segment.finSequence
        }
        guard flags.has(.rst) else {
            if event.acknowledges(records[peer].finNumber, isSent: records[peer].fin.isSeen) {
                if !records[peer].isFinAcknowledged {
                    records[own].textAfterPeerFinStart = records[own].furthest(orBehind: event.relativeSequence)
                }
                records[peer].isFinAcknowledged = true
            }
            return
        }
        if !records[own].firstReset.isSeen {
            records[own].firstReset = sighting
            records[own].resetHopLimit = event.segment.hopLimit
        }
        let isFitting = event.anomalies.isDisjoint(with: [.resetNotExact, .resetIgnored])
        let isAnswering =
            event.segment.sequence == records[peer].lastAcknowledgment && !records[peer].isLastAcknowledged
        // A side that sent anything else after its first RST had not ended the connection with it, so this RST is a new
        // event.
        guard !records[own].reset.isSeen || records[own].lastButReset.frame > records[own].reset.frame else {
            if isFitting { records[own].isResetFitting = true }
            if isAnswering { records[own].isResetAnswering = true }
            // An abort comes first and answers follow it, in whatever order they were captured.
            if flags.has(.ack) { records[own].resetHadAck = true }
            return
        }
        records[own].isResetFitting = isFitting
        records[own].isResetAnswering = isAnswering
        records[own].reset = sighting
        records[own].resetNumber = event.relativeSequence
        records[own].resetAnswersNoAck = flags.has(.ack) && event.segment.sequence == SequenceNumber(0)
        records[own].resetHadAck = flags.has(.ack)
        records[own].resetAck = flags.has(.ack) ? event.relativeAck : nil
        records[own].resetAnswers = records[peer].last
        records[own].isResetMultipath =
            event.segment.options.has(.fastClose) || event.segment.options.has(.reset)
    }

    /// Notes the start of TIME-WAIT, and its end by a RST that answers a segment and so has no ACK (RFC 9293 3.10.7.1).
    private mutating func noteTimeWait(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        for index in 0..<event.sent.count where event.sent[index].to == .timeWait { records[own].timeWait = sighting }
        for index in 0..<event.arrived.count {
            let transition = event.arrived[index]
            if transition.to == .timeWait { records[peer].timeWait = sighting }
            guard transition.from == .timeWait, transition.rule == .reset, !event.segment.flags.has(.ack) else {
                continue
            }
            records[peer].timeWaitReset = sighting
            records[peer].timeWaitAnswer = records[peer].last
            records[peer].timeWaitIntruder = records[own].lastButReset
        }
    }

    private mutating func noteKeepAlive(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        // Any segment from a side answers its peer's keep-alives, unless the peer has already given up.
        if !records[peer].reset.isSeen { records[peer].unansweredKeepAlives = 0 }
        guard event.notes.contains(.keepAlive) else {
            // A sender of text waits for that text's ACK, not for the answer to its keep-alives.
            if event.segment.payloadLength > 0 { records[own].unansweredKeepAlives = 0 }
            return
        }
        if records[own].unansweredKeepAlives == 0 { records[own].firstKeepAlive = sighting }
        records[own].lastKeepAlive = sighting
        records[own].unansweredKeepAlives &+= 1
    }
}

extension SideRecord {
    /// `furthest`, or a number behind it.
    fileprivate func furthest(orBehind number: UInt32) -> UInt32 {
        number.circularDistance(from: furthest) > 0 ? number : furthest
    }

    /// Whether a segment of this side was sent before its RST although it was captured later: it carries nothing newer
    /// than the RST, which overtook it.
    fileprivate func hasOvertaken(_ event: SegmentEvent) -> Bool {
        guard reset.isSeen, isResetFitting, event.segment.flags.has(.ack) else { return false }
        let end = event.relativeSequence &+ event.segment.sequenceLength
        if end.circularDistance(from: resetNumber) > 0 { return false }
        // A RST without ACK answers a segment, and its sender sends nothing else afterwards.
        guard let resetAck else { return event.segment.sequenceLength > 0 }
        return event.relativeAck.circularDistance(from: resetAck) <= 0
    }
}

extension SegmentEvent {
    /// The anomalies that matter for findings. A SYN for an endpoint in SYN-RECEIVED is not inside an open connection:
    /// it ends the attempt that it meets there, or the RST that answers it does (RFC 9293 3.10.7.4, fourth check;
    /// Linux's `tcp_check_req`). A SYN-ACK that acknowledges another SYN, old or forged, is not an older socket's
    /// challenge, which would have no SYN (RFC 9293 3.5, figure 8).
    fileprivate var remarkable: Anomalies {
        if segment.flags.has([.syn, .ack]) { return anomalies.subtracting(.unacceptableAck) }
        let receiver = sender == .originator ? responderState : originatorState
        return receiver == .synReceived ? anomalies.subtracting(.synInsideConnection) : anomalies
    }

    /// Whether a SACK block reports the arrival of the other large segment (RFC 2018 4).
    fileprivate func reports(_ large: LargeSegment) -> Bool {
        guard large.next != large.nextEnd else { return false }
        return (0..<Int(segment.options.sackBlockCount)).contains { index in
            let block = segment.options.sackBlocks[index]
            return block.left.isAtOrBefore(large.next) && block.right.isAtOrAfter(large.nextEnd)
        }
    }

    /// The indexes of the sender's and the receiver's records.
    var places: (own: Int, peer: Int) { (Int(sender.rawValue), 1 - Int(sender.rawValue)) }

    /// Whether it acknowledges a FIN with this number.
    fileprivate func acknowledges(_ finNumber: SequenceNumber, isSent: Bool) -> Bool {
        isSent && segment.flags.has(.ack) && segment.acknowledgment.isAfter(finNumber)
    }
}
