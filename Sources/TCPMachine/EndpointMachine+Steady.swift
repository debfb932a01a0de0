// The short way through both endpoints of a segment that changes no state: text or an ACK, in order, on an open connection.
//
// Nearly every segment is one. It does exactly what `sent` and `arrives` do for it, and nothing for any other one; a test
// holds the two ways against each other.

public import TCPModel

extension EndpointMachine {
    private static var closing: Knowledge { [.ownFin, .peerFin] }

    // Both questions change nothing and are `mutating` so that no copy is made for them.

    /// Whether `segment`, sent by this endpoint, is one of these: this one is ESTABLISHED and has proven so, nobody's FIN has
    /// left, and the segment has ACK and perhaps PSH, and the sequence number that comes next.
    public mutating func sendsSteadily(_ segment: Segment) -> Bool {
        let isPlain = segment.flags.rawValue & ~TCPFlags.psh.rawValue == TCPFlags.ack.rawValue
        guard isPlain, state == .established, certainty.rawValue >= Certainty.observed.rawValue else { return false }
        let needed: Knowledge = [.send, .receive, .synchronized, .window]
        guard knowledge.rawValue & (needed.rawValue | Self.closing.rawValue) == needed.rawValue else { return false }
        return segment.sequence == sendNext
    }

    /// Whether it is one for its receiver, this endpoint: ESTABLISHED too, and the segment continues what is here and
    /// acknowledges nothing but what was sent.
    public mutating func takesSteadily(_ segment: Segment) -> Bool {
        guard state == .established else { return false }
        let needed: Knowledge = [.send, .receive]
        guard knowledge.rawValue & (needed.rawValue | Self.closing.rawValue) == needed.rawValue else { return false }
        guard segment.sequence.isAtOrBefore(receiveNext) else { return false }
        // Without an option the value is 0; whatever seems old without being so goes the long way.
        guard recentTimestamp == 0 || !isOlder(segment) else { return false }
        return segment.acknowledgment.isAtOrBefore(sendNext)
    }

    /// Whether it acknowledges what this endpoint, its receiver, has not had acknowledged yet.
    public mutating func advancesSteadily(_ segment: Segment) -> Bool {
        segment.acknowledgment.isAfter(sendUnacknowledged)
    }

    /// As in `sent`: what it acknowledges it has; SND.NXT; the window's right edge; TS.Recent.
    public mutating func sentSteadily(_ segment: Segment) {
        let ack = segment.acknowledgment
        if ack.isAfter(receiveNext) { receiveNext = ack }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if sendNext.isBefore(end) { sendNext = end }
        let edge = ack.advanced(by: UInt32(segment.window) << UInt32(windowShift ?? 14))
        if edge.isAfter(receiveLimit) { receiveLimit = edge }
        noteTimestamp(segment)
    }

    /// As in `arrives`: the ACK, then text in order.
    public mutating func arrivesSteadily(_ segment: Segment) {
        if segment.acknowledgment.isAfter(sendUnacknowledged) { sendUnacknowledged = segment.acknowledgment }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if end.isAfter(receiveNext) { receiveNext = end }
    }
}
