// A FIN that is thought to have arrived but never did: its receiver keeps acknowledging everything except the FIN.

public import TCPModel

extension EndpointMachine {
    /// Whether this endpoint, which is thought to have the peer's FIN, acknowledges everything but that FIN in
    /// `segment`. The segment may have been sent before the FIN arrived; the caller, which knows the times, decides
    /// whether that is possible. An ACK of less does not count: an endpoint that lacks text may hold a FIN behind it.
    public func lacksPeerFin(_ segment: Segment) -> Bool {
        guard state == .closeWait, certainty == .inferred, knowledge.contains([.peerFin, .peerFinProcessed, .window]),
            segment.flags.has(.ack), !segment.flags.hasAny([.syn, .rst])
        else { return false }
        return segment.acknowledgment == peerFin
    }

    /// The endpoint sent that segment too long after the FIN to have crossed it:
    /// the FIN was lost beyond the capture point.
    public mutating func takeBackPeerFin() -> Reaction {
        var reaction = Reaction()
        enter(.established, .observed, .retraction, &reaction)
        knowledge.remove(.peerFinProcessed)
        // Until the FIN is retransmitted, or an ACK shows that it arrived.
        knowledge.insert(.lacksText)
        receiveNext = peerFin
        return reaction
    }
}
