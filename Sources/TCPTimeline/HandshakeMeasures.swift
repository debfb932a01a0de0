// How long the way to either side is, as far as the handshake shows it, and how much either takes in one segment.

import TCPModel

/// What the time of an ACK is judged by: the two parts of the handshake's round trip, on either side of the capture, in nanoseconds, a minute
/// at most; and the sizes of segments.
///
/// The round trip is from the latest SYN, other than `HandshakeTimes`: a SYN that was sent again after a second says nothing of the way.
public struct HandshakeMeasures: BitwiseCopyable, Sendable {
    /// From the latest SYN to the SYN-ACK: from the capture to the server and back; negative: not known.
    private var toResponder: Int64 = -1
    /// From that to what the client sent next: from the capture to the client and back; negative: not known.
    private var toOriginator: Int64 = -1
    private var synTime: Timestamp?
    private var synAckTime: Timestamp?
    /// The MSS that the originator's SYN announced, and the responder's; RFC 9293 3.7.1: 536 if it announced none.
    private var maximumSegmentSizes: InlineArray<2, UInt16> = .init(repeating: 536)

    /// Nothing was captured.
    public init() {}

    /// Whether both parts of the round trip are known: the handshake was captured, and no clock went back.
    public var isKnown: Bool { toResponder >= 0 && toOriginator >= 0 }
    /// From the capture to a side and back; negative: not known.
    public func part(of side: Side) -> Int64 { side == .originator ? toOriginator : toResponder }
    /// Both together; without meaning if it is not known.
    public var whole: Int64 { toResponder + toOriginator }

    /// An ACK is not delayed by less than this, in nanoseconds: Linux delays by 40 ms and more.
    private static let leastDelay = 30 * Span.millisecond

    /// Whether `side` waited before it sent an ACK that was captured `delay` nanoseconds after the text that it is for: much longer than
    /// the way there and back takes. Where nobody knows how long that is, nobody knows this either.
    public func isDelayedAck(after delay: Int64, by side: Side) -> Bool {
        // The parts are bounded, while a delay may be anything.
        isKnown && delay >= part(of: side) + max(Self.leastDelay, part(of: side))
    }

    /// How many octets of text `side` is ready to receive in one segment.
    public func maximumSegmentSize(of side: Side) -> UInt32 { UInt32(maximumSegmentSizes[Int(side.rawValue)]) }

    /// How many a full segment has that `side` receives: 12 octets less, for time stamps, which the MSS does not tell of (RFC 9293 3.7.1).
    public func fullSegment(to side: Side) -> UInt32 {
        maximumSegmentSize(of: side) - min(12, maximumSegmentSize(of: side))
    }

    /// Takes in a segment; after the handshake only a SYN changes something.
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

    /// Bounded: a clock may jump, and go back.
    private static func span(from start: Timestamp, to end: Timestamp) -> Int64 {
        max(-1, min(end.since(start), 60 * Span.second))
    }
}
