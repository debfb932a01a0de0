// The short way through both endpoints of a segment that changes no state: text or an ACK, in order, on an open connection.
//
// Nearly every segment is one. It does exactly what `sent` and `arrives` do for it, and nothing for any other one; a test
// holds the two ways against each other.

public import TCPModel

extension EndpointMachine {
    private static var closing: Knowledge { [.ownFin, .peerFin] }

    // Both questions are about states, and answered again only after a segment that may change one. They change nothing and
    // are `mutating` so that no copy is made for them.

    /// Whether this endpoint sends such segments: it is ESTABLISHED and has proven so, and nobody's FIN has left. One of
    /// them has ACK and perhaps PSH, and the sequence number that comes next.
    public mutating func sendsSteadily() -> Bool {
        guard state == .established, certainty.rawValue >= Certainty.observed.rawValue else { return false }
        let needed: Knowledge = [.send, .receive, .synchronized, .window]
        let hindering: Knowledge = [.ownFin, .peerFin, .lacksText, .textRepeated]
        return knowledge.rawValue & (needed.rawValue | hindering.rawValue) == needed.rawValue
    }

    /// Whether it takes them: ESTABLISHED too. One of them continues what is here, and acknowledges nothing but what was sent;
    /// `next` is the peer's SND.NXT, from which they go on.
    public mutating func takesSteadily(from next: SequenceNumber) -> Bool {
        guard state == .established, !(knowledge.contains(.window) && next.isBefore(acknowledged)),
            !next.isBefore(receiveNext)
        else { return false }
        let needed: Knowledge = [.send, .receive]
        return knowledge.rawValue & (needed.rawValue | Self.closing.rawValue) == needed.rawValue
    }

    /// Whether the timestamp of such a segment is no older than what this endpoint has: without an option the value is 0, and
    /// whatever seems old without being so goes the long way.
    public mutating func takesTimestampSteadily(_ segment: Segment) -> Bool {
        recentTimestamp == 0 || !isOlder(segment)
    }

    /// Whether an ACK lies from SND.UNA to SND.NXT: an older one may be too old.
    /// If too much is in flight for that, its ACKs are not captured, and SND.UNA says nothing.
    @inline(__always) public func hasInFlight(_ ack: SequenceNumber) -> Bool {
        let flight = sendNext.offset(from: sendUnacknowledged)
        return flight < SequenceNumber.furthestInFlight && ack.offset(from: sendUnacknowledged) <= flight
    }

    /// Whether an ACK lies after RCV.NXT, and a whole largest window or more (2^30, RFC 7323 2.3): this endpoint did not send it.
    @inline(__always) public func isFarBeyondReceived(_ ack: SequenceNumber) -> Bool {
        let beyond = ack.offset(from: receiveNext)
        return beyond >= SequenceNumber.furthestInFlight && beyond < 1 << 31
    }

    /// As in `sent`: what it acknowledges it has; SND.NXT; the window's right edge; TS.Recent.
    public mutating func sentSteadily(_ segment: Segment) {
        let ack = segment.acknowledgment
        if ack.isAfter(receiveNext) {
            receiveNext = ack
            knowledge.insert(.tookUnseen)
        }
        if ack.isAfter(acknowledged) { acknowledged = ack }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if sendNext.isBefore(end) { moveSendNext(to: end) }
        let edge = ack.advanced(by: UInt32(segment.window) &<< UInt32(windowShift ?? 14))
        if edge.isAfter(receiveLimit) { receiveLimit = edge }
        noteTimestamp(segment)
    }

    /// As in `arrives`: the ACK, then text in order.
    public mutating func arrivesSteadily(_ segment: Segment) {
        if segment.acknowledgment.isAfter(sendUnacknowledged) { sendUnacknowledged = segment.acknowledgment }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if end.isAfter(receiveNext) { moveReceiveNext(to: end) }
    }
}
