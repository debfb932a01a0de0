// One endpoint's half of a TCP connection, rebuilt from what is seen on the wire (RFC 9293 3.3, 3.10).
//
// Standpoint. We see each segment once, at one place, at capture time. That its sender sent it is certain: *observed*.
// That its receiver processed it is likely: *inferred*. It becomes certain through a later segment that depends on it,
// or because the kernel reports it: *confirmed*. A capture may start late, end early and drop frames. Nothing on the
// wire makes this throw: surprising traffic becomes a named anomaly, and we carry on.
//
// A captured segment makes two calls: `sent` on its sender, then `arrives` on its receiver. Other calls replace these
// two where that is cheaper (EndpointMachine+Steady, +Usual), or where the caller knows more than one segment shows
// (+LateOpening, +Corrected). The application is invisible: a SYN sent implies an active OPEN, a FIN sent implies a
// CLOSE. Time comes in only with segments and kernel events; only the kernel reports the end of TIME-WAIT.

public import TCPModel

/// One endpoint: its RFC 9293 state, how certain that is, and the variables of 3.3.1 as far as the wire shows them.
///
/// Plain data of fixed size; two of them make a connection. Use one instance for both roles of a self-connect.
public struct EndpointMachine: BitwiseCopyable, Sendable, Equatable {
    /// The most octets after an opening that the capture may plausibly lack:
    /// a segment further off belongs to another connection.
    static let plausibleLoss: UInt32 = 1 << 20

    /// Window scale not known: this endpoint's SYN was not seen.
    static let shiftUnknown: UInt8 = 0xff
    /// Window scale not offered.
    static let shiftAbsent: UInt8 = 0xfe

    /// The state after all that was seen.
    public internal(set) var state: TCPState = .unseen
    /// How certain `state` is.
    public internal(set) var certainty: Certainty = .assumed
    // The two shifts come before the larger part so that there are no gaps.
    /// Window scale this endpoint offered in its SYN, as it is used, or one of the two marks above.
    var ownShift: UInt8 = EndpointMachine.shiftUnknown
    /// The window scale that the peer offered, as it arrived.
    var peerShift: UInt8 = EndpointMachine.shiftUnknown
    @usableFromInline var knowledge: Knowledge = []

    /// Initial send sequence number.
    public internal(set) var iss = SequenceNumber(0)
    /// Initial receive sequence number: the peer's ISS.
    public internal(set) var irs = SequenceNumber(0)
    /// SND.UNA: the oldest unacknowledged sequence number.
    public internal(set) var sendUnacknowledged = SequenceNumber(0)
    /// SND.NXT: just after the highest sequence number sent.
    public internal(set) var sendNext = SequenceNumber(0)
    /// RCV.NXT: the next number expected, inferred from what arrived, or proven by an ACK that this endpoint sent.
    public internal(set) var receiveNext = SequenceNumber(0)
    /// The highest number that it acknowledged: certainly its RCV.NXT at that time, so that it accepts nothing before
    /// it any more (Last.ACK.sent of RFC 7323 4.3). Meaningful only if the window is known.
    public internal(set) var acknowledged = SequenceNumber(0)
    /// The furthest right edge of the receive window that was ever advertised.
    public internal(set) var receiveLimit = SequenceNumber(0)
    /// Sequence number of this endpoint's FIN; while there is none,
    /// the number that `ownReset` or `ackFromBeyond` refers to.
    var ownFin = SequenceNumber(0)
    /// Sequence number of the peer's FIN.
    var peerFin = SequenceNumber(0)
    /// TS.Recent of RFC 7323 4.3, as this endpoint's last segment echoed it; 0 = not known, or no timestamps.
    var recentTimestamp: UInt32 = 0

    /// An endpoint about which nothing is known.
    public init() {}

    /// Whether SND.NXT and SND.UNA are known.
    @inlinable public var knowsSendSequence: Bool { knowledge.rawValue & Knowledge.send.rawValue != 0 }
    /// Whether ISS is known, so that relative sequence numbers are exact.
    @inlinable public var knowsInitialSequence: Bool { knowledge.rawValue & Knowledge.iss.rawValue != 0 }
    /// The base of relative sequence numbers: ISS, or its stand-in if the SYN was not seen.
    public var relativeBase: SequenceNumber { iss }
    /// Whether this endpoint sent a FIN.
    @inlinable public var hasSentFin: Bool { knowledge.rawValue & Knowledge.ownFin.rawValue != 0 }
    /// Whether it sent a SYN-ACK, so that another one is a retransmission.
    public var hasSentSynAck: Bool { knowledge.contains(.synAckSent) }
    /// Whether the peer's SYN carried text, so that this endpoint may send text before it is open (RFC 7413 3).
    public var mayAnswerFast: Bool { knowledge.contains(.fastOpen) }
    /// Whether it is in SYN-SENT, and no answer has been captured since its last SYN.
    public var isAsking: Bool { state == .synSent && !knowledge.contains(.answerPassed) }

    /// Whether it sent a SYN without ACK.
    public var openedActively: Bool { knowledge.contains(.activeOpen) }

    /// Whether the kernel shows that it was open, but no captured segment does.
    public var wasOpenUncaptured: Bool { knowledge.contains(.openUncaptured) }
    /// Whether the kernel shows a SYN's answer, a FIN or a RST, its own or the peer's, that was not captured.
    public var isLedByKernel: Bool { knowledge.contains(.ledByKernel) }

    /// Whether it is thought to have given up its attempt because of an ICMP error.
    public var hasGivenUp: Bool { knowledge.contains(.givenUp) && state == .closed }

    /// Whether this endpoint sent a FIN and SND.UNA is beyond it.
    public var finIsAcknowledged: Bool {
        knowledge.contains(.ownFin) && sendUnacknowledged.isAfter(ownFin)
    }

