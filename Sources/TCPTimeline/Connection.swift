// One connection: one incarnation of a four-tuple, both endpoints, and what was counted on the way.

public import TCPMachine
public import TCPModel

/// What one side sent.
public struct SideCounters: BitwiseCopyable, Sendable {
    /// Segments.
    public internal(set) var packets: UInt32 = 0
    /// Segments that carried sequence space seen before (keep-alives and window probes are not counted).
    public internal(set) var retransmissions: UInt32 = 0
    /// Octets of text by sequence space: each octet once, and octets that the peer acknowledged though we missed them.
    public internal(set) var uniqueBytes: UInt64 = 0
    /// Octets of IP datagrams.
    public internal(set) var ipBytes: UInt64 = 0
    /// The last SEG.ACK sent, for telling duplicates.
    var lastAck = SequenceNumber(0)
    /// The sequence number of its last RST.
    var lastReset = SequenceNumber(0)
    /// Whether it sent a RST.
    var hasReset = false
    /// Whether a segment without SYN was sent: only from then on windows are scaled, and comparable.
    var hasPlainWindow = false
    /// The last SEG.WND sent, as on the wire.
    var lastWindow: UInt16 = 0
    /// How often it advertised a window of 0 that Zeek heeds.
    var zeroWindows: UInt16 = 0
    /// Retransmissions without text, SYN or FIN alone: the others are what Zeek's `t` counts. Stays at 255.
    var controlRetransmissions: UInt8 = 0
    /// How often the peer acknowledged octets of it that the capture does not have. Stays at 255.
    var contentGaps: UInt8 = 0

    init() {}
}

/// One incarnation of a four-tuple. Plain data: about 330 octets.
public struct Connection: BitwiseCopyable, Sendable {
    /// What has been seen, one bit a fact.
    public struct Facts: OptionSet, BitwiseCopyable, Sendable {
        /// The bits.
        public var rawValue: UInt16
        /// The facts with these bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A SYN without ACK.
        public static let synSeen = Facts(rawValue: 1 << 0)
        /// A SYN-ACK.
        public static let synAckSeen = Facts(rawValue: 1 << 1)
        /// A FIN of the originator.
        public static let originatorFin = Facts(rawValue: 1 << 2)
        /// A FIN of the responder.
        public static let responderFin = Facts(rawValue: 1 << 3)
        /// The originator closed (FIN) before the responder.
        public static let originatorClosedFirst = Facts(rawValue: 1 << 4)
        /// A RST ended it.
        public static let reset = Facts(rawValue: 1 << 5)
        /// That RST was the originator's.
        public static let originatorReset = Facts(rawValue: 1 << 6)
        /// A RST answered the SYN.
        public static let refused = Facts(rawValue: 1 << 7)
        /// Who opened it is a guess: no SYN and no SYN-ACK was seen first.
        public static let rolesGuessed = Facts(rawValue: 1 << 8)
        /// The originator sent something besides SYN and RST.
        public static let originatorMoreThanSyn = Facts(rawValue: 1 << 9)
        /// Its end was reported and it only waits for late segments.
        public static let reported = Facts(rawValue: 1 << 10)
        /// It is in the queue of ended connections.
        public static let queued = Facts(rawValue: 1 << 11)
        /// A newer incarnation took its four-tuple.
        public static let replaced = Facts(rawValue: 1 << 12)
        /// The originator sent a SYN-ACK (simultaneous open, self-connect).
        public static let originatorSynAck = Facts(rawValue: 1 << 13)
        /// The responder sent a SYN-ACK.
        public static let responderSynAck = Facts(rawValue: 1 << 14)
        /// An ICMP error ended the originator's attempt, as far as it shows.
        public static let unreachable = Facts(rawValue: 1 << 15)
    }

