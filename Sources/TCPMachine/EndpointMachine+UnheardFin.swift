// A FIN that is thought to have arrived but never did: its receiver keeps acknowledging everything except the FIN.
// Or it arrived before text that precedes it, and waits: a FIN is processed in order (RFC 9293 3.10.7.4).

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
        takeBackPeerFin(&reaction)
        return reaction
    }

    private mutating func takeBackPeerFin(_ reaction: inout Reaction) {
        switch state {
        case .closing: enter(.finWait1, .observed, .retraction, &reaction)
        case .timeWait: enter(.finWait2, .observed, .retraction, &reaction)
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait,
            .lastAck:
            enter(.established, .observed, .retraction, &reaction)
        }
        knowledge.remove(.peerFinProcessed)
        // Until the FIN is retransmitted, or an ACK shows that it arrived.
        knowledge.insert(.lacksText)
        receiveNext = peerFin
    }

    /// This endpoint sent `segment`. If that reports a hole before the peer's FIN, the FIN has not been processed.
    mutating func noteHoleBeforeFin(_ segment: Segment, _ reaction: inout Reaction) {
        guard segment.options.sackBlockCount > 0, certainty == .inferred, knowledge.contains(.peerFinProcessed),
            state == .closeWait || state == .closing || state == .timeWait, reportsHoleBeforeFin(segment)
        else { return }
        takeBackPeerFin(&reaction)
    }

    /// Whether this ACK of less than the peer's FIN has a block of text that ends with the FIN, or just before it
    /// (RFC 2018 3).
    func reportsHoleBeforeFin(_ segment: Segment) -> Bool {
        let ack = segment.acknowledgment
        guard knowledge.contains([.peerFin, .window]), segment.options.present.contains(.sack), ack.isBefore(peerFin),
            !ack.isBefore(acknowledged)
        else { return false }
        for index in 0..<min(Int(segment.options.sackBlockCount), segment.options.sackBlocks.count) {
            let block = segment.options.sackBlocks[index]
            if block.left.isAfter(ack), block.right == peerFin || block.right == peerFin.advanced(by: 1) {
                return true
            }
        }
        return false
    }
}
