// One connection: one incarnation of a four-tuple, both endpoints, and its counters.

public import TCPMachine
public import TCPModel

/// What one side sent.
public struct SideCounters: BitwiseCopyable, Sendable {
    /// Segments.
    public let packets: UInt32
    /// Segments that carried sequence space seen before (keep-alives and window probes are not counted).
    public let retransmissions: UInt32
    /// Octets of text by sequence space: each octet once, including octets that the
    /// peer acknowledged but the capture lacks.
    public let uniqueBytes: UInt64
    /// Octets of IP datagrams.
    public let ipBytes: UInt64

    init(_ side: HotSide) {
        packets = side.packets
        retransmissions = side.retransmissions
        uniqueBytes = side.uniqueBytes
        ipBytes = side.ipBytes
    }
}

/// One incarnation of a four-tuple. Plain data, assembled from the two parts that the table keeps.
public struct Connection: BitwiseCopyable, Sendable {
    /// What has been seen, one bit per fact.
    public struct Facts: OptionSet, BitwiseCopyable, Sendable {
        /// The bits.
        public var rawValue: UInt16
        /// The facts with these bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A SYN without ACK.
        public static let synSeen = Facts(rawValue: 1 << 0)
        /// A SYN-ACK.
        public static let synAckSeen = Facts(rawValue: 1 << 1)
        /// A FIN of the originator: captured, or the kernel shows that it was sent.
        public static let originatorFin = Facts(rawValue: 1 << 2)
        /// A FIN of the responder: captured, or the kernel shows that it was sent.
        public static let responderFin = Facts(rawValue: 1 << 3)
        /// The originator closed (FIN) before the responder.
        public static let originatorClosedFirst = Facts(rawValue: 1 << 4)
        /// A RST ended it.
        public static let reset = Facts(rawValue: 1 << 5)
        /// That RST was the originator's.
        public static let originatorReset = Facts(rawValue: 1 << 6)
        /// A RST answered the SYN.
        public static let refused = Facts(rawValue: 1 << 7)
        /// The roles are a guess: the first segment had no SYN, and no listener of the traced host shows the server.
        public static let rolesGuessed = Facts(rawValue: 1 << 8)
        /// The originator sent something besides SYN and RST.
        public static let originatorMoreThanSyn = Facts(rawValue: 1 << 9)
        /// Its end was reported, and it is kept only for late segments.
        public static let reported = Facts(rawValue: 1 << 10)
        /// It is in the queue of ended connections.
        public static let queued = Facts(rawValue: 1 << 11)
        /// A newer incarnation took its four-tuple.
        public static let replaced = Facts(rawValue: 1 << 12)
        /// The originator sent a SYN-ACK (simultaneous open, self-connect).
        public static let originatorSynAck = Facts(rawValue: 1 << 13)
        /// The responder sent a SYN-ACK.
        public static let responderSynAck = Facts(rawValue: 1 << 14)
        /// Octets were skipped that have neither arrived nor been acknowledged, or a window came from beyond SND.NXT.
        static let needsGeneralPath = Facts(rawValue: 1 << 15)
    }

    /// What the table keeps for every connection.
    var hot: HotPart
    /// What only few connections have.
    var rare: RarePart

    init(_ hot: HotPart, _ rare: RarePart = RarePart()) {
        self.hot = hot
        self.rare = rare
    }

    /// Its number, counted from 1 in the order of first segments.
    public var number: UInt64 { hot.number }
    /// What identifies it.
    public var name: ConnectionName { hot.name }
    /// From the originator to the responder.
    public var tuple: FourTuple { hot.tuple }
    /// The capture interface that the first segment came from.
    public var interface: UInt16 { hot.interface }
    /// The tunnel that the first segment came through; the innermost one if there were several.
    public var tunnel: Tunnel { hot.tunnel }
    /// What the latest ICMP error about it said; nil if there was none.
    public var icmpKind: ICMPError.Kind? { rare.icmpKind }
    /// Whether an ICMP error ended the originator's attempt, as far as segments show.
    public var isUnreachable: Bool { hot.isUnreachable }
    /// Time of the first segment.
    public var firstTime: Timestamp { hot.firstTime }
    /// SEG.SEQ of the first segment, whoever sent it.
    public var firstSequence: SequenceNumber { hot.firstSequence }
    /// Time of the latest segment.
    public var lastTime: Timestamp { hot.lastTime }
    /// Time of the latest segment before both sides had ended: where Zeek's duration ends.
    public var lastLiveTime: Timestamp { hot.lastLiveTime }
    /// Octets of text from either side that were acknowledged but are missing from the capture.
    public var missedBytes: UInt64 { rare.missedBytes }
    /// Nanoseconds from the first SYN to the first SYN-ACK, at most 39 hours; negative if unknown.
    public var synAckDelay: Int64 { hot.handshake.synAck }
    /// Nanoseconds from the first SYN to the first segment that its sender sent after the SYN-ACK, at most 39 hours;
    /// negative if unknown. Only `handshakeTime` says whether that segment was the ACK of the SYN-ACK.
    public var openDelay: Int64 { hot.handshake.open }
    /// Nanoseconds from the first SYN to the ACK of the SYN-ACK, at most 39 hours; negative if that was not captured.
    public var handshakeTime: Int64 { hot.handshake.measured }
    /// When it opened: the time of the ACK of the SYN-ACK; nil if that was not captured. Times with an upper bound,
    /// such as the time to accept(), count from here: from a later moment they would be too short.
    public var openTime: Timestamp? { handshakeTime < 0 ? nil : firstTime.advanced(by: handshakeTime) }
    /// When it was certainly open: `openTime`, or the time of the originator's first later segment if that ACK was not
    /// captured; nil if there is none. Minimum durations count from here, and so does the order in which connections
    /// wait: a moment too late does no harm there.
    public var surelyOpenTime: Timestamp? { openDelay < 0 ? nil : firstTime.advanced(by: openDelay) }
    /// The originator.
    public var originator: EndpointMachine { hot.endpoints[0] }
    /// The responder; not used in a self-connect, where the originator is both.
    public var responder: EndpointMachine { hot.endpoints[1] }
    /// What each side sent: the originator's at 0, the responder's at 1.
    public var counters: InlineArray<2, SideCounters> { [SideCounters(hot.sides[0]), SideCounters(hot.sides[1])] }
    /// What has been seen.
    public var facts: Facts { hot.facts }
    /// Zeek's view.
    public var zeek: ZeekState { hot.zeek }
    /// Wireshark's view.
    public var completeness: Completeness { hot.completeness }
    /// Zeek's history.
    public var history: ConnectionHistory { hot.history }

    /// Whether one socket is connected to itself.
    public var isSelfConnect: Bool { hot.isSelfConnect }

    /// The endpoint of one side; in a self-connect both are the same.
    public func endpoint(_ side: Side) -> EndpointMachine { hot.endpoint(side) }

    /// The address of one side.
    public func address(_ side: Side) -> SocketAddress { side == .originator ? tuple.source : tuple.destination }

    /// Nanoseconds from the first to the latest segment.
    public var duration: Int64 { hot.duration }

    /// Whether nothing more can happen to it: both sides are closed, or only wait out TIME-WAIT.
    public var isEnded: Bool { hot.isEnded }

    /// The side that ended it: the sender of the RST, else of the first FIN; nil if it has not ended,
    /// or that is unknown (see `mayLackFin`).
    public var closer: Side? { hot.closer }

    /// Whether the only known FIN may have answered another one, or been answered:
    /// nothing from the other side was captured, and no kernel reports on it.
    public var mayLackFin: Bool { hot.mayLackFin }
}
