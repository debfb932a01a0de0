// What a segment means for the octets in flight: retransmitted, acknowledged, reported by SACK.

import TCPMachine
import TCPModel

extension ConnectionStatistics {
    /// Takes in the octets that the segment carries.
    mutating func noteSending(_ event: SegmentEvent, _ own: Int) -> SegmentVerdict {
        var verdict = SegmentVerdict()
        let segment = event.segment
        verdict.probesWindow = event.probesWindow(
            closedFor: directions[peer(of: own)].closedWindow.span(at: event.time))
        guard segment.sequenceLength > 0, !segment.flags.has(.rst) else { return verdict }
        let start = senders[own].sent.offset(segment.sequence)
        noteEnds(segment, own, start)
        let length = Int64(segment.sequenceLength)
        let isIntoClosed = directions[peer(of: own)].closedWindow.isClosed
        let isProbe = event.notes.contains(.windowProbe)
        if isIntoClosed {
            directions[own].windowProbePackets &+= 1
            directions[own].windowProbeBytes &+= UInt64(segment.payloadLength)
        }
        if segment.flags.has(.syn) && segment.payloadLength > 0 {
            senders[own].openingText = (start + 1, start + 1 + Int64(segment.payloadLength))
        }
        let highest = senders[own].sent.highest
        let outcome = senders[own].sent.send(
            start, length,
            Transmission(
                time: event.time, frame: event.frame, timestamp: segment.options.timestampValue,
                isIntoClosed: isIntoClosed, isProbe: isProbe))
        if outcome.isLate {
            directions[own].outOfOrderPackets &+= 1
            if outcome.repeated == 0 {
                let isLateOpening = segment.flags.has(.syn) && event.notes.contains(.fillsHole)
                let kind =
                    isLateOpening
                    ? .reorderedInCapture : senders[own].lateness(segment, end: start + length, time: event.time)
                directions[own].lateKinds[Int(kind.rawValue)] &+= 1
                verdict.late = kind
            }
        }
        countText(segment, own, outcome, isIntoClosed: isIntoClosed)
        if let run = outcome.repeats {
            noteRepetition(
                event, own, (start, start + length), run, highestBefore: highest, isIntoClosed: isIntoClosed, &verdict)
        }
        if start + length > highest || senders[own].highestTime == nil {
            senders[own].highestIdentification = segment.ipIdentification
            senders[own].highestTimestamp = segment.options.timestampValue
            senders[own].highestTime = event.time
        }
        directions[own].largestFlight = max(
            directions[own].largestFlight, UInt64(senders[own].sent.outstanding))
        return verdict
    }

    /// The length of the stream, from offsets: sequence numbers alone show it only up to 4 GiB.
    private mutating func noteEnds(_ segment: Segment, _ own: Int, _ start: Int64) {
        guard segment.flags.hasAny(.synFin) else { return }
        if segment.flags.has(.syn) { senders[own].synOffset = start }
        if segment.flags.has(.fin) { senders[own].finOffset = start + Int64(segment.sequenceLength) - 1 }
        guard let first = senders[own].synOffset, let last = senders[own].finOffset, last > first else { return }
        directions[own].streamLength = last - first - 1
    }

    /// Counts octets of new text; SYN and FIN do not count, whether new or retransmitted.
    private mutating func countText(_ segment: Segment, _ own: Int, _ outcome: SendOutcome, isIntoClosed: Bool) {
        var known = outcome.repeated
        if segment.flags.has(.syn) && directions[own].syns > 1 { known -= 1 }
        if segment.flags.has(.fin) && directions[own].fins > 1 { known -= 1 }
        let new = max(0, Int64(segment.payloadLength) - max(0, known))
        directions[own].uniqueBytes &+= UInt64(new)
        directions[own].closedWindowBytes += isIntoClosed ? new : -outcome.readmitted
    }

