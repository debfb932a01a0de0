// What the statistics remember of one side to judge its next segment: what it sent, timers, and retransmissions in doubt.

import TCPModel

/// A router's word that something is too big for its link.
struct TooBig: BitwiseCopyable {
    var time: Timestamp
    /// How far what had been sent until then reached.
    var end: Int64
    /// The link's MTU; 0 if it was not said.
    var mtu: UInt32
    /// The most octets of text that the receiver takes in a segment: a frame with more is several, which a network card cuts.
    var largest: UInt32

    /// Whether the segment is not too big any more, or may not be.
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
    /// The offsets of its SYN and of its FIN.
    var synOffset: Int64?
    var finOffset: Int64?
    /// The text of its SYN.
    var openingText: (start: Int64, end: Int64)?
    /// The latest SEG.ACK it sent, and whether it acknowledged text.
    var lastAck: SequenceNumber?
    var hasAckedText = false
    var lastSample: Int64 = 0
    /// Smoothed round trip and its variation (RFC 6298 2).
    var smoothed: Int64?
    var variation: Int64 = 0
    /// Duplicate ACKs since the last new one, and the highest octet that the receiver said it has.
    var duplicateRun: UInt32 = 0
    var highestSACK: Int64 = 0
    /// The first block of the latest SACK that tells of nothing that came twice, as offsets.
    var latestBlock: (start: Int64, end: Int64)?
    /// When the receiver last acknowledged something new, and when it last said that something is missing.
    var advanceTime: Timestamp?
    var hintTime: Timestamp?
    /// Timeouts since the last new ACK, and how far what they sent again may reach.
    var timeouts: UInt8 = 0
    /// How long the first of them, which may have been a probe, came after the timer was started.
    var firstSilence: Int64?
    var recoveryEnd: Int64 = 0
    var recoveryKind: RetransmissionKind?
    /// What a router refused last.
    var tooBig: TooBig?
    /// Time of the latest retransmission.
    var repeatedTime: Timestamp?
    /// The identification and the time stamp of the highest segment.
    var highestIdentification: UInt16 = 0
    var highestTimestamp: UInt32 = 0
    var highestTime: Timestamp?
    /// The octet of the latest keep-alive or probe that had one, until its duplicate is reported.
    var probe: (start: Int64, end: Int64)?
    /// Retransmissions, oldest first.
    var records: [RetransmissionRecord] = []

    /// How long a sender waits before it takes silence for loss (RFC 6298 2.3, with Linux's least variation of 200 ms).
    var timeout: Int64 {
        guard let smoothed else { return 200 * Span.millisecond }
        return smoothed + max(4 * variation, 200 * Span.millisecond)
    }

    /// Samples count as no more than this, in nanoseconds: captures may claim centuries, and eight of them are added up.
    private static let longest = Int64.max / 8

    /// RFC 6298 2.2, 2.3.
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

    /// The kind of a segment that repeats `run`; the segment is in `sent` already, `acknowledged` was known before.
    func kind(
        _ segment: Segment, start: Int64, end: Int64, repeats run: SentRun, highestBefore: Int64, time: Timestamp
    ) -> RetransmissionKind {
        // Who repeats a SYN has not got the answer, whatever the capture has seen of it.
        if segment.flags.has(.syn) { return .opening }
        if end <= sent.acknowledged { return .acknowledged }
        // The SYN-ACK was of the SYN alone, or of a part of its text: the rest is sent at once (RFC 7413 4.2.2). If the SYN was sent again its
        // text had been lost with it, and follows.
        if let text = openingText, end <= text.end, run.transmissions == 1, sent.acknowledged >= text.start,
            start >= sent.acknowledged
        {
            return records.contains { $0.kind == .opening } ? .timeoutRecovery : .fastOpen
        }
        if let tooBig, start < tooBig.end, time.since(tooBig.time) < timeout, tooBig.admits(segment) { return .pathMTU }
        // What a recovery sends is clocked by ACKs; after a silence it is a timer again.
        let isRecovering =
            start < recoveryEnd && run.transmissions == 1
            && repeatedTime.map { time.since($0) < leastTimeout } == true
        if isRecovering && recoveryKind == .timeoutRecovery { return .timeoutRecovery }
        // So is what three duplicate ACKs or a SACK ask for: at once, or else it was lost again and the timer ran out.
        if duplicateRun >= 3 || highestSACK > start {
            let isAsked = hintTime.map { time.since($0) < leastTimeout } ?? true
            if isAsked || start > sent.acknowledged { return .fast }
        }
        if isRecovering, let recoveryKind { return recoveryKind }
        let silence = silence(since: run, until: time)
        // 2 SRTT, but never later than the retransmission timer (RFC 8985 7.2); timers have their slack.
        let isTail = end >= highestBefore && run.transmissions == 1
        let soonest = (smoothed ?? 0) + (smoothed ?? 0) / 2
        if isTail && silence >= max(soonest, Span.millisecond) && silence < timeout - timeout / 20 {
            return .tailLossProbe
        }
        if start <= sent.acknowledged && silence >= leastTimeout { return .timeout }
        return .other
    }

