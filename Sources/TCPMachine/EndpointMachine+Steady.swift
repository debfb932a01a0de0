// The fast path through both endpoints for a segment that changes no state: text or an ACK,
// in order, on an open connection.
//
// Nearly every segment takes it. For such a segment it does exactly what `sent` and `arrives` do; no other segment may
// take it. A test compares the two paths.

public import TCPModel

extension EndpointMachine {
    private static var closing: Knowledge { [.ownFin, .peerFin] }

    // Both checks concern states, and are repeated only after a segment that may change one.
    // They change nothing and are `mutating` only to avoid a copy.

    /// Whether this endpoint sends steady segments: it is ESTABLISHED and has proven so, and neither side has sent a
    /// FIN. A steady segment has ACK and perhaps PSH, and begins at SND.NXT.
    public mutating func sendsSteadily() -> Bool {
        guard state == .established, certainty.rawValue >= Certainty.observed.rawValue else { return false }
        let needed: Knowledge = [.send, .receive, .synchronized, .window]
        let hindering: Knowledge = [.ownFin, .peerFin, .lacksText, .textRepeated]
        return knowledge.rawValue & (needed.rawValue | hindering.rawValue) == needed.rawValue
    }

    /// Whether this endpoint takes steady segments: it is ESTABLISHED, too. A steady segment continues what has
    /// arrived, and acknowledges only what was sent; `next` is the peer's SND.NXT, where it begins.
    public mutating func takesSteadily(from next: SequenceNumber) -> Bool {
        guard state == .established, !(knowledge.contains(.window) && next.isBefore(acknowledged)),
            !next.isBefore(receiveNext)
        else { return false }
        let needed: Knowledge = [.send, .receive]
        return knowledge.rawValue & (needed.rawValue | Self.closing.rawValue) == needed.rawValue
    }

    /// Whether a steady segment's timestamp is no older than what this endpoint has. Without the option the value is 0;
    /// a segment that only looks old takes the general path.
    public mutating func takesTimestampSteadily(_ segment: Segment) -> Bool {
        recentTimestamp == 0 || !isOlder(segment)
    }

    /// Whether an ACK lies between SND.UNA and SND.NXT: an older one may be too old. If more is in flight than
    /// possible, ACKs were not captured, and SND.UNA says nothing.
    @inline(__always) public func hasInFlight(_ ack: SequenceNumber) -> Bool {
        let flight = sendNext.offset(from: sendUnacknowledged)
        return flight < SequenceNumber.furthestInFlight && ack.offset(from: sendUnacknowledged) <= flight
    }

    /// Whether an ACK lies beyond RCV.NXT by 2^30 octets (the largest window, RFC 7323 2.3) or more:
    /// this endpoint did not send it.
    @inline(__always) public func isFarBeyondReceived(_ ack: SequenceNumber) -> Bool {
        let beyond = ack.offset(from: receiveNext)
        return beyond >= SequenceNumber.furthestInFlight && beyond < 1 << 31
    }

    /// Does what `sent` does: RCV.NXT and `acknowledged`, SND.NXT, the window's right edge, TS.Recent.
    public mutating func sentSteadily(_ segment: Segment) {
        let ack = segment.acknowledgment
        if ack.isAfter(receiveNext) {
            receiveNext = ack
            knowledge.insert(.tookUnseen)
        }
        if ack.isAfter(acknowledged) { acknowledged = ack }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if sendNext.isBefore(end) { moveSendNext(to: end) }
        let edge = ack.advanced(by: UInt32(segment.window) &<< UInt32(windowShift ?? TCPOptions.largestWindowScale))
        if edge.isAfter(receiveLimit) { receiveLimit = edge }
        noteTimestamp(segment)
    }

    /// Does what `arrives` does: the ACK, then in-order text.
    public mutating func arrivesSteadily(_ segment: Segment) {
        if segment.acknowledgment.isAfter(sendUnacknowledged) { sendUnacknowledged = segment.acknowledgment }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if end.isAfter(receiveNext) { moveReceiveNext(to: end) }
    }
}