    /// Takes in octets that were sent before; `run` is what is known of them.
    private mutating func noteRepetition(
        _ event: SegmentEvent, _ own: Int, _ range: (start: Int64, end: Int64), _ run: SentRun, highestBefore: Int64,
        isIntoClosed: Bool, _ verdict: inout SegmentVerdict
    ) {
        let segment = event.segment
        let octets = UInt64(max(0, min(range.end, highestBefore) - max(range.start, run.start)))
        // Classic tcptrace takes everything that is sent into a closed window for a probe of it.
        if !isIntoClosed { countRepetition(own, run, octets: octets, at: event.time) }
        // The octet of a keep-alive is not text, and the SYN-ACK of a simultaneous open repeats the SYN's number.
        let isProbe = verdict.probesWindow || event.notes.contains(.keepAlive)
        if isProbe { senders[own].probe = (range.start, range.end) }
        guard !isProbe, !segment.flags.has([.syn, .ack]) || event.notes.contains(.retransmission)
        else { return }
        let kind = kind(of: event, own, range, run, highestBefore: highestBefore)
        directions[own].kinds[Int(kind.rawValue)] &+= 1
        directions[own].repeatedBytes &+= octets
        // A probe repeats the latest text, and perhaps some before that.
        let latest = kind == .tailLossProbe ? max(run.time, senders[own].highestTime ?? run.time) : run.time
        var record = RetransmissionRecord(
            frame: event.frame, previousFrame: run.frame, time: event.time,
            silence: run.isAcknowledged ? 0 : event.time.since(latest),
            kind: kind, timeouts: 0, spurious: nil, start: range.start, end: range.end,
            timestamp: segment.options.timestampValue,
            hasTimestamp: segment.options.present.contains(.timestamps),
            unreported: max(1, Int64(segment.payloadLength)))
        followRecovery(own, run, highestBefore: highestBefore, &record)
        senders[own].remember(record)
        verdict.retransmission = record
    }

    /// Counts what classic tcptrace counts.
    private mutating func countRepetition(_ own: Int, _ run: SentRun, octets: UInt64, at time: Timestamp) {
        directions[own].retransmittedPackets &+= 1
        directions[own].retransmittedBytes &+= octets
        guard !run.isAcknowledged else { return }
        directions[own].mostRetransmissions = max(directions[own].mostRetransmissions, run.transmissions)
        directions[own].retransmissionTime.add(time.since(run.time))
    }

    /// Why the octets were retransmitted, as far as can be told by now.
    private func kind(
        of event: SegmentEvent, _ own: Int, _ range: (start: Int64, end: Int64), _ run: SentRun, highestBefore: Int64
    ) -> RetransmissionKind {
        let kind = senders[own].kind(
            event.segment, start: range.start, end: range.end, repeats: run, highestBefore: highestBefore,
            time: event.time)
        // Probes need SACK (RFC 8985 4).
        let hasSACK = directions[0].offersSACK && directions[1].offersSACK
        let isTail = range.end >= highestBefore && run.transmissions == 1
        let mayBeEither =
            kind == .timeout && hasSACK && senders[own].mayProbe(run, isTail: isTail)
            // Without ACKs the timers' lengths are unknown; but nothing else retransmits the last segment that late.
            || isTail && [.tailLossProbe, .other].contains(kind) && directions[peer(of: own)].packets == 0
                && senders[own].silence(since: run, until: event.time) >= senders[own].leastTimeout
        return mayBeEither ? .timeoutOrProbe : kind
    }

    /// Updates the sender's recovery from a loss, and completes the record with what that shows.
    private mutating func followRecovery(
        _ own: Int, _ run: SentRun, highestBefore: Int64, _ record: inout RetransmissionRecord
    ) {
        switch record.kind {
        case .timeout:
            countTimeout(own, after: senders[own].silence(since: run, until: record.time), &record)
            senders[own].recoveryEnd = highestBefore
            senders[own].recoveryKind = .timeoutRecovery
        case .timeoutOrProbe:
            senders[own].firstSilence = senders[own].silence(since: run, until: record.time)
            senders[own].timeouts = 1
            senders[own].recoveryEnd = highestBefore
            senders[own].recoveryKind = .timeoutRecovery
        case .fast:
            if senders[own].recoveryKind != .timeoutRecovery
                || senders[own].sent.acknowledged >= senders[own].recoveryEnd
            {
                senders[own].recoveryEnd = highestBefore
                senders[own].recoveryKind = .fast
            }
        case .acknowledged:
            record.spurious = .acknowledgedBefore
            record.isSettled = true
            directions[own].spurious &+= 1
        case .opening:
            // Its answer was captured but did not arrive: no later answer to the first copy makes this one unnecessary.
            record.isSettled = record.end <= senders[own].sent.acknowledged
        case .timeoutRecovery, .tailLossProbe, .pathMTU, .fastOpen, .other: break
        }
    }

