// The statistics of one connection: both directions, and the time that each endpoint spent in each state.

import TCPMachine
public import TCPModel

/// Statistics of one connection, fed with its segments in capture order.
public struct ConnectionStatistics: Sendable {
    /// The connection's number; 0 for none.
    public let number: UInt64
    /// What each side sent: the originator's at 0, the responder's at 1.
    public internal(set) var directions: [DirectionStatistics]
    var senders: [SenderState]
    /// Nanoseconds in each state, by side and `TCPState.rawValue`.
    private var residence: InlineArray<2, InlineArray<16, Int64>> = .init(repeating: .init(repeating: 0))
    private var residents: InlineArray<2, (state: TCPState, since: Timestamp)?> = .init(repeating: nil)
    /// The latest segments beyond their receiver's window, as long as they may be genuine. Kept apart,
    /// as hardly any connection has one.
    private var outside: [SegmentEvent] = []
    private static let mostOutside = 8
    /// Whether one socket is connected to itself: then the originator's segments are for the originator.
    private var isSelfConnect = false

    init(number: UInt64) {
        self.number = number
        directions = [DirectionStatistics(), DirectionStatistics()]
        senders = [SenderState(), SenderState()]
    }

    /// The statistics of no connection: nothing is kept.
    static let none = ConnectionStatistics()

    private init() {
        number = 0
        directions = []
        senders = []
    }

    /// What a side sent; read in place.
    @inlinable public subscript(side: Side) -> DirectionStatistics { directions[Int(side.rawValue)] }

    /// Whether anything from a side was captured: its ACKs show what became of the other side's segments.
    public func hears(_ side: Side) -> Bool { self[side].packets > 0 || isSelfConnect }

    /// The index of the side that receives what the side at `own` sends.
    func peer(of own: Int) -> Int { isSelfConnect ? own : 1 - own }

    /// Whether the round trips of one side's segments mean anything. If the capture has only SYNs, FINs
    /// and RSTs, it lacks the first ACKs, and later ones say only that the segments had arrived by then.
    /// The answer to a SYN comes at once.
    public func measuresRoundTrips(of side: Side) -> Bool {
        hasPlain || side == .originator && directions.allSatisfy { $0.fins == 0 }
    }

    /// Whether the ACKs of the other side that show which of this side's segments were lost were captured.
    public func showsLosses(of side: Side) -> Bool { hears(side.other) && hasPlain }

    /// Whether anything but SYNs, FINs and RSTs was captured.
    private var hasPlain: Bool { directions.contains { $0.packets > $0.syns + $0.fins + $0.resets } }

    /// How long an endpoint was in a state up to `now`, in nanoseconds, by its transitions, inferred ones included.
    public func time(of side: Side, in state: TCPState, at now: Timestamp) -> Int64 {
        let own = Int(side.rawValue)
        let span = residence[own][Int(state.rawValue) & 15]
        guard let (current, since) = residents[own], current == state else { return span }
        return Span.sum(span, max(0, now.since(since)))
    }

    // MARK: One segment

    mutating func take(_ event: SegmentEvent) -> SegmentVerdict {
        isSelfConnect = event.segment.tuple.source == event.segment.tuple.destination
        noteStates(event)
        if event.notes.contains(.duplicateFrame) { return SegmentVerdict() }
        let own = Int(event.sender.rawValue)
        noteSegment(event, own)
        if !outside.isEmpty { takeOutside(before: event) }
        if event.isOutside { noteOutside(event, own) }
        // A segment that its receiver drops, or never gets as a whole, says nothing about the octets in flight.
        if event.isDropped {
            guard event.isSentInVain else { return SegmentVerdict() }
            if event.anomalies.contains(.oldTimestamp), isAhead(event.segment, own) {
                hold(event)
                return SegmentVerdict()
            }
            return noteSending(event, own)
        }
        if event.notes.contains(.incomplete) { return SegmentVerdict() }
        directions[own].note(event.segment.options)
        directions[peer(of: own)].closedWindow.takePeers(event)
        // What acknowledges its sender's own octets does not wait for what it brings.
        var acknowledging = SegmentVerdict()
        if isSelfConnect { noteAck(event, own, &acknowledging) }
        var verdict = noteSending(event, own)
        if isSelfConnect { verdict.exposes = acknowledging.exposes } else { noteAck(event, own, &verdict) }
        noteOutstanding(event, own, verdict)
        guard !event.segment.flags.has(.rst) else { return verdict }
        noteWindow(event, own)
        return verdict
    }

    /// A segment beyond its receiver's window: its text is counted separately.
    private mutating func noteOutside(_ event: SegmentEvent, _ own: Int) {
        directions[own].beyondWindowBytes &+= UInt64(event.segment.payloadLength)
        hold(event)
    }

    /// Whether a segment has octets that its sender has not sent yet.
    private mutating func isAhead(_ segment: Segment, _ own: Int) -> Bool {
        senders[own].sent.isKnown && senders[own].sent.offset(segment.sequenceEnd) > senders[own].sent.highest
    }

    /// Keeps a segment that its receiver drops, and that may not belong to this connection: it lies beyond the window, or
    /// is new and has an old timestamp (PAWS).
    private mutating func hold(_ event: SegmentEvent) {
        if outside.count >= Self.mostOutside { outside.removeFirst() }
        outside.append(event)
    }

