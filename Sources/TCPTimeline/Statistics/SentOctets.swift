// What one side has sent, by sequence space: which octets how often, and which of them the other side has acknowledged.

import TCPModel

/// A run of octets that were sent in one piece and have had the same fate since, or that were
/// acknowledged and merged. A frame may be a run that is retransmitted, or acknowledged, piece by piece:
/// it was cut only beyond the capture point (segmentation offload).
struct SentRun: BitwiseCopyable {
    /// Offsets from the first number; SYN and FIN count one each.
    var start: Int64
    var end: Int64
    /// The latest transmission.
    var time: Timestamp
    /// Its frame, which carried the last `carried` octets: for merged runs,
    /// which frame carried the others is no longer known.
    var frame: UInt64
    var carried: UInt32
    /// The timestamp of the first transmission.
    var timestamp: UInt32
    var transmissions: UInt32 = 1
    /// Whether an ACK has covered it.
    var isAcknowledged = false
    /// Whether it was only sent into a closed window, and whether that was to probe it.
    /// Irrelevant once it is acknowledged.
    var isIntoClosed = false
    var isProbe = false

    init(_ start: Int64, _ end: Int64, _ transmission: Transmission) {
        self.start = start
        self.end = end
        time = transmission.time
        frame = transmission.frame
        timestamp = transmission.timestamp
        isIntoClosed = transmission.isIntoClosed
        isProbe = transmission.isProbe
        carried = UInt32(clamping: end - start)
    }

    /// An ACK covers it: it was accepted, whatever window it was sent into.
    mutating func acknowledge() {
        isAcknowledged = true
        isIntoClosed = false
        isProbe = false
    }

    /// Cuts off everything from `offset` on, which is returned.
    mutating func cut(at offset: Int64) -> SentRun {
        var rest = self
        rest.start = offset
        rest.carried = UInt32(clamping: min(Int64(carried), end - offset))
        carried = UInt32(clamping: max(0, Int64(carried) - (end - offset)))
        end = offset
        return rest
    }

    /// Merges the run behind it; both are acknowledged.
    mutating func join(_ next: SentRun) {
        carried = UInt32(clamping: frame == next.frame ? Int64(carried) + Int64(next.carried) : Int64(next.carried))
        frame = next.frame
        end = next.end
    }

    /// This run as the one that is repeated, up to `stop`: without the frame, if that carried none of it.
    func repeated(upTo stop: Int64) -> SentRun {
        var run = self
        if stop <= end - Int64(carried) { run.frame = 0 }
        return run
    }
}

/// When and how octets were sent.
struct Transmission: BitwiseCopyable {
    var time: Timestamp
    var frame: UInt64
    var timestamp: UInt32
    /// Whether the receiver's last window was 0; and whether this is one octet, to probe that (RFC 9293 3.8.6.1).
    var isIntoClosed = false
    var isProbe = false
}

/// What sending some octets meant.
struct SendOutcome: BitwiseCopyable {
    /// How many of its octets were sent before.
    var repeated: Int64 = 0
    /// How many of those were only sent into a closed window before, and now into an open one.
    var readmitted: Int64 = 0
    /// Whether some octets came after octets beyond them, and had not been seen before.
    var isLate = false
    /// The first run that it repeats, as it was before; frame 0 if that is no longer known. The octet of a probe that
    /// was not accepted is not lost: text that begins with it repeats nothing.
    var repeats: SentRun?
}

/// What an ACK meant.
struct AckOutcome: BitwiseCopyable {
    /// Nanoseconds since the transmission of the run that it ends with, if that is a sample.
    var sample: Int64?
    /// Whether that run was sent more than once: the time counts from its latest transmission.
    var isAmbiguous = false
    /// Whether there is no sample because older octets were retransmitted after that run (the ACK waited for those).
    var isAfterLoss = false
    /// The timestamp of that run's first transmission.
    var timestamp: UInt32 = 0
    /// Octets of the sampled run.
    var sampledOctets: Int64 = 0
    /// Runs that it covers without ending with them.
    var cumulative: UInt64 = 0
    /// Whether it acknowledges something new.
    var isNew = false
}

/// The runs of one side, in order. Everything acknowledged without a hole is one run,
/// so the list is as long as the flight, and at most `most`.
struct SentOctets {
    /// Beyond this many runs the oldest is forgotten: octets before it count as sent and acknowledged.
    static let most = 4096
    /// The most holes that stay open among acknowledged octets: they were never captured,
    /// and every ACK would examine all of them.
    static let mostAcknowledged = 256

    private(set) var runs: [SentRun] = []
    private var base: SequenceNumber?
    /// The end of the highest octet sent.
    private(set) var highest: Int64 = 0
    /// The highest ACK.
    private(set) var acknowledged: Int64 = 0

    /// Whether anything is known of this side's numbers.
    var isKnown: Bool { base != nil }

    /// Octets sent and not acknowledged.
    var outstanding: Int64 { max(0, highest - acknowledged) }

    /// The offset of a number: the one nearest to the highest octet that was sent or acknowledged, as a capture may
    /// lack more text than sequence numbers can distinguish. The first number passed in is 0.
    mutating func offset(_ number: SequenceNumber) -> Int64 {
        guard let base else {
            self.base = number
            return 0
        }
        let known = max(highest, acknowledged)
        let top = base.advanced(by: UInt32(truncatingIfNeeded: known))
        return known + Int64(number.distance(from: top))
    }