    /// Its number, counted from 1 in the order of first segments.
    public let number: UInt64
    /// From the originator to the responder.
    public let tuple: FourTuple
    /// Which interface of the capture the first segment came from.
    public let interface: UInt16
    /// The tunnel that the first segment came through; the innermost one if there were several.
    public let tunnel: Tunnel
    /// What the latest ICMP error about it said; `other` with `facts` silent if there was none.
    public internal(set) var icmpKind = ICMPError.Kind.other
    /// Time of the first segment.
    public let firstTime: Timestamp
    /// SEG.SEQ of the first segment, whoever sent it.
    public let firstSequence: SequenceNumber
    /// Time of the latest segment.
    public internal(set) var lastTime: Timestamp
    /// Time of the latest segment before both sides had ended: what Zeek's duration reaches to.
    public internal(set) var lastLiveTime: Timestamp
    /// Octets of text of either side that were acknowledged though the capture does not have them.
    public internal(set) var missedBytes: UInt64 = 0
    /// What the capture skipped, until it comes or is acknowledged.
    var gaps = ContentGaps()
    /// Nanoseconds from the first SYN to the first SYN-ACK; negative if unknown.
    public internal(set) var synAckDelay: Int64 = -1
    /// Nanoseconds from the first SYN to the first ACK of the SYN-ACK; negative if unknown.
    public internal(set) var openDelay: Int64 = -1
    /// The originator.
    public internal(set) var originator = EndpointMachine()
    /// The responder; not used in a self-connect, where the originator is both.
    public internal(set) var responder = EndpointMachine()
    /// What each side sent: the originator's at 0, the responder's at 1.
    public internal(set) var counters: InlineArray<2, SideCounters> = .init(repeating: SideCounters())
    /// What has been seen.
    public internal(set) var facts: Facts = []
    /// Zeek's view.
    public internal(set) var zeek = ZeekState()
    /// Wireshark's view.
    public internal(set) var completeness: Completeness = []
    /// Zeek's history.
    public internal(set) var history = ConnectionHistory()

    init(number: UInt64, tuple: FourTuple, first segment: Segment, time: Timestamp, interface: UInt16) {
        self.number = number
        self.tuple = tuple
        self.interface = interface
        tunnel = segment.tunnel
        firstTime = time
        firstSequence = segment.sequence
        lastTime = time
        lastLiveTime = time
    }

    /// Whether one socket is connected to itself.
    public var isSelfConnect: Bool { tuple.source == tuple.destination }

    /// The endpoint of one side; in a self-connect both are the same.
    public func endpoint(_ side: Side) -> EndpointMachine {
        side == .originator || isSelfConnect ? originator : responder
    }

    /// The address of one side.
    public func address(_ side: Side) -> SocketAddress { side == .originator ? tuple.source : tuple.destination }

    /// Nanoseconds from the first to the latest segment.
    public var duration: Int64 { lastTime.since(firstTime) }

    /// Whether nothing more can come of it: both sides are closed, or only wait out TIME-WAIT.
    public var isEnded: Bool {
        func isOver(_ state: TCPState) -> Bool {
            switch state {
            case .closed, .timeWait, .listen: true
            case .unseen, .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
                false
            }
        }
        return isOver(originator.state)
            && (isSelfConnect || isOver(responder.state) || !facts.isDisjoint(with: [.reset, .unreachable]))
    }

    /// Who ended it: the sender of the RST, else of the first FIN; nil if nobody has.
    public var closer: Side? {
        if facts.contains(.reset) { return facts.contains(.originatorReset) ? .originator : .responder }
        if facts.intersection([.originatorFin, .responderFin]).isEmpty { return nil }
        return facts.contains(.originatorClosedFirst) ? .originator : .responder
    }
}

/// One of a connection's two sides.
public enum Side: UInt8, Sendable, BitwiseCopyable {
    /// Who sent the SYN.
    case originator
    /// Who answered it.
    case responder

    /// The other one.
    @inlinable public var other: Side { self == .originator ? .responder : .originator }
}
