// A FIN that its receiver is thought to have, and that never came there: what it sends goes on to acknowledge less.

public import TCPModel

extension EndpointMachine {
    /// Whether this endpoint, which is thought to have the peer's FIN, sends `segment` and acknowledges all but that. It may have left before the
    /// FIN came: whoever knows the time tells whether it can have. Who lacks text may have a FIN behind it.
    public func lacksPeerFin(_ segment: Segment) -> Bool {
        guard state == .closeWait, certainty == .inferred, knowledge.contains([.peerFin, .peerFinProcessed, .window]),
            segment.flags.has(.ack), !segment.flags.hasAny([.syn, .rst])
        else { return false }
        return segment.acknowledgment == peerFin
    }

    /// It sent that so long after the FIN that it did not cross it: that was lost behind the capture.
    public mutating func takeBackPeerFin() -> Reaction {
        var reaction = Reaction()
        enter(.established, .observed, .retraction, &reaction)
        knowledge.remove(.peerFinProcessed)
        // Until the FIN comes again, or an ACK shows it here.
        knowledge.insert(.lacksText)
        receiveNext = peerFin
        return reaction
    }
}
