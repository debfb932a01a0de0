// Whether an ACK was delayed on purpose: beyond what the way takes, within what TCP allows, and with nothing that asked for it at once.

import TCPMachine
import TCPModel
import TCPTimeline

/// What both sides have acknowledged, and how long an ACK takes that nobody delays.
struct AckPace: BitwiseCopyable {
    /// What one side has acknowledged.
    private struct Side: BitwiseCopyable {
        /// Relative to the peer's first number.
        var acknowledged: UInt32 = 0
        /// When it last had to answer at once, and how long after the text that was captured.
        var promptTime: Timestamp?
        var promptDelay: Int64 = 0
    }

    /// RFC 5681 4.2: an ACK waits for less than half a second. In nanoseconds.
    private static let longest = 500 * Span.millisecond
    /// So long a way counts as being as long as it was, in nanoseconds: queues fill and drain.
    private static let memory = Span.second

    private var handshake = HandshakeMeasures()
    private var sides: InlineArray<2, Side> = .init(repeating: Side())

    /// The round trip of the handshake, as far as that is known, in nanoseconds.
    var handshakeTime: Int64? { handshake.isKnown ? handshake.whole : nil }

    /// Whether a bare ACK was delayed that was captured so many nanoseconds after the text that it is for. Asked before `take`.
    func isDelayed(_ event: SegmentEvent, after delay: Int64) -> Bool {
        let side = sides[Int(event.sender.rawValue)]
        guard handshake.isDelayedAck(after: delay, by: event.sender), newOctets(event) > 0, !hasToAnswer(event) else {
            return false
        }
        let way = max(0, handshake.part(of: event.sender))
        guard delay <= way + Self.longest else { return false }
        // The way has become longer since the handshake: a queue.
        guard let promptTime = side.promptTime, event.time.since(promptTime) <= Self.memory else { return true }
        return handshake.isDelayedAck(after: delay - max(0, side.promptDelay - way), by: event.sender)
    }

    /// Takes in a segment; `text` is when its sender's peer had sent text last.
    @inline(__always) mutating func take(_ event: SegmentEvent, text: Timestamp?) {
        guard !event.isDropped else { return }
        handshake.take(event)
        let own = Int(event.sender.rawValue)
        // What is made up, or old, acknowledges nothing.
        guard event.segment.flags.has(.ack), event.anomalies.subtracting(.acknowledgedUnseen).isEmpty else { return }
        if let text, hasToAnswer(event) {
            sides[own].promptTime = event.time
            // A clock that went back measures nothing.
            sides[own].promptDelay = max(0, event.time.since(text))
        }
        if newOctets(event) > 0 { sides[own].acknowledged = event.relativeAck }
    }

    /// Whether an ACK is for two full segments or more: it was due at once (RFC 5681 4.2).
    private func hasToAnswer(_ event: SegmentEvent) -> Bool {
        event.segment.flags.has(.ack) && newOctets(event) >= Int64(2 * handshake.fullSegment(to: event.sender))
    }

    /// How many octets an ACK is for that none was for before; less than 0: it is old.
    private func newOctets(_ event: SegmentEvent) -> Int64 {
        Int64(Int32(bitPattern: event.relativeAck &- sides[Int(event.sender.rawValue)].acknowledged))
    }
}
