// Whether an ACK was delayed on purpose: it took longer than the path explains, no longer than TCP permits, and nothing
// required it at once.

import TCPMachine
import TCPModel
import TCPTimeline

/// What both sides have acknowledged, and how long an undelayed ACK takes.
struct AckPace: BitwiseCopyable {
    /// The acknowledgments of one side.
    private struct Side: BitwiseCopyable {
        /// The latest acknowledgment, relative to the peer's first number.
        var acknowledged: UInt32 = 0
        /// When it last had to acknowledge at once, and how long after the captured text it did.
        var promptTime: Timestamp?
        var promptDelay: Int64 = 0
    }

    /// RFC 5681 4.2: an ACK may be delayed by less than half a second. In nanoseconds.
    private static let longest = 500 * Span.millisecond
    /// How long a measured path delay remains valid, in nanoseconds: queues fill and drain.
    private static let memory = Span.second

    private var handshake = HandshakeMeasures()
    private var sides: InlineArray<2, Side> = .init(repeating: Side())

    /// The round-trip time of the handshake in nanoseconds, if known.
    var handshakeTime: Int64? { handshake.isKnown ? handshake.whole : nil }

    /// Whether a bare ACK, captured `delay` nanoseconds after the text that it acknowledges, was delayed. To be called
    /// before `take`.
    func isDelayed(_ event: SegmentEvent, after delay: Int64) -> Bool {
        let side = sides[Int(event.sender.rawValue)]
        guard handshake.isDelayedAck(after: delay, by: event.sender), newOctets(event) > 0, !hasToAnswer(event) else {
            return false
        }
        let way = max(0, handshake.part(of: event.sender))
        guard delay <= way + Self.longest else { return false }
        // The path has become slower since the handshake: a queue.
        guard let promptTime = side.promptTime, event.time.since(promptTime) <= Self.memory else { return true }
        return handshake.isDelayedAck(after: delay - max(0, side.promptDelay - way), by: event.sender)
    }

    /// Records a segment; `text` is when the sender's peer last sent text.
    @inline(__always) mutating func take(_ event: SegmentEvent, text: Timestamp?) {
        guard !event.isDropped else { return }
        handshake.take(event)
        let own = Int(event.sender.rawValue)
        // Forged or old segments acknowledge nothing.
        guard event.segment.flags.has(.ack), event.anomalies.subtracting(.acknowledgedUnseen).isEmpty else { return }
        if let text, hasToAnswer(event) {
            sides[own].promptTime = event.time
            // A clock that was set back measures nothing.
            sides[own].promptDelay = max(0, event.time.since(text))
        }
        if newOctets(event) > 0 { sides[own].acknowledged = event.relativeAck }
    }

    /// Whether an ACK covers two full-sized segments or more, so that it was due at once (RFC 5681 4.2).
    private func hasToAnswer(_ event: SegmentEvent) -> Bool {
        event.segment.flags.has(.ack) && newOctets(event) >= Int64(2 * handshake.fullSegment(to: event.sender))
    }

    /// The number of octets that an ACK acknowledges for the first time; negative if it is an old one.
    private func newOctets(_ event: SegmentEvent) -> Int64 {
        Int64(event.relativeAck.circularDistance(from: sides[Int(event.sender.rawValue)].acknowledged))
    }
}
