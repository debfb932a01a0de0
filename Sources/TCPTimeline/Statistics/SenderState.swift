// What the statistics remember about one side to judge its next segment: what it sent, timers,
// and unsettled retransmissions.

import TCPModel

/// A router's report that a segment is too big for its link.
struct TooBig: BitwiseCopyable {
    var time: Timestamp
    /// The end of what had been sent by then.
    var end: Int64
    /// The link's MTU; 0 if it was not reported.
    var mtu: UInt32
    /// The most octets of text that the receiver accepts in a segment: a frame with more stands for several,
    /// which the network card cuts.
    var largest: UInt32

    /// Whether the segment is no longer too big, or may not be.
    func admits(_ segment: Segment) -> Bool {
        mtu == 0 || segment.ipLength <= mtu || largest != 0 && segment.payloadLength > largest
    }
}

/// The state behind one side's statistics.
struct SenderState {
    /// How many retransmissions are remembered for later evidence.
    static let mostRecords = 64

    var sent = SentOctets()
    var syn: SequenceNumber?
    /// The offsets of its SYN and its FIN.
    var synOffset: Int64?
    var finOffset: Int64?
    /// The range of offsets of the text in its SYN.
    var openingText: (start: Int64, end: Int64)?
    /// The latest SEG.ACK that it sent, and whether it has acknowledged any text.
    var lastAck: SequenceNumber?
    var hasAckedText = false
    var lastSample: Int64 = 0
    /// Smoothed round trip and its variation (RFC 6298 2).
    var smoothed: Int64?
    var variation: Int64 = 0
    /// Duplicate ACKs since the last new one, and the highest octet that the receiver reported to have.
    var duplicateRun: UInt32 = 0
    var highestSACK: Int64 = 0
    /// The first block of the latest SACK that reports no duplicate, as offsets.
    var latestBlock: (start: Int64, end: Int64)?
    /// When the receiver last acknowledged something new, and when it last reported something missing.
    var advanceTime: Timestamp?
    var hintTime: Timestamp?
    /// Timeouts since the last new ACK, and how far the retransmissions after them may reach.
    var timeouts: UInt8 = 0
    /// How long after the timer was started the first of them came, which may have been a probe.
    var firstSilence: Int64?
    var recoveryEnd: Int64 = 0
    var recoveryKind: RetransmissionKind?
    /// The latest report of a segment that was too big.
    var tooBig: TooBig?
    /// Time of the latest retransmission.
    var repeatedTime: Timestamp?
    /// The identification, timestamp and time of the highest segment.
    var highestIdentification: UInt16 = 0
    var highestTimestamp: UInt32 = 0
    var highestTime: Timestamp?
    /// The octet of the latest keep-alive or probe that had one, until a D-SACK reports it.
    var probe: (start: Int64, end: Int64)?
    /// Retransmissions, oldest first.
    var records: [RetransmissionRecord] = []

    /// How long a sender waits before it takes silence for loss, in nanoseconds (RFC 6298 2.3,
    /// with Linux's minimum variation of 200 ms).
    var timeout: Int64 {
        guard let smoothed else { return 200 * Span.millisecond }
        return smoothed + max(4 * variation, 200 * Span.millisecond)
    }

    /// The longest sample that is used, in nanoseconds: captures may claim centuries, and eight samples are added up.
    private static let longest = Int64.max / 8

    /// Smooths the round trip (RFC 6298 2.2, 2.3).
    mutating func smooth(_ sample: Int64) {
        let sample = min(sample, Self.longest)
        guard let old = smoothed else {
            smoothed = sample
            variation = sample / 2
            return
        }
        variation = (3 * variation + abs(old - sample)) / 4
        smoothed = (7 * old + sample) / 8
    }

    mutating func remember(_ record: RetransmissionRecord) {
        repeatedTime = record.time
        if records.count == Self.mostRecords { records.removeFirst() }
        records.append(record)
    }

    // MARK: The kind