    /// No retransmission timer is shorter, in nanoseconds: Linux's least one, with some slack.
    var leastTimeout: Int64 { min(timeout, 200 * Span.millisecond) * 9 / 10 }

    /// How long the timers had been running: an ACK of something new starts both anew (RFC 6298 5.3, RFC 8985 7.2).
    func silence(since run: SentRun, until time: Timestamp) -> Int64 {
        time.since(max(run.time, advanceTime ?? run.time))
    }

    /// Whether what a timer sent again may be a tail loss probe: the last segment, the first time, and in no recovery
    /// (`tcp_schedule_loss_probe`).
    func mayProbe(_ run: SentRun, isTail: Bool) -> Bool {
        isTail && run.transmissions == 1 && timeouts == 0 && sent.acknowledged >= recoveryEnd
    }

    /// Decides whether the one before this was a timeout or a tail loss probe, if it may have been either: a timer doubles with each
    /// timeout (RFC 6298 5.5), while a probe does not double it. Returns what it was.
    mutating func decideProbe(after silence: Int64) -> RetransmissionKind? {
        guard let first = firstSilence, first > 0, silence > 0, let last = records.indices.last,
            records[last].kind == .timeoutOrProbe
        else { return nil }
        let isProbe = silence - first < first / 2
        records[last].kind = isProbe ? .tailLossProbe : .timeout
        records[last].timeouts = isProbe ? 0 : 1
        return records[last].kind
    }

    /// How a segment that fills a hole came to be late.
    func lateness(_ segment: Segment, end: Int64, time: Timestamp) -> LateKind {
        // Whatever order its frames are in, the capture's own clock says that it passed first.
        let isCapturedEarlier = highestTime.map { time < $0 } ?? false
        if segment.options.present.contains(.timestamps) && highestTimestamp != 0 {
            let age = Int32(bitPattern: segment.options.timestampValue &- highestTimestamp)
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
        // RFC 8985 6.2: reordering is taken to be shorter than a quarter of a round trip.
        let wait = highestTime.map { time.since($0) } ?? 0
        return wait > max((smoothed ?? 0) / 4, 3 * Span.millisecond) || duplicateRun >= 3
            ? .lostBeforeCapture : .reordered
    }

    // MARK: Evidence

    /// Takes in that the octets `start ..< end` came twice: because of the latest retransmission of them, which is returned if that
    /// is news. Each D-SACK tells of one segment that came (RFC 2883 4): one that was known to be needless takes its own, and so
    /// does a keep-alive's octet; what a card cut into pieces was needless if all of them are reported. A SYN is never reported.
    mutating func exposeDuplicate(_ start: Int64, _ end: Int64) -> RetransmissionRecord? {
        if let probe, probe.start == start, probe.end == end {
            self.probe = nil
            return nil
        }
        for index in records.indices.reversed()
        where records[index].kind != .opening && records[index].start < end && start < records[index].end {
            guard records[index].unreported > 0 else { continue }
            records[index].unreported -= min(records[index].end, end) - max(records[index].start, start)
            guard records[index].unreported <= 0, records[index].spurious == nil else { return nil }
            records[index].spurious = .duplicateSACK
            return records[index]
        }
        return nil
    }

    /// RFC 3522 3.2, steps 3 and 4: the first ACK that covers a retransmission, but echoes a time stamp from before it.
    /// Step 5 asks whether all ACKs of the first copy were lost; the retransmission was not needed in that case either. A delayed ACK
    /// echoes the first segment that it is for (RFC 7323 4.3): it tells of the retransmission only if that was the oldest, `before`
    /// which all had been acknowledged.
    mutating func settle(_ acknowledged: Int64, before: Int64, echo: UInt32?) -> RetransmissionRecord? {
        var exposed: RetransmissionRecord?
        for index in records.indices where !records[index].isSettled && records[index].end <= acknowledged {
            records[index].isSettled = true
            guard let echo, records[index].hasTimestamp, records[index].spurious == nil, records[index].start <= before
            else { continue }
            if Int32(bitPattern: echo &- records[index].timestamp) < 0 {
                records[index].spurious = .timestampEcho
                exposed = records[index]
            }
        }
        return exposed
    }
}
