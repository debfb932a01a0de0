// How far away either side is, as far as the handshake shows, and how much either accepts in one segment.

import TCPModel

/// What the delay of an ACK is judged by: the two parts of the handshake's round trip, on either side of the capture
/// point, in nanoseconds, at most a minute each; and segment sizes.
///
/// Unlike `HandshakeTimes`, this measures from the latest SYN: a SYN that was retransmitted
/// after a second says nothing about the path.
public struct HandshakeMeasures: BitwiseCopyable, Sendable {
    /// From the latest SYN to the SYN-ACK: from the capture point to the server and back; negative if unknown.
    private var toResponder: Int64 = -1
    /// From that to the client's next segment: from the capture point to the client and back; negative if unknown.
    private var toOriginator: Int64 = -1
    private var synTime: Timestamp?
    private var synAckTime: Timestamp?
    /// The MSS that the originator's SYN announced, and the responder's; 536 if it announced none (RFC 9293 3.7.1).
    private var maximumSegmentSizes: InlineArray<2, UInt16> = .init(repeating: 536)

    /// Measures without any segment.
    public init() {}

    /// Whether both parts of the round trip are known: the handshake was captured, and no clock went back.
    public var isKnown: Bool { toResponder >= 0 && toOriginator >= 0 }
    /// Nanoseconds from the capture point to a side and back; negative if unknown.
    public func part(of side: Side) -> Int64 { side == .originator ? toOriginator : toResponder }
    /// Both parts together, in nanoseconds; meaningless unless `isKnown`.
    public var whole: Int64 { toResponder + toOriginator }

    /// An ACK that takes less than this, in nanoseconds, is not delayed: Linux delays by 40 ms and more.
    private static let leastDelay = 30 * Span.millisecond

    /// Whether `side` waited before it sent an ACK that was captured `delay` nanoseconds after the text that it
    /// acknowledges: much longer than the round trip takes. False if that is unknown.
    public func isDelayedAck(after delay: Int64, by side: Side) -> Bool {
        // The parts are bounded, whereas a delay may be anything.
        isKnown && delay >= part(of: side) + max(Self.leastDelay, part(of: side))
    }

    /// How many octets of text `side` accepts in one segment.
    public func maximumSegmentSize(of side: Side) -> UInt32 { UInt32(maximumSegmentSizes[Int(side.rawValue)]) }

    /// How many octets of text a full segment to `side` has: 12 less, for timestamps,
    /// which the MSS does not count (RFC 9293 3.7.1).
    public func fullSegment(to side: Side) -> UInt32 {
        maximumSegmentSize(of: side) - min(12, maximumSegmentSize(of: side))
    }

    /// Takes in a segment; after the handshake only a SYN changes anything.
    public mutating func take(_ event: SegmentEvent) {
        let isSyn = event.segment.flags.has(.syn)
        guard isSyn || !isKnown, !event.isDropped else { return }
        if isSyn { noteSize(event) }
        if !isKnown { noteWay(event) }
    }

    private mutating func noteSize(_ event: SegmentEvent) {
        let options = event.segment.options
        guard options.present.contains(.maximumSegmentSize) else { return }
        maximumSegmentSizes[Int(event.sender.rawValue)] = options.maximumSegmentSize
    }

    private mutating func noteWay(_ event: SegmentEvent) {
        let flags = event.segment.flags
        if event.sender == .originator && flags.has(.syn) && !flags.has(.ack) {
            synTime = event.time
        } else if event.sender == .responder, flags.has([.syn, .ack]), let synTime {
            toResponder = Self.span(from: synTime, to: event.time)
            synAckTime = event.time
        } else if event.sender == .originator, let sent = synAckTime {
            synAckTime = nil
            // A FIN is not the ACK that answers: that was not captured.
            if !flags.has(.fin) { toOriginator = Self.span(from: sent, to: event.time) }
        }
    }

    /// Bounded, because a clock may jump, or go back.
    private static func span(from start: Timestamp, to end: Timestamp) -> Int64 {
        max(-1, min(end.since(start), 60 * Span.second))
    }
}