    /// The kind of a segment that repeats `run`. The segment is in `sent` already, but does not affect `acknowledged`.
    func kind(
        _ segment: Segment, start: Int64, end: Int64, repeats run: SentRun, highestBefore: Int64, time: Timestamp
    ) -> RetransmissionKind {
        // An endpoint that retransmits a SYN has not received the answer, whatever the capture has seen of it.
        if segment.flags.has(.syn) { return .opening }
        if end <= sent.acknowledged { return .acknowledged }
        // The SYN-ACK covered only the SYN, or part of its text: the rest is sent at once (RFC 7413 4.2.2). If the SYN
        // was retransmitted, its text had been lost with it, and follows.
        if let text = openingText, end <= text.end, run.transmissions == 1, sent.acknowledged >= text.start,
            start >= sent.acknowledged
        {
            return records.contains { $0.kind == .opening } ? .timeoutRecovery : .fastOpen
        }
        // A larger frame that goes on where smaller segments ended is cut by the network card as they were.
        let goesOn = run.transmissions == 1 && records.last.map { $0.kind == .pathMTU && $0.end == start } == true
        if let tooBig, start < tooBig.end, time.since(tooBig.time) < timeout, goesOn || tooBig.admits(segment) {
            return .pathMTU
        }
        // A recovery's retransmissions are clocked by ACKs; after a silence it is a timer again.
        let isRecovering =
            start < recoveryEnd && run.transmissions == 1
            && repeatedTime.map { time.since($0) < leastTimeout } == true
        if isRecovering && recoveryKind == .timeoutRecovery { return .timeoutRecovery }
        // Three duplicate ACKs or a SACK ask for a retransmission at once; if it comes later,
        // it was lost again and the timer expired.
        if duplicateRun >= 3 || highestSACK > start {
            let isAsked = hintTime.map { time.since($0) < leastTimeout } ?? true
            if isAsked || start > sent.acknowledged { return .fast }
        }
        if isRecovering, let recoveryKind { return recoveryKind }
        let silence = silence(since: run, until: time)
        // 2 SRTT, but never later than the retransmission timer (RFC 8985 7.2); timers have some slack.
        let isTail = end >= highestBefore && run.transmissions == 1
        let soonest = (smoothed ?? 0) + (smoothed ?? 0) / 2
        if isTail && silence >= max(soonest, Span.millisecond) && silence < timeout - timeout / 20 {
            return .tailLossProbe
        }
        if start <= sent.acknowledged && silence >= leastTimeout { return .timeout }
        return .other
    }

    /// No retransmission timer is shorter, in nanoseconds: Linux's minimum, with some slack.
    var leastTimeout: Int64 { min(timeout, 200 * Span.millisecond) * 9 / 10 }

    /// How long the timers had been running: an ACK of something new restarts both (RFC 6298 5.3, RFC 8985 7.2).
    func silence(since run: SentRun, until time: Timestamp) -> Int64 {
        time.since(max(run.time, advanceTime ?? run.time))
    }

    /// Whether a timer's retransmission may be a tail loss probe: of the last segment, for the first time, and outside
    /// any recovery (`tcp_schedule_loss_probe`).
    func mayProbe(_ run: SentRun, isTail: Bool) -> Bool {
        isTail && run.transmissions == 1 && timeouts == 0 && sent.acknowledged >= recoveryEnd
    }

    /// Decides whether the previous retransmission, if it may have been either, was a timeout or a tail loss probe: a
    /// timeout doubles the timer (RFC 6298 5.5), a probe does not. Returns which it was; nil if the timer was restarted
    /// meanwhile, as by a repeated SYN-ACK, so that its time shows nothing.
    mutating func decideProbe(after silence: Int64) -> RetransmissionKind? {
        guard let first = firstSilence, first > 0, silence > 0, silence < first * 4, let last = records.indices.last,
            records[last].kind == .timeoutOrProbe
        else { return nil }
        let isProbe = silence - first < first / 2
        records[last].kind = isProbe ? .tailLossProbe : .timeout
        records[last].timeouts = isProbe ? 0 : 1
        return records[last].kind
    }

    /// Whether a retransmission that a D-SACK exposed was a tail loss probe that came sooner than the round trips in the
    /// capture allow: without the opening, they are few, and delayed ACKs make them long; the sender knows more of them.
    /// With SACK, which the D-SACK shows, nothing else sends the last segment again before the timer expires.
    func wasEarlyProbe(_ record: RetransmissionRecord) -> Bool {
        record.kind == .other && syn == nil && record.end == sent.highest && record.silence >= Span.millisecond
            && records.count { $0.end == record.end } == 1
    }

