// What is known about an endpoint besides the values of its variables: one bit each, grouped by purpose.
//
// They form a single set, not one per group, because the fast path tests most of them at once.

extension EndpointMachine {
    /// What is known about an endpoint and its variables.
    @usableFromInline struct Knowledge: OptionSet, BitwiseCopyable, Sendable {
        @usableFromInline var rawValue: UInt32
        @usableFromInline init(rawValue: UInt32) { self.rawValue = rawValue }

        // MARK: Which variables are known

        /// ISS is known: the SYN or its acknowledgment was seen.
        @inlinable static var iss: Knowledge { Knowledge(rawValue: 1 << 0) }
        /// SND.NXT and SND.UNA are known.
        @inlinable static var send: Knowledge { Knowledge(rawValue: 1 << 1) }
        /// IRS is known.
        static let irs = Knowledge(rawValue: 1 << 2)
        /// RCV.NXT is known.
        static let receive = Knowledge(rawValue: 1 << 3)
        /// The receive window's right edge is known.
        @inlinable static var window: Knowledge { Knowledge(rawValue: 1 << 4) }
        /// It has sent 2^30 octets or more: whether a number lies before its SYN can no longer be decided.
        static let farFromOwnSyn = Knowledge(rawValue: 1 << 5)
        /// The peer has sent 2^30 octets or more: whether a number lies before the peer's SYN can no longer be decided.
        static let farFromPeerSyn = Knowledge(rawValue: 1 << 6)

        // MARK: How it opened

        /// It opened actively (a SYN without ACK left).
        static let activeOpen = Knowledge(rawValue: 1 << 7)
        /// It sent a SYN-ACK.
        static let synAckSent = Knowledge(rawValue: 1 << 8)
        /// It acknowledged the peer's SYN with a bare ACK, before any SYN of its own (split handshake).
        static let synAcknowledged = Knowledge(rawValue: 1 << 9)
        /// The peer's SYN carried text (Fast Open), so that SYN-RECEIVED may send text (RFC 7413 3).
        static let fastOpen = Knowledge(rawValue: 1 << 10)
        /// A captured SYN-ACK has not reached it: it retransmitted its SYN.
        /// The arrival of later SYN-ACKs is not presumed.
        static let lacksAnswer = Knowledge(rawValue: 1 << 11)
        /// A SYN-ACK has been captured since its last SYN.
        static let answerPassed = Knowledge(rawValue: 1 << 12)
        /// It is thought to have given up its attempt because of an ICMP error.
        static let givenUp = Knowledge(rawValue: 1 << 13)
        /// It has proven to be synchronized: it sent something that only a synchronized endpoint sends.
        static let synchronized = Knowledge(rawValue: 1 << 14)

        // MARK: What it lacks, or has that the capture lacks

        /// It acknowledged octets that the capture lacks, so octets below RCV.NXT may still be captured.
        static let tookUnseen = Knowledge(rawValue: 1 << 15)
        /// It repeated the ACK `acknowledged` after text or a FIN that was thought to have arrived, or after the peer
        /// retransmitted that: perhaps it never arrived.
        static let lacksText = Knowledge(rawValue: 1 << 16)
        /// The peer has retransmitted what follows `acknowledged`, although that was thought to have arrived.
        static let textRepeated = Knowledge(rawValue: 1 << 17)

        // MARK: How it ended what it sends

        /// This endpoint sent a FIN, at `ownFin`.
        @inlinable static var ownFin: Knowledge { Knowledge(rawValue: 1 << 18) }
        /// Before it had the peer's FIN it sent an ACK from beyond SND.NXT:
        /// if a FIN lies just before that, it is at `ownFin`.
        static let ackFromBeyond = Knowledge(rawValue: 1 << 19)
        /// It sent a RST, whose number is in `ownFin` unless there is a FIN.
        static let ownReset = Knowledge(rawValue: 1 << 20)

        // MARK: The peer's FIN

        /// The peer's FIN, at `peerFin`, is in flight or has arrived.
        static let peerFin = Knowledge(rawValue: 1 << 21)
        /// The peer's FIN was processed: RCV.NXT is beyond it.
        static let peerFinProcessed = Knowledge(rawValue: 1 << 22)
        /// Every copy of the peer's FIN acknowledges this endpoint's own:
        /// an endpoint that takes the FIN has taken that ACK first.
        static let peerFinCoversOwn = Knowledge(rawValue: 1 << 23)
        /// The peer's FIN was captured more than once.
        static let peerFinRepeated = Knowledge(rawValue: 1 << 24)
        /// The peer's FIN lay beyond the receive window, which cuts it off;
        /// this endpoint's own ACK will show whether it was accepted anyway.
        static let finBeyondWindow = Knowledge(rawValue: 1 << 30)
        /// The peer's FIN arrived after a RST was thought to have closed this endpoint: an ACK of it disproves the RST.
        static let peerFinAfterReset = Knowledge(rawValue: 1 << 31)

        // MARK: What the kernel alone shows

        /// The kernel shows that it was open, but no captured segment does.
        static let openUncaptured = Knowledge(rawValue: 1 << 25)
        /// The kernel reports that it closed before the peer's FIN arrived, though its own FIN still waits behind text.
        static let finQueued = Knowledge(rawValue: 1 << 26)
        /// The kernel shows that it sent a FIN that was not captured, so that its number is not known yet.
        static let ownFinUncaptured = Knowledge(rawValue: 1 << 27)
        /// The kernel shows that it received a FIN that was not captured, so that its number is not known yet.
        static let peerFinUncaptured = Knowledge(rawValue: 1 << 28)
        /// The kernel shows a SYN's answer, a FIN or a RST, its own or the peer's, that was not captured.
        static let ledByKernel = Knowledge(rawValue: 1 << 29)
    }
}
