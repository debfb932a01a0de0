// What one segment did to one endpoint: at most a few transitions, and anything remarkable. Plain data, no heap.

public import TCPModel

/// One change of an endpoint's state.
public struct Transition: BitwiseCopyable, Sendable, Equatable {
    /// The state before.
    public var from: TCPState
    /// The state after.
    public var to: TCPState
    /// How certain it is, at this point, that the transition happened.
    public var certainty: Certainty
    /// The rule that caused it.
    public var rule: RFCRule

    /// A transition from its parts.
    public init(from: TCPState, to: TCPState, certainty: Certainty, rule: RFCRule) {
        self.from = from
        self.to = to
        self.certainty = certainty
        self.rule = rule
    }
}

/// Surprising traffic, by name. Nothing on the wire is an error: an anomaly is noted and the machine carries on.
public struct Anomalies: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// One bit per anomaly.
    public var rawValue: UInt32
    /// The anomalies with these bits.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// SYN together with FIN or RST, or none of SYN, FIN, RST and ACK: no TCP sends this;
    /// hosts drop it, or see only the RST.
    @inlinable public static var meaninglessFlags: Anomalies { Anomalies(rawValue: 1 << 0) }
    /// A SYN inside a synchronized connection; answered with a challenge ACK (RFC 9293 3.10.7.4, fourth check).
    @inlinable public static var synInsideConnection: Anomalies { Anomalies(rawValue: 1 << 1) }
    /// A second SYN or SYN-ACK from one endpoint with a different initial sequence number.
    @inlinable public static var initialSequenceChanged: Anomalies { Anomalies(rawValue: 1 << 2) }
    /// An ACK that SYN-SENT or SYN-RECEIVED cannot accept; the host answers it with a RST (3.10.7.3, 3.10.7.4).
    @inlinable public static var unacceptableAck: Anomalies { Anomalies(rawValue: 1 << 3) }
    /// An ACK of octets that were not seen being sent: frames are missing from the capture, not lost on the network.
    @inlinable public static var acknowledgedUnseen: Anomalies { Anomalies(rawValue: 1 << 4) }
    /// An ACK far beyond anything sent, beyond a FIN, or from before the SYN; the receiver ignores it (RFC 5961 5).
    @inlinable public static var blindAck: Anomalies { Anomalies(rawValue: 1 << 5) }
    /// A RST in the window but not exactly at RCV.NXT: it does not close the connection
    /// but draws a challenge ACK (RFC 5961 3.2).
    @inlinable public static var resetNotExact: Anomalies { Anomalies(rawValue: 1 << 6) }
    /// A RST outside the window, or one without the ACK that SYN-SENT demands: ignored.
    @inlinable public static var resetIgnored: Anomalies { Anomalies(rawValue: 1 << 7) }
    /// A FIN from an endpoint that has not finished opening.
    @inlinable public static var finBeforeOpen: Anomalies { Anomalies(rawValue: 1 << 8) }
    /// A second FIN with a different sequence number, or one before text that was sent and acknowledged.
    @inlinable public static var finMoved: Anomalies { Anomalies(rawValue: 1 << 9) }
    /// Text or FIN after this endpoint's own FIN or RST.
    @inlinable public static var sentAfterClose: Anomalies { Anomalies(rawValue: 1 << 10) }
    /// Text, SYN or FIN for an endpoint that has closed.
    @inlinable public static var arrivedAfterClose: Anomalies { Anomalies(rawValue: 1 << 11) }
    /// Text or FIN beyond the receiver's advertised window.
    @inlinable public static var beyondWindow: Anomalies { Anomalies(rawValue: 1 << 12) }
    /// A segment without ACK where RFC 9293 demands one; dropped.
    @inlinable public static var ackMissing: Anomalies { Anomalies(rawValue: 1 << 13) }
    /// A RST that only answers an unacceptable ACK: its sender's state does not change (3.10.7.3).
    @inlinable public static var resetAnswersBadAck: Anomalies { Anomalies(rawValue: 1 << 14) }
    /// An endpoint continues after a RST that should have ended it: the RST was forged, or was not accepted.
    @inlinable public static var resetUnheeded: Anomalies { Anomalies(rawValue: 1 << 15) }
    /// A timestamp older than the last one that the receiver accepted:
    /// it drops the segment and sends an ACK (PAWS, RFC 7323 5).
    @inlinable public static var oldTimestamp: Anomalies { Anomalies(rawValue: 1 << 16) }
    /// A segment from before its sender's SYN: a late one from an earlier connection on the same four-tuple.
    @inlinable public static var staleSegment: Anomalies { Anomalies(rawValue: 1 << 17) }
}

/// The result of one machine step. Sixteen octets, so that it is passed in registers.
public struct Reaction: BitwiseCopyable, Sendable, Equatable {
    /// The transitions, 16 bits each: from and to (4 bits each), certainty (2), rule (6).
    private var packed: UInt64 = 0
    /// The anomalies noted in this step.
    public var anomalies: Anomalies = []
    private var length: UInt32 = 0

    /// A reaction in which nothing happened.
    public init() {}

    /// The number of transitions, at most `most`.
    public var count: Int { Int(length) }

    /// The transition at `index`, which is less than `count`.
    public subscript(index: Int) -> Transition {
        precondition(index >= 0 && index < count)
        let bits = packed >> UInt64(index * 16)
        // Only `append` writes here, so every part is the raw value of a case.
        return Transition(
            from: TCPState(rawValue: UInt8(bits & 15)) ?? .unseen,
            to: TCPState(rawValue: UInt8(bits >> 4 & 15)) ?? .unseen,
            certainty: Certainty(rawValue: UInt8(bits >> 8 & 3)) ?? .assumed,
            rule: RFCRule(rawValue: UInt8(bits >> 10 & 63)) ?? .midstream)
    }

    /// Appends a later reaction: its anomalies and its transitions.
    public mutating func append(_ later: Reaction) {
        anomalies.formUnion(later.anomalies)
        for index in 0..<later.count { append(later[index]) }
    }

    /// One segment makes at most four: open, retract, close, peer's FIN.
    private static var most: UInt32 { 4 }

    mutating func append(_ later: Transition) {
        var transition = later
        // Several segments that are taken in together may make more: then the last one has led from where it began to
        // where they end, so that the states still follow one another.
        if length == Self.most {
            transition = Transition(
                from: self[count - 1].from, to: later.to, certainty: later.certainty, rule: later.rule)
            length -= 1
            packed &= ~(0xffff << UInt64(length * 16))
        }
        let states = UInt64(transition.from.rawValue) | UInt64(transition.to.rawValue) << 4
        let reasons = UInt64(transition.certainty.rawValue) << 8 | UInt64(transition.rule.rawValue) << 10
        packed |= (states | reasons) << UInt64(length * 16)
        length += 1
    }
}