    /// How a segment that fills a hole came to be late.
    func lateness(_ segment: Segment, end: Int64, time: Timestamp) -> LateKind {
        // Whatever the order of frames is, the capture's own clock says that this segment passed first.
        let isCapturedEarlier = highestTime.map { time < $0 } ?? false
        if segment.options.present.contains(.timestamps) && highestTimestamp != 0 {
            let age = segment.options.timestampValue.circularDistance(from: highestTimestamp)
            if age > 0 { return .lostBeforeCapture }
            if isCapturedEarlier { return .reorderedInCapture }
            if age < 0 { return end <= sent.acknowledged ? .reorderedInCapture : .reordered }
        }
        if segment.ipIdentification != 0 && highestIdentification != 0 {
            let step = Int16(bitPattern: segment.ipIdentification &- highestIdentification)
            if step > 0 { return .lostBeforeCapture }
            if isCapturedEarlier { return .reorderedInCapture }
            return end <= sent.acknowledged ? .reorderedInCapture : .reordered
        }
        if isCapturedEarlier || end <= sent.acknowledged { return .reorderedInCapture }
        // RFC 8985 6.2: reordering is assumed to be shorter than a quarter of a round trip.
        let wait = highestTime.map { time.since($0) } ?? 0
        return wait > max((smoothed ?? 0) / 4, 3 * Span.millisecond) || duplicateRun >= 3
            ? .lostBeforeCapture : .reordered
    }

    // MARK: Evidence

    /// Whether a probe was followed by timeouts: it did not merely outrun a delayed ACK.
    func isFollowedByTimeout(_ probe: RetransmissionRecord) -> Bool {
        records.contains { $0.frame > probe.frame && $0.timeouts > 0 && $0.start <= probe.start }
    }

    /// The octets `start ..< end` arrived twice, because of their latest retransmission; of several that are known to be
    /// unnecessary, the one whose timestamp the ACK echoes. (By RFC 7323 4.3 it need not echo that of a duplicate, so
    /// the echo alone proves nothing.) It is returned unless a segment's verdict has named it before; `isNews`: nothing
    /// else had shown that it was unnecessary. Each D-SACK reports one segment that arrived (RFC 2883 4): if that retransmission was
    /// known to be unnecessary already, the D-SACK is its own, and likewise for a keep-alive's octet. A frame that a card
    /// cut into pieces was unnecessary if all of them are reported. A SYN is never reported.
    mutating func exposeDuplicate(
        _ start: Int64, _ end: Int64, echo: UInt32?
    ) -> (record: RetransmissionRecord, isNews: Bool)? {
        if let probe, probe.start == start, probe.end == end {
            self.probe = nil
            return nil
        }
        var found: Int?
        for index in records.indices.reversed()
        where records[index].kind != .opening && records[index].start < end && start < records[index].end
            && records[index].unreported > 0
        {
            let isEchoed = records[index].spurious == .timestampEcho && records[index].timestamp == echo
            if found == nil || isEchoed { found = index }
            if isEchoed { break }
        }
        guard let index = found else { return nil }
        records[index].unreported -= min(records[index].end, end) - max(records[index].start, start)
        guard records[index].unreported <= 0, !records[index].isNamed,
            records[index].spurious != .acknowledgedBefore
        else { return nil }
        let isNews = records[index].spurious == nil
        records[index].isNamed = true
        records[index].spurious = .duplicateSACK
        return (records[index], isNews)
    }

    /// RFC 3522 3.2, steps 3 and 4: the first ACK that covers a retransmission, but echoes an earlier timestamp. Step 5
    /// checks whether all ACKs of the first copy were lost; the retransmission was unnecessary in that case, too. A
    /// delayed ACK echoes the first segment that it acknowledges (RFC 7323 4.3): it says something about the
    /// retransmission only if that was the oldest one, with everything before it (`before`) acknowledged. The same octets
    /// may have been retransmitted several times: the latest comes first, and further calls return the others.
    mutating func settle(
        _ acknowledged: Int64, before: Int64, echo: UInt32?, isNamed: Bool
    ) -> RetransmissionRecord? {
        for index in records.indices.reversed()
        where !records[index].isSettled && records[index].end <= acknowledged {
            records[index].isSettled = true
            guard let echo, records[index].hasTimestamp, records[index].spurious == nil, records[index].start <= before
            else { continue }
            if echo.circularDistance(from: records[index].timestamp) < 0 {
                records[index].spurious = .timestampEcho
                records[index].isNamed = isNamed
                return records[index]
            }
        }
        return nil
    }
}
