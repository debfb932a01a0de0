// What is known of an endpoint beside the values of its variables: one bit each, in groups by what they are for.
//
// All are one set, and not one a group: whether a segment may take the short way is asked of most of them at once.

extension EndpointMachine {
    /// What is known of an endpoint, and of its variables.
    @usableFromInline struct Knowledge: OptionSet, BitwiseCopyable, Sendable {
        @usableFromInline var rawValue: UInt32
        @usableFromInline init(rawValue: UInt32) { self.rawValue = rawValue }

        // MARK: Which variables are known

        /// ISS is known: the SYN was seen, or its acknowledgment.
        @inlinable static var iss: Knowledge { Knowledge(rawValue: 1 << 0) }
        /// SND.NXT and SND.UNA are known.
        @inlinable static var send: Knowledge { Knowledge(rawValue: 1 << 1) }
        /// IRS is known.
        static let irs = Knowledge(rawValue: 1 << 2)
        /// RCV.NXT is known.
        static let receive = Knowledge(rawValue: 1 << 3)
        /// The receive window's right edge is known.
        @inlinable static var window: Knowledge { Knowledge(rawValue: 1 << 4) }
        /// It has sent 2^30 octets or more: no number can be told to lie before its SYN any more.
        static let farFromOwnSyn = Knowledge(rawValue: 1 << 5)
        /// The same of the peer's.
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
        /// A SYN-ACK that passed us has not reached it: it asked again. Of the next ones nothing is presumed.
        static let lacksAnswer = Knowledge(rawValue: 1 << 11)
        /// A SYN-ACK has passed us since it asked the last time.
        static let answerPassed = Knowledge(rawValue: 1 << 12)
        /// It is thought to have given its attempt up because of an ICMP error.
        static let givenUp = Knowledge(rawValue: 1 << 13)
        /// This endpoint proved that it is synchronized: it sent something that only a synchronized one sends.
        static let synchronized = Knowledge(rawValue: 1 << 14)

        // MARK: What it lacks, or has that the capture lacks

        /// It acknowledged octets that the capture does not have: what lies below RCV.NXT may be captured yet.
        static let tookUnseen = Knowledge(rawValue: 1 << 15)
        /// It has acknowledged `acknowledged` again after text or a FIN that we thought here, or after the peer sent that again: perhaps it
        /// never came.
        static let lacksText = Knowledge(rawValue: 1 << 16)
        /// The peer has sent again what follows on `acknowledged`, and we thought it here.
        static let textRepeated = Knowledge(rawValue: 1 << 17)

        // MARK: How it ended what it sends

        /// This endpoint sent a FIN, at `ownFin`.
        @inlinable static var ownFin: Knowledge { Knowledge(rawValue: 1 << 18) }
        /// Before it had the peer's FIN it sent an ACK from beyond SND.NXT: if a FIN lies just before that, it is at `ownFin`.
        static let ackFromBeyond = Knowledge(rawValue: 1 << 19)
        /// It sent a RST, with the number `ownFin` unless there is a FIN.
        static let ownReset = Knowledge(rawValue: 1 << 20)

        // MARK: The peer's FIN

        /// The peer's FIN is on its way or here, at `peerFin`.
        static let peerFin = Knowledge(rawValue: 1 << 21)
        /// The peer's FIN was processed: RCV.NXT is beyond it.
        static let peerFinProcessed = Knowledge(rawValue: 1 << 22)
        /// Every copy of the peer's FIN acknowledges the own one: who takes the FIN has taken that before.
        static let peerFinCoversOwn = Knowledge(rawValue: 1 << 23)
        /// The peer's FIN came more than once.
        static let peerFinRepeated = Knowledge(rawValue: 1 << 24)
        /// It lay beyond the receive window, which cuts it off: whether it was taken all the same, the own ACK will tell.
        static let finBeyondWindow = Knowledge(rawValue: 1 << 30)

        // MARK: What the kernel alone shows

        /// The kernel shows that it was open, and no captured segment does.
        static let openUncaptured = Knowledge(rawValue: 1 << 25)
        /// It had closed before the peer's FIN came, though its own FIN still waits behind text: the kernel says so.
        static let finQueued = Knowledge(rawValue: 1 << 26)
        /// The kernel shows that it sent a FIN, whose number is not known yet: it was not captured.
        static let ownFinUncaptured = Knowledge(rawValue: 1 << 27)
        /// The same of the peer's.
        static let peerFinUncaptured = Knowledge(rawValue: 1 << 28)
        /// The kernel shows a SYN's answer or a FIN, its own or the peer's, that was not captured.
        static let ledByKernel = Knowledge(rawValue: 1 << 29)
    }
}
