// Protection against wrapped sequence numbers (PAWS, RFC 7323 5):
// segments that their receiver drops because of an old timestamp.

public import TCPModel

extension EndpointMachine {
    /// Sets TS.Recent to what this endpoint itself reports: a segment with ACK
    /// echoes it (RFC 7323 4.3), which proves it.
    ///
    /// Segments that arrived since do not count. The endpoint takes a newer value only from a
    /// segment that begins at or before its last ACK, and we do not know when it sends its ACKs:
    /// letting a segment pass is better than calling a good one old.
    mutating func noteTimestamp(_ segment: Segment) {
        recentTimestamp = segment.options.present.contains(.timestamps) ? segment.options.timestampEchoReply : 0
    }

    /// Whether this endpoint drops the arriving `segment` because its timestamp is older than TS.Recent (RFC 7323 5.3,
    /// R1). A RST is exempt (5.2); a SYN is challenged anyway (RFC 5961 4).
    ///
    /// Like Linux, this lets more pass than the RFC does: a timestamp that is older by only one tick and, for about a
    /// retransmission timeout, an ACK that says nothing new, because ACKs may be reordered.
    public func isTooOld(_ segment: Segment) -> Bool {
        guard recentTimestamp != 0, segment.options.present.contains(.timestamps),
            !segment.flags.hasAny([.syn, .rst]), isOlder(segment)
        else { return false }
        let saysNothingNew =
            segment.isPureAck && segment.sequence == receiveNext && segment.acknowledgment == sendUnacknowledged
        return !saysNothingNew || age(segment) > Self.overtaking
    }

    /// By how many ticks a reordered ACK may be older: one second of Linux's clock. Linux's own bound, 1.2 times the
    /// retransmission timeout, is not known here.
    private static var overtaking: Int32 { 1000 }

    /// By how many ticks the segment's timestamp is older than TS.Recent, modulo 2^32; meaningful only if both exist.
    @inline(__always) private func age(_ segment: Segment) -> Int32 {
        recentTimestamp.circularDistance(from: segment.options.timestampValue)
    }

    /// Whether the segment's timestamp is older than TS.Recent by more than one tick.
    @inline(__always) func isOlder(_ segment: Segment) -> Bool { age(segment) > 1 }

    /// Whether a segment that its receiver drops as too old cannot have been sent just now by this endpoint: it lies
    /// ahead of everything sent. It has been in the network since these sequence numbers were last used.
    public func isStray(_ segment: Segment) -> Bool {
        knowledge.contains(.send) && segment.sequenceEnd.isAfter(sendNext)
    }

    /// Whether a segment begins further ahead of SND.NXT than segments missing from the capture can explain.
    public func isFarAhead(_ segment: Segment) -> Bool {
        let ahead = segment.sequence.offset(from: sendNext)
        return knowledge.contains(.send) && ahead >= Self.plausibleLoss && ahead < 1 << 31
    }

    /// The connection was idle for longer than timestamps are valid (RFC 7323 5.5): TS.Recent no longer says anything.
    public mutating func forgetTimestamp() { recentTimestamp = 0 }
}