    /// The scale of the windows this endpoint advertises after its SYN; nil if a SYN was not seen.
    public var windowShift: UInt8? {
        // The usual case: both are shifts.
        if max(ownShift, peerShift) < Self.shiftAbsent { return ownShift }
        if ownShift == Self.shiftUnknown || peerShift == Self.shiftUnknown { return nil }
        // RFC 7323 2.2: scaling is on only if both SYNs offered it.
        return 0
    }

    /// Whether `sequence` lies in the receive window, as far as that is known (3.4):
    /// a SYN there is challenged (RFC 5961 4).
    public func hasInWindow(_ sequence: SequenceNumber) -> Bool {
        knowledge.contains([.receive, .window]) && sequence.isAtOrAfter(receiveNext) && sequence.isBefore(receiveLimit)
    }

    // MARK: Steps shared by `sent` and `arrives`

    /// Enters `next` and records the transition; the endpoint's certainty becomes that of the transition.
    mutating func enter(_ next: TCPState, _ certainty: Certainty, _ rule: RFCRule, _ reaction: inout Reaction) {
        reaction.append(Transition(from: state, to: next, certainty: certainty, rule: rule))
        state = next
        self.certainty = certainty
    }

    /// Enters `next` as if from `origin`, for states that are implied, like a listener's LISTEN.
    mutating func enter(
        _ next: TCPState, from origin: TCPState, _ certainty: Certainty, _ rule: RFCRule, _ reaction: inout Reaction
    ) {
        state = origin
        enter(next, certainty, rule, &reaction)
    }

    /// Moves SND.NXT.
    @inline(__always) mutating func moveSendNext(to end: SequenceNumber) {
        sendNext = end
        if end.offset(from: iss) >= SequenceNumber.furthestInFlight { knowledge.insert(.farFromOwnSyn) }
    }

    /// Moves RCV.NXT past text.
    @inline(__always) mutating func moveReceiveNext(to end: SequenceNumber) {
        receiveNext = end
        if end.offset(from: irs) >= SequenceNumber.furthestInFlight { knowledge.insert(.farFromPeerSyn) }
    }

    /// The first number known of what this endpoint sends, which is not that of its SYN: all before it counts as sent
    /// and acknowledged.
    mutating func startMidstream(at next: SequenceNumber) {
        knowledge.insert(.send)
        iss = next.previous
        sendUnacknowledged = next
        sendNext = next
    }

    /// The peer's SYN arrived: sets IRS, RCV.NXT and the scale of the peer's windows. Its text is a separate matter.
    @inline(__always) mutating func learnPeerSyn(_ segment: Segment) {
        knowledge.insert([.irs, .receive])
        irs = segment.sequence
        receiveNext = segment.sequence.advanced(by: 1)
        peerShift = Self.shift(of: segment)
    }

    /// The peer's FIN arrived: RCV.NXT passes it and the state follows (RFC 9293 3.10.7.4, eighth check).
    mutating func processPeerFin(_ certainty: Certainty, _ reaction: inout Reaction) {
        knowledge.insert(.peerFinProcessed)
        knowledge.remove(.finBeyondWindow)
        let afterFin = peerFin.advanced(by: 1)
        if receiveNext.isBefore(afterFin) { receiveNext = afterFin }
        switch state {
        case .synReceived, .established:
            enter(.closeWait, certainty, .fin, &reaction)
        case .finWait1:
            // "If our FIN has been ACKed (perhaps in this segment)" means FIN-WAIT-2 by now, as the
            // ACK is processed first. But if that was retracted because this segment was lost,
            // another copy of it may have arrived since.
            if knowledge.contains(.peerFinCoversOwn) {
                sendUnacknowledged = ownFin.advanced(by: 1)
                enter(.finWait2, certainty, .finWait1Ack, &reaction)
                enter(.timeWait, certainty, .fin, &reaction)
            } else {
                enter(.closing, certainty, .fin, &reaction)
            }
        case .finWait2:
            enter(.timeWait, certainty, .fin, &reaction)
        case .unseen, .closed, .listen, .synSent, .closeWait, .closing, .lastAck, .timeWait:
            break
        }
    }

    // MARK: Inputs that are not segments

    /// The kernel no longer has the socket. In TIME-WAIT that means the timeout (RFC 9293 3.10.8).
    public mutating func kernelDropsSocket() -> Reaction {
        var reaction = Reaction()
        switch state {
        case .timeWait: enter(.closed, .confirmed, .timeWaitTimeout, &reaction)
        case .unseen, .closed, .listen: break
        case .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            enter(.closed, .confirmed, .kernelClosed, &reaction)
        }
        return reaction
    }

    /// Whether this sequence number is in flight, as one quoted by an ICMP error must be (RFC 5927 4.1).
    public func isInFlight(_ sequence: SequenceNumber) -> Bool {
        knowledge.contains(.send) && !sequence.isBefore(sendUnacknowledged) && sequence.isBefore(sendNext)
    }

    /// An ICMP error arrived for which Linux gives up an attempt to open, or a request that it
    /// has not completed. This is inferred: we do not see whether the host received the error,
    /// nor whether it runs Linux. If the attempt continues, `sent` retracts this.
    public mutating func icmpEndsAttempt() -> Reaction {
        var reaction = Reaction()
        if state == .synSent {
            knowledge.insert(.givenUp)
            enter(.closed, .inferred, .icmpError, &reaction)
        } else if state == .synReceived && !openedActively {
            enter(.listen, .inferred, .icmpError, &reaction)
        }
        return reaction
    }

    /// The kernel reports the state that we have for the endpoint.
    public mutating func kernelConfirms() { certainty = .confirmed }
}
