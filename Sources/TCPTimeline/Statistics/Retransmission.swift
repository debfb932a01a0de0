// What kind of retransmission a segment is when it is sent, and what later evidence says about it.

public import TCPModel

/// Why a segment carries octets that were sent before, as far as can be told when it is sent.
public enum RetransmissionKind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// A retransmitted SYN or SYN-ACK.
    case opening
    /// After three duplicate ACKs, or below a block that the receiver has (RFC 5681 3.2, RFC 6675 5).
    case fast
    /// The oldest unacknowledged octet, after a silence (RFC 6298 5.4).
    case timeout
    /// Retransmissions after a timeout, of octets beyond those that the timeout itself retransmitted.
    case timeoutRecovery
    /// The last segment, once, about two round trips after it was sent (RFC 8985 7.2).
    case tailLossProbe
    /// The only segment in flight, after the retransmission timeout. With SACK and a single segment in flight, a probe
    /// waits as long as the timer does (Linux: the smaller of the timer and of two round trips plus 200 ms; RFC 8985
    /// 7.2), so it may be either. Linux with its defaults always probes first. The next retransmission, if there is
    /// one, tells. The sender's own kernel does not: its event is the same for both (tcp:tcp_retransmit_skb), and its
    /// count of successive timeouts is reset to 0 by the ACK before it is read. The same holds for the last segment
    /// after about 200 ms if nothing from the other side was captured: then the timer's length is unknown.
    case timeoutOrProbe
    /// All of it had been acknowledged before.
    case acknowledged
    /// A router reported that it was too big for a link: retransmitted at once,
    /// in smaller segments (RFC 1191 6.4, RFC 8201 5.4).
    case pathMTU
    /// Text in a SYN that the receiver did not accept: retransmitted once the connection is open (RFC 7413 4.2.2).
    case fastOpen
    /// None of these: too soon for a timer, and not asked for by the receiver.
    case other

    /// The name for programs.
    public var name: StaticString {
        switch self {
        case .opening: "opening"
        case .fast: "fast"
        case .timeout: "timeout"
        case .timeoutRecovery: "timeout_recovery"
        case .tailLossProbe: "tail_loss_probe"
        case .timeoutOrProbe: "timeout_or_probe"
        case .acknowledged: "acknowledged"
        case .pathMTU: "path_mtu"
        case .fastOpen: "fast_open"
        case .other: "other"
        }
    }
}

/// What showed that a retransmission was unnecessary.
public enum SpuriousEvidence: UInt8, Sendable, BitwiseCopyable {
    /// The receiver reported the octets as received twice (D-SACK, RFC 2883 4).
    case duplicateSACK
    /// The ACK echoes the timestamp of the first copy (Eifel, RFC 3522 3.2).
    case timestampEcho
    /// The octets had been acknowledged before they were retransmitted.
    case acknowledgedBefore

    /// The name for programs.
    public var name: StaticString {
        switch self {
        case .duplicateSACK: "dsack"
        case .timestampEcho: "timestamp_echo"
        case .acknowledgedBefore: "acknowledged_before"
        }
    }
}

/// How a segment below the highest one came to be late, if it was not captured before.
public enum LateKind: UInt8, Sendable, BitwiseCopyable {
    /// The network delivered it after segments that were sent later: its timestamp or identification is older.
    case reordered
    /// Only the capture put it there: its ACK was captured already (CASES E10), or its own capture time is earlier.
    case reorderedInCapture
    /// Its first copy was lost before it reached the capture point: this is a retransmission.
    case lostBeforeCapture

    /// The name for programs.
    public var name: StaticString {
        switch self {
        case .reordered: "reordered"
        case .reorderedInCapture: "reordered_in_capture"
        case .lostBeforeCapture: "lost_before_capture"
        }
    }
}

/// A retransmission that is remembered until evidence for or against it comes.
public struct RetransmissionRecord: BitwiseCopyable, Sendable {
    /// Its frame number.
    public internal(set) var frame: UInt64
    /// The frame of the previous transmission; 0 if that is no longer known, as the octets had been acknowledged.
    public internal(set) var previousFrame: UInt64
    /// When it was sent.
    public internal(set) var time: Timestamp
    /// Nanoseconds since the previous transmission, for a tail loss probe that of the latest text; 0 if that is no
    /// longer known, as the octets had been acknowledged.
    public internal(set) var silence: Int64 = 0
    /// Its kind.
    public internal(set) var kind: RetransmissionKind
    /// The number of this timeout in a row, counted from 1; 0 for other kinds.
    public internal(set) var timeouts: UInt8
    /// Whether it shows that the previous retransmission, which may have been a timeout, was a tail loss probe.
    public internal(set) var followsProbe = false
    /// Why it was unnecessary; nil as long as that is not known.
    public internal(set) var spurious: SpuriousEvidence?
    /// The octets, as offsets from the sender's first number.
    var start: Int64
    var end: Int64
    var timestamp: UInt32
    var hasTimestamp: Bool
    /// Whether an ACK has covered it.
    var isSettled = false
    /// Whether a segment's verdict has named it as unnecessary.
    var isNamed = false
    /// How many of its octets D-SACKs have not yet reported as received twice; its FIN counts if it has no text.
    var unreported: Int64
}

/// What the statistics conclude about one segment.
public struct SegmentVerdict: BitwiseCopyable, Sendable {
    /// It repeats octets: the kind of retransmission, what it follows and, if that is known at once,
    /// why it was unnecessary.
    public internal(set) var retransmission: RetransmissionRecord?
    /// It is late and was not captured before; how that came about.
    public internal(set) var late: LateKind?
    /// It probes the receiver's closed window (RFC 9293 3.8.6.1): by its shape, or because it repeats text.
    public internal(set) var probesWindow = false
    /// It shows that this earlier retransmission by the other side was unnecessary.
    public internal(set) var exposes: RetransmissionRecord?

    init() {}
}