    /// Takes in a transmission of `length` octets, more than 0.
    mutating func send(_ start: Int64, _ length: Int64, _ transmission: Transmission) -> SendOutcome {
        var outcome = SendOutcome()
        let end = start + length
        highest = max(highest, end)
        if runs.last.map({ $0.end <= start }) ?? true {
            runs.append(SentRun(start, end, transmission))
            trim()
            return outcome
        }
        var at = firstRun(endingAfter: start)
        var from = start
        while from < end {
            guard at < runs.count else {
                runs.append(SentRun(from, end, transmission))
                break
            }
            if from < runs[at].start {
                // It comes before octets that were already seen.
                outcome.isLate = true
                let stop = min(end, runs[at].start)
                runs.insert(SentRun(from, stop, transmission), at: at)
                from = stop
                at += 1
                continue
            }
            let stop = min(end, runs[at].end)
            repeatRun(&at, from, stop, transmission, &outcome)
            from = stop
            at += 1
        }
        trim()
        return outcome
    }

    /// Takes in that a run is retransmitted from `from` up to `stop`; `at` becomes the place of that part.
    private mutating func repeatRun(
        _ at: inout Int, _ from: Int64, _ stop: Int64, _ transmission: Transmission, _ outcome: inout SendOutcome
    ) {
        outcome.repeated += stop - from
        let before = runs[at].repeated(upTo: stop)
        if before.isIntoClosed && !transmission.isIntoClosed { outcome.readmitted += stop - from }
        let isRefusedProbe = before.isProbe && !transmission.isProbe
        if outcome.repeats == nil {
            if !isRefusedProbe { outcome.repeats = before }
        } else if outcome.repeats?.frame == 0 {
            outcome.repeats?.frame = before.frame
        }
        // Only the repeated part has been sent once more. An acknowledged run stays in one piece:
        // no ACK is awaited for it.
        if !before.isAcknowledged {
            if from > runs[at].start {
                runs.insert(runs[at].cut(at: from), at: at + 1)
                at += 1
            }
            if stop < runs[at].end { runs.insert(runs[at].cut(at: stop), at: at + 1) }
        }
        runs[at].transmissions = isRefusedProbe ? 1 : runs[at].transmissions &+ 1
        runs[at].time = transmission.time
        if !transmission.isIntoClosed { runs[at].isIntoClosed = false }
        if !transmission.isProbe { runs[at].isProbe = false }
        if stop == runs[at].end {
            runs[at].frame = transmission.frame
            runs[at].carried = UInt32(clamping: stop - from)
        } else {
            runs[at].carried = UInt32(clamping: min(Int64(runs[at].carried), runs[at].end - stop))
        }
    }

    /// Takes in an ACK of everything below `offset`.
    mutating func acknowledge(_ offset: Int64, time: Timestamp) -> AckOutcome {
        var outcome = AckOutcome()
        acknowledged = max(acknowledged, offset)
        var latest = Timestamp(nanoseconds: .min)
        var at = 0
        while at < runs.count, runs[at].start < offset {
            latest = max(latest, runs[at].time)
            if !runs[at].isAcknowledged {
                outcome.isNew = true
                if runs[at].end >= offset {
                    outcome.isAfterLoss = latest > runs[at].time
                    outcome.isAmbiguous = runs[at].transmissions > 1
                    outcome.timestamp = runs[at].timestamp
                    outcome.sampledOctets = offset - runs[at].start
                    if !outcome.isAfterLoss { outcome.sample = time.since(runs[at].time) }
                } else {
                    outcome.cumulative &+= 1
                }
                guard runs[at].end <= offset else {
                    acknowledge(firstOf: at, upTo: offset)
                    break
                }
            }
            runs[at].acknowledge()
            at += 1
        }
        if outcome.isNew {
            collapse()
            let acknowledgedRuns = firstRun(endingAfter: offset)
            if acknowledgedRuns > Self.mostAcknowledged { forget(acknowledgedRuns - Self.mostAcknowledged) }
        }
        return outcome
    }

    /// Takes in that the beginning of a run is acknowledged, while the rest is still in flight. If there is no hole
    /// before it, the acknowledged run there absorbs it: then no run has to be moved.
    private mutating func acknowledge(firstOf at: Int, upTo offset: Int64) {
        var first = runs[at]
        runs[at] = first.cut(at: offset)
        first.acknowledge()
        if at > 0, runs[at - 1].end == first.start {
            runs[at - 1].join(first)
        } else {
            runs.insert(first, at: at)
        }
    }

    /// Merges everything acknowledged without a hole, from the beginning on.
    private mutating func collapse() {
        var last = 0
        while last + 1 < runs.count, runs[last + 1].isAcknowledged, runs[last].isAcknowledged,
            runs[last].end == runs[last + 1].start
        {
            last += 1
        }
        guard last > 0 else { return }
        for index in 1...last { runs[0].join(runs[index]) }
        runs.removeSubrange(1...last)
    }

    private mutating func trim() {
        if runs.count > Self.most { forget(runs.count - Self.most) }
    }

    /// Octets of the first runs, and all before them, count as sent and acknowledged.
    private mutating func forget(_ count: Int) {
        runs[count].start = runs[0].start
        runs[count].acknowledge()
        runs.removeFirst(count)
    }

    private func firstRun(endingAfter offset: Int64) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
