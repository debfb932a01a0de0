// How long a side kept its receive window closed (RFC 9293 3.8.6.1): the one account of it,
// for both statistics and findings.

public import TCPModel

/// A side's receive window, as far as it was 0.
///
/// It closes with an ACK that advertises 0, whatever other flags the segment has: each acceptable
/// ACK updates SND.WND (RFC 9293 3.10.7.4), and that of a FIN or a SYN-ACK closes it like any other.
/// But once the side has the peer's FIN, its window delays nothing. It opens with any other window,
/// or with a segment which shows that the capture lacks the ACK that opened it.
public struct ClosedWindow: BitwiseCopyable, Sendable {
    /// A period for which it was closed while the peer probed it.
    public struct Stall: BitwiseCopyable, Sendable {
        /// Its duration, in nanoseconds.
        public internal(set) var lasted: Int64 = 0
        /// The frame that closed it.
        public internal(set) var frame: UInt64 = 0
        /// How often the peer asked for room.
        public internal(set) var probes: UInt32 = 0
    }

    /// All periods together for which it was closed while the peer probed it.
    public struct Stalls: BitwiseCopyable, Sendable {
        /// Their total duration, in nanoseconds.
        public internal(set) var lasted: Int64 = 0
        /// The time from when the window first closed to the end of the last one, in nanoseconds.
        public internal(set) var within: Int64 = 0
        /// How many there were.
        public internal(set) var count: UInt32 = 0
        /// How often the peer asked for room.
        public internal(set) var probes: UInt32 = 0
    }

    /// How often it closed.
    public private(set) var episodes: UInt64 = 0
    /// When it closed first.
    public private(set) var first: Timestamp?
    /// When it closed, if it is closed now.
    public private(set) var since: Timestamp?
    /// How often the peer has asked for room since it closed.
    public private(set) var probes: UInt32 = 0
    private var frame: UInt64 = 0
    /// The highest number that its owner has acknowledged, if any.
    private var acknowledged: SequenceNumber?
    private var endedTime: Int64 = 0
    private var longestEnded: Int64 = 0
    private var longestStall = Stall()
    private var endedStalls = Stalls()

    /// An open window.
    public init() {}

    /// Whether it is closed.
    public var isClosed: Bool { since != nil }
    /// How long it has been closed by `time`, in nanoseconds; nil while it is open.
    public func span(at time: Timestamp) -> Int64? { since.map { max(0, time.since($0)) } }
    /// The total time for which it was closed up to `end`, in nanoseconds.
    public func total(until end: Timestamp) -> Int64 { Span.sum(endedTime, span(at: end) ?? 0) }
    /// The longest time for which it was closed without a break up to `end`, in nanoseconds.
    public func longest(until end: Timestamp) -> Int64 { max(longestEnded, span(at: end) ?? 0) }
    /// The longest stall up to `end`: the peer asked for room and got none.
    /// Without a probe the peer had nothing to send, and nothing was delayed.
    public func stall(until end: Timestamp) -> Stall { max(longestStall, current(at: end)) }

    /// All stalls up to `end`.
    public func stalls(until end: Timestamp) -> Stalls {
        let current = current(at: end)
        guard current.probes > 0, let first else { return endedStalls }
        return Stalls(
            lasted: Span.sum(endedStalls.lasted, current.lasted), within: end.since(first),
            count: endedStalls.count &+ 1, probes: endedStalls.probes &+ current.probes)
    }

    /// Takes in a segment from its owner that its receiver does not drop.
    public mutating func takeOwn(_ event: SegmentEvent) {
        let flags = event.segment.flags
        guard flags.has(.ack), !flags.has(.rst) else { return }
        let ack = event.segment.acknowledgment
        if event.notes.contains(.overtaken) { return }
        if let acknowledged, ack.isAtOrBefore(acknowledged) {
            if event.notes.contains(.fillsHole) { return }
        } else {
            acknowledged = ack
        }
        guard event.segment.window == 0 else { return open(at: event.time) }
        if isClosed { return }
        let state = event.sender == .originator ? event.originatorState : event.responderState
        guard state.mayTakeText else { return }
        since = event.time
        frame = event.frame
        probes = 0
        episodes &+= 1
        if first == nil { first = event.time }
    }

    /// Takes in a segment from the peer that is not dropped.
    public mutating func takePeers(_ event: SegmentEvent) {
        guard let closed = span(at: event.time) else { return }
        if event.probesWindow(closedFor: closed) {
            probes &+= 1
        } else if event.suggestsWindow(closedFor: closed), let acknowledged,
            event.segment.sequence.isAfter(acknowledged)
        {
            // Window probes come one by one, and this segment lies beyond what has not been acknowledged yet.
            open(at: event.time)
        }
    }

    private mutating func open(at time: Timestamp) {
        guard let span = span(at: time) else { return }
        longestStall = stall(until: time)
        endedStalls = stalls(until: time)
        endedTime = Span.sum(endedTime, span)
        longestEnded = max(longestEnded, span)
        since = nil
    }

    private func current(at time: Timestamp) -> Stall {
        guard probes > 0, let lasted = span(at: time) else { return Stall() }
        return Stall(lasted: lasted, frame: frame, probes: probes)
    }
}

extension ClosedWindow.Stall: Comparable {
    /// Compares how long they lasted.
    public static func < (one: Self, other: Self) -> Bool { one.lasted < other.lasted }
    /// Whether they are equal in everything.
    public static func == (one: Self, other: Self) -> Bool {
        one.lasted == other.lasted && one.frame == other.frame && one.probes == other.probes
    }
}

extension SegmentEvent {
    /// Whether it asks for room while the receiver's window is closed: as a probe by its shape, or
    /// as a retransmission of text once the retransmission timer may have expired (RFC 9293 3.8.6.1;
    /// at least 200 ms in Linux). A segment that comes sooner was in flight.
    ///
    /// - Parameter nanoseconds: how long the window has been closed; nil if it is open.
    func probesWindow(closedFor nanoseconds: Int64?) -> Bool {
        if notes.contains(.windowProbe) { return true }
        guard let nanoseconds, nanoseconds >= Self.leastProbeTime else { return false }
        return segment.payloadLength > 0 && notes.contains(.retransmission)
    }

    /// Whether it may show that the receiver has opened its window, and that the capture lacks the ACK: new text that
    /// comes after that time and is more than a probe.
    fileprivate func suggestsWindow(closedFor nanoseconds: Int64) -> Bool {
        nanoseconds >= Self.leastProbeTime && segment.payloadLength > 1
            && notes.isDisjoint(with: [.retransmission, .fillsHole, .keepAlive, .windowProbe])
    }

    private static var leastProbeTime: Int64 { 200 * Span.millisecond }
}