    /// The timer expired. The time that this took also shows whether the previous retransmission was a probe.
    private mutating func countTimeout(_ own: Int, after silence: Int64, _ record: inout RetransmissionRecord) {
        if senders[own].timeouts == 1, let decided = senders[own].decideProbe(after: silence) {
            directions[own].kinds[Int(RetransmissionKind.timeoutOrProbe.rawValue)] &-= 1
            directions[own].kinds[Int(decided.rawValue)] &+= 1
            record.followsProbe = decided == .tailLossProbe
            if record.followsProbe { senders[own].timeouts = 0 }
        } else if senders[own].records.last?.kind == .timeoutOrProbe {
            senders[own].timeouts = 0
        }
        if senders[own].timeouts < .max { senders[own].timeouts += 1 }
        record.timeouts = senders[own].timeouts
        directions[own].longestBackoff = max(directions[own].longestBackoff, senders[own].timeouts)
    }

    // MARK: ACKs

    /// Takes in what the segment says about the other side's octets.
    mutating func noteAck(_ event: SegmentEvent, _ own: Int, _ verdict: inout SegmentVerdict) {
        let segment = event.segment
        guard segment.flags.has(.ack) else { return }
        let peer = peer(of: own)
        let offset = senders[peer].sent.offset(segment.acknowledgment)
        let before = senders[peer].sent.acknowledged
        let outcome = senders[peer].sent.acknowledge(offset, time: event.time)
        noteSample(outcome, segment, peer, event.time)
        directions[peer].cumulativelyAcked &+= outcome.cumulative
        if let syn = senders[peer].syn, segment.acknowledgment == syn.advanced(by: 1), directions[peer].syns == 1 {
            directions[peer].handshakeRoundTrip = senders[peer].lastSample
        }
        if outcome.isNew {
            senders[peer].timeouts = 0
            senders[peer].duplicateRun = 0
            senders[peer].advanceTime = event.time
        }
        if event.notes.contains(.duplicateAck) {
            directions[peer].duplicateAcks &+= 1
            senders[peer].duplicateRun &+= 1
            senders[peer].hintTime = event.time
            if senders[peer].duplicateRun == 3 { directions[peer].tripleDuplicateAcks &+= 1 }
            directions[peer].longestDuplicateRun = max(
                directions[peer].longestDuplicateRun, senders[peer].duplicateRun)
        }
        let echo = segment.options.present.contains(.timestamps) ? segment.options.timestampEchoReply : nil
        noteSACK(event, own, acknowledged: offset, before: before, echo: echo, &verdict)
        while let record = senders[peer].settle(offset, before: before, echo: echo, isNamed: verdict.exposes == nil) {
            expose(record, peer, &verdict)
        }
    }

    private mutating func noteSample(_ outcome: AckOutcome, _ segment: Segment, _ peer: Int, _ time: Timestamp) {
        if outcome.isAfterLoss {
            directions[peer].ackedAfterLoss &+= 1
            senders[peer].lastSample = 0
        }
        // A capture's clock may go back; that measures nothing.
        guard let sample = outcome.sample, sample >= 0 else { return }
        if !outcome.isAmbiguous {
            directions[peer].roundTrip.add(sample)
            senders[peer].lastSample = sample
            senders[peer].smooth(sample)
            if outcome.sampledOctets == Int64(directions[peer].largestSegment) {
                directions[peer].fullSizeRoundTrip.add(sample)
            }
            return
        }
        directions[peer].ambiguousRoundTrip.add(sample)
        senders[peer].lastSample = 0
        // Karn's rule excludes samples if nothing shows which copy was acknowledged; the echo does (RFC 7323 4.1).
        guard segment.options.present.contains(.timestamps),
            let record = senders[peer].records.last(where: {
                $0.end == senders[peer].sent.acknowledged && $0.hasTimestamp
            }), record.timestamp == segment.options.timestampEchoReply, record.timestamp != outcome.timestamp
        else { return }
        let resolved = time.since(record.time)
        guard resolved >= 0 else { return }
        directions[peer].resolvedRoundTrip.add(resolved)
        senders[peer].smooth(resolved)
    }