    /// Segments that were held are genuine after all if their sender continues from there, or if this one acknowledges
    /// them: see `DiscardedSegments`.
    private mutating func takeOutside(before event: SegmentEvent) {
        guard !event.notes.contains(.foreign), event.segment.flags.has(.ack) else { return }
        var taken = outside.filter { $0.isReal(by: event) }
        if let last = taken.last, last.sender == event.sender, last.segment.sequenceEnd != event.segment.sequence,
            !last.comesAgain(in: event)
        {
            taken = []
        }
        guard !taken.isEmpty else { return }
        outside.removeAll { held in taken.contains { $0.frame == held.frame } }
        for held in taken {
            let own = Int(held.sender.rawValue)
            // Otherwise the stream has got there by itself.
            guard senders[own].sent.offset(held.segment.sequence) >= senders[own].sent.highest else { continue }
            if held.isOutside { directions[own].beyondWindowBytes &-= UInt64(held.segment.payloadLength) }
            _ = noteSending(held, own)
        }
    }

    /// A router reported that a segment of this side was too big for the path.
    mutating func noteTooBig(_ side: Side, _ mtu: UInt32, _ time: Timestamp) {
        let own = Int(side.rawValue)
        senders[own].tooBig = TooBig(
            time: time, end: senders[own].sent.highest, mtu: mtu,
            largest: UInt32(directions[peer(of: own)].maximumSegmentSize ?? 0))
    }

    private mutating func noteStates(_ event: SegmentEvent) {
        guard event.hasTransitions else { return }
        func enter(_ reaction: Reaction, _ side: Side) {
            for index in 0..<reaction.count {
                let own = Int(side.rawValue)
                if let (state, since) = residents[own] {
                    let place = Int(state.rawValue) & 15
                    residence[own][place] = Span.sum(residence[own][place], max(0, event.time.since(since)))
                }
                residents[own] = (reaction[index].to, event.time)
            }
        }
        enter(event.sent, event.sender)
        enter(event.arrived, isSelfConnect ? event.sender : event.sender.other)
    }

    private mutating func noteSegment(_ event: SegmentEvent, _ own: Int) {
        let segment = event.segment
        let flags = segment.flags
        directions[own].count(event)
        let closed = directions[peer(of: own)].closedWindow.span(at: event.time)
        if event.probesWindow(closedFor: closed) { directions[own].windowProbes &+= 1 }
        // A dropped SYN, such as one inside an open connection, comes from another sender:
        // its numbers do not belong to this stream.
        if flags.has(.syn) && !event.isDropped {
            senders[own].syn = segment.sequence
            // Until the other side acknowledges something, this side's outstanding octets count from here.
            senders[peer(of: own)].lastAck = senders[peer(of: own)].lastAck ?? segment.sequence
        }
    }

    /// The window in octets: scaled if both sides offered it, and never on a SYN (RFC 7323 2.2).
    private func window(_ segment: Segment, _ own: Int) -> UInt64 {
        guard !segment.flags.has(.syn), directions[peer(of: own)].windowScale != nil,
            let scale = directions[own].windowScale
        else { return UInt64(segment.window) }
        return UInt64(segment.window) << UInt64(min(scale, TCPOptions.largestWindowScale))
    }

    private mutating func noteWindow(_ event: SegmentEvent, _ own: Int) {
        let segment = event.segment
        directions[own].closedWindow.takeOwn(event)
        guard segment.flags.hasAny([.ack, .syn]) else { return }
        let window = window(segment, own)
        let isScaled = directions[own].windowScale != nil && directions[peer(of: own)].windowScale != nil
        directions[own].note(window: window, isScaled: isScaled, event)
    }
}

extension SegmentEvent {
    /// Whether it lies beyond its receiver's window, and moves nothing.
    fileprivate var isOutside: Bool { notes.contains(.foreign) && anomalies.contains(.beyondWindow) }

    /// Whether `next` is the same text with an old timestamp again: its sender's clock is like that, and the segment is
    /// not from another time.
    fileprivate func comesAgain(in next: SegmentEvent) -> Bool {
        !isOutside && sender == next.sender && next.anomalies.contains(.oldTimestamp)
            && segment.sequence == next.segment.sequence && segment.sequenceEnd == next.segment.sequenceEnd
    }

    /// Whether `next` shows that this held segment is genuine.
    fileprivate func isReal(by next: SegmentEvent) -> Bool {
        if comesAgain(in: next) { return true }
        return (isOutside || !next.isDropped) && isReal(by: next.segment, of: next.sender)
    }

    /// Whether `next`, from `sender`, shows that this segment beyond the window is genuine: it continues behind it, or
    /// acknowledges it. A FIN has exactly one ACK, and nothing behind it.
    fileprivate func isReal(by next: Segment, of sender: Side) -> Bool {
        let isFin = segment.flags.has(.fin)
        if sender != self.sender {
            return next.acknowledgment == segment.sequenceEnd
                || !isFin && next.acknowledgment.isAfter(segment.sequence)
        }
        return next.sequenceLength > 0 && !isFin && segment.sequenceEnd.isAtOrBefore(next.sequence)
    }
}
