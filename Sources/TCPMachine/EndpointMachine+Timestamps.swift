// Protection against wrapped sequence numbers (PAWS, RFC 7323 5): segments that their receiver drops for an old timestamp.

public import TCPModel

extension EndpointMachine {
    /// Notes TS.Recent as this endpoint says it itself: a segment with ACK echoes it (RFC 7323 4.3), and so proves it.
    ///
    /// What arrived since is not counted in. The endpoint takes a newer value only from segments that it has acknowledged up
    /// to, and when it sends its ACKs we do not know: better to let a segment pass than to call a good one old.
    mutating func noteTimestamp(_ segment: Segment) {
        recentTimestamp = segment.options.present.contains(.timestamps) ? segment.options.timestampEchoReply : 0
    }

    /// Whether this endpoint drops `segment`, which is on its way to it, because its timestamp is older than TS.Recent
    /// (RFC 7323 5.3, R1). Never a RST (5.2); a SYN is challenged anyway (RFC 5961 4).
    ///
    /// Linux lets more pass than the RFC does, and so do we: what is older by one tick only, and for as long as a timeout takes
    /// an ACK that says nothing new, because ACKs overtake each other.
    public func isTooOld(_ segment: Segment) -> Bool {
        guard recentTimestamp != 0, segment.options.present.contains(.timestamps),
            !segment.flags.hasAny([.syn, .rst]), isOlder(segment)
        else { return false }
        let saysNothingNew =
            segment.isPureAck && segment.sequence == receiveNext && segment.acknowledgment == sendUnacknowledged
        return !saysNothingNew || age(segment) > Self.overtaking
    }

    /// How long an ACK may be overtaken, in ticks: a second of Linux's. Its own bound, 1.2 times the retransmission timeout, is
    /// not known here.
    private static var overtaking: Int32 { 1000 }

    /// By how many ticks its timestamp is older than TS.Recent, modulo 2^32; meaningful if there are both.
    @inline(__always) private func age(_ segment: Segment) -> Int32 {
        Int32(bitPattern: recentTimestamp &- segment.options.timestampValue)
    }

    /// Whether its timestamp is older by more than the one tick.
    @inline(__always) func isOlder(_ segment: Segment) -> Bool { age(segment) > 1 }

    /// Whether a segment that its receiver drops as too old was not sent now by this endpoint: it would be ahead of all that
    /// this endpoint sent. It has been on its way since the sequence numbers were used the last time.
    public func isStray(_ segment: Segment) -> Bool {
        knowledge.contains(.send) && segment.sequenceEnd.isAfter(sendNext)
    }

    /// Whether a segment is further ahead of what this endpoint has sent than the capture may lack.
    public func isFarAhead(_ segment: Segment) -> Bool {
        let ahead = segment.sequence.offset(from: sendNext)
        return knowledge.contains(.send) && ahead >= Self.plausibleLoss && ahead < 1 << 31
    }

    /// The connection was idle for longer than timestamps tell (RFC 7323 5.5): TS.Recent says nothing any more.
    public mutating func forgetTimestamp() { recentTimestamp = 0 }
}