    private mutating func noteSACK(
        _ event: SegmentEvent, _ own: Int, acknowledged: Int64, before: Int64, echo: UInt32?,
        _ verdict: inout SegmentVerdict
    ) {
        let segment = event.segment
        let options = segment.options
        guard options.present.contains(.sack), options.sackBlockCount > 0 else { return }
        let peer = peer(of: own)
        let count = Int(min(4, options.sackBlockCount))
        directions[own].sackPackets &+= 1
        directions[own].mostSACKBlocks = max(directions[own].mostSACKBlocks, UInt8(count))
        let first = options.sackBlocks[0]
        // RFC 2883 4: the first block reports a duplicate if it is below the ACK or inside the second block.
        let start = senders[peer].sent.offset(first.left)
        let end = senders[peer].sent.offset(first.right)
        let isBelow = first.right.isAtOrBefore(segment.acknowledgment)
        if isBelow && isLeftOver(start, end, own, acknowledged: acknowledged, before: before) { return }
        let isInside =
            count > 1 && first.left.isAtOrAfter(options.sackBlocks[1].left)
            && first.right.isAtOrBefore(options.sackBlocks[1].right)
        let isDuplicate = isBelow || isInside
        for index in (isDuplicate ? 1 : 0)..<count {
            let right = senders[peer].sent.offset(options.sackBlocks[index].right)
            if right > acknowledged && right <= senders[peer].sent.highest {
                senders[peer].highestSACK = max(senders[peer].highestSACK, right)
                senders[peer].hintTime = event.time
            }
        }
        guard isDuplicate else {
            senders[peer].latestBlock = (start, end)
            return
        }
        directions[own].duplicateSACKs &+= 1
        guard let (found, isNews) = senders[peer].exposeDuplicate(start, end, echo: echo) else { return }
        var record = found
        guard isNews else {
            verdict.exposes = record
            return
        }
        if senders[peer].wasEarlyProbe(record) {
            directions[peer].kinds[Int(record.kind.rawValue)] &-= 1
            record.kind = .tailLossProbe
            directions[peer].kinds[Int(record.kind.rawValue)] &+= 1
        }
        expose(record, peer, &verdict)
    }

    /// Whether a block below the ACK is a leftover. Linux answers a FIN that arrives in its own FIN-WAIT with the
    /// previous blocks once (`tcp_fin` sends the ACK, and resets them only then): it is the block of the previous
    /// ACK, which this ACK has moved past. A receiver acknowledges duplicates at once, so a D-SACK lies below what
    /// it had acknowledged before (RFC 2883 4).
    private func isLeftOver(_ start: Int64, _ end: Int64, _ own: Int, acknowledged: Int64, before: Int64) -> Bool {
        guard let block = senders[peer(of: own)].latestBlock, block == (start, end), start >= before,
            let fin = senders[peer(of: own)].finOffset, senders[own].finOffset != nil
        else { return false }
        return before <= fin && acknowledged > fin
    }

    private mutating func expose(_ record: RetransmissionRecord, _ peer: Int, _ verdict: inout SegmentVerdict) {
        directions[peer].spurious &+= 1
        if record.kind == .opening { directions[peer].spuriousOpenings &+= 1 }
        if record.kind == .fast { directions[peer].spuriousFast &+= 1 }
        if record.kind == .tailLossProbe && !senders[peer].isFollowedByTimeout(record) {
            directions[peer].harmlessProbes &+= 1
        }
        if verdict.exposes == nil { verdict.exposes = record }
    }

    // MARK: Flight

    /// Classic tcptrace's outstanding window, taken at in-order segments that repeat nothing; and its initial window:
    /// all new text before the first ACK of any text, in order or not.
    mutating func noteOutstanding(_ event: SegmentEvent, _ own: Int, _ verdict: SegmentVerdict) {
        let segment = event.segment
        defer { if segment.flags.has(.ack) { senders[own].lastAck = segment.acknowledgment } }
        guard !segment.flags.has(.rst) else { return }
        if segment.flags.has(.ack), senders[peer(of: own)].syn?.advanced(by: 1) != segment.acknowledgment {
            senders[own].hasAckedText = true
        }
        let isNew = verdict.retransmission == nil && verdict.late == nil
        if segment.payloadLength > 0 && !senders[peer(of: own)].hasAckedText && verdict.retransmission == nil {
            directions[own].initialWindowBytes &+= UInt64(segment.payloadLength)
            directions[own].initialWindowPackets &+= 1
        }
        guard !segment.flags.has(.syn), isNew else { return }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        var octets = UInt64(segment.payloadLength)
        if let ack = senders[peer(of: own)].lastAck {
            octets = UInt64(max(0, Int64(end.distance(from: ack)) + 1))
        }
        directions[own].largestOutstanding = max(directions[own].largestOutstanding, octets)
        if octets > 0 && (directions[own].smallestOutstanding == 0 || octets < directions[own].smallestOutstanding) {
            directions[own].smallestOutstanding = octets
        }
        directions[own].outstandingSum &+= octets
        directions[own].outstandingCount &+= 1
        if let (time, before) = directions[own].outstandingSample {
            directions[own].outstandingArea += Double(before) * Double(max(0, event.time.since(time))) / 1e9
        }
        directions[own].outstandingSample = (event.time, octets)
    }
}
