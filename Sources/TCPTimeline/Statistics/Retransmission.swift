// What kind of retransmission a segment is, when it is sent, and what later evidence says of it.

public import TCPModel

/// Why a segment carries octets that were sent before, as far as can be told when it is sent.
public enum RetransmissionKind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// A SYN or SYN-ACK again.
    case opening
    /// After three duplicate ACKs, or below a block that the receiver has (RFC 5681 3.2, RFC 6675 5).
    case fast
    /// The oldest octet not acknowledged, after a silence (RFC 6298 5.4).
    case timeout
    /// What was sent after the octets that a timeout sent again, again.
    case timeoutRecovery
    /// The last segment, once, about two round trips after it was sent (RFC 8985 7.2).
    case tailLossProbe
    /// The only segment in flight, after the retransmission timeout: with SACK a probe waits as long as the timer where one segment is in
    /// flight (Linux: the smaller of that and two round trips and 200 ms; RFC 8985 7.2), so that it may be either. Linux by its defaults
    /// always probes first. The next one tells, if there is one. The sender's own kernel does not: its event is the same for both
    /// (tcp:tcp_retransmit_skb), and how many timeouts it counts in a row is 0 again with the ACK, before it is read. So it is with the last
    /// segment after some 200 ms where nothing of the other side was captured: then nobody knows how long the timer is.
    case timeoutOrProbe
    /// All of it had been acknowledged.
    case acknowledged
    /// A router said that it was too big for its link: sent again at once, in smaller segments (RFC 1191 6.4, RFC 8201 5.4).
    case pathMTU
    /// Text that a SYN brought and its receiver did not take: sent again once the connection is open (RFC 7413 4.2.2).
    case fastOpen
    /// None of these: too soon for a timer, and nobody asked for it.
    case other

    /// For programs.
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

/// What told that a retransmission was not needed.
public enum SpuriousEvidence: UInt8, Sendable, BitwiseCopyable {
    /// The receiver reported the octets as received twice (D-SACK, RFC 2883 4).
    case duplicateSACK
    /// The ACK echoes the time stamp of the first copy (Eifel, RFC 3522 3.2).
    case timestampEcho
    /// They were acknowledged before they were sent again.
    case acknowledgedBefore

    /// For programs.
    public var name: StaticString {
        switch self {
        case .duplicateSACK: "dsack"
        case .timestampEcho: "timestamp_echo"
        case .acknowledgedBefore: "acknowledged_before"
        }
    }
}

/// How a segment that came below the highest one got there, if it was not captured before.
public enum LateKind: UInt8, Sendable, BitwiseCopyable {
    /// The network put it behind segments that were sent after it: its time stamp or identification is the older one.
    case reordered
    /// Only the capture put it there: its ACK is in the capture already (CASES E10), or its own time is the earlier one.
    case reorderedInCapture
    /// Its first copy was lost before it came to where the capture is: it was sent again.
    case lostBeforeCapture

    /// For programs.
    public var name: StaticString {
        switch self {
        case .reordered: "reordered"
        case .reorderedInCapture: "reordered_in_capture"
        case .lostBeforeCapture: "lost_before_capture"
        }
    }
}

/// One retransmission that is remembered until evidence for or against it comes.
public struct RetransmissionRecord: BitwiseCopyable, Sendable {
    /// The frame.
    public internal(set) var frame: UInt64
    /// The frame of the transmission before it; 0 if that is not known any more, as it had been acknowledged.
    public internal(set) var previousFrame: UInt64
    /// When it was sent.
    public internal(set) var time: Timestamp
    /// How long after the transmission before it that was, in nanoseconds; 0 if that is not known any more, as it had been acknowledged.
    public internal(set) var silence: Int64 = 0
    /// What it is.
    public internal(set) var kind: RetransmissionKind
    /// Which timeout in a row, counted from 1; 0 for other kinds.
    public internal(set) var timeouts: UInt8
    /// Whether it shows that the one before, which may have been a timeout, was a tail loss probe.
    public internal(set) var followsProbe = false
    /// Why it was not needed; nil as long as it may have been.
    public internal(set) var spurious: SpuriousEvidence?
    /// The octets, as offsets from the sender's first number.
    var start: Int64
    var end: Int64
    var timestamp: UInt32
    var hasTimestamp: Bool
    /// Whether an ACK has covered it.
    var isSettled = false
    /// How many of its octets D-SACKs have not reported as received twice; its FIN counts where it has no text.
    var unreported: Int64
}

/// What the statistics make of one segment.
public struct SegmentVerdict: BitwiseCopyable, Sendable {
    /// Octets of it were sent before: the kind, what it follows and, at once or never, why it was not needed.
    public internal(set) var retransmission: RetransmissionRecord?
    /// It comes late, and was not captured before.
    public internal(set) var late: LateKind?
    /// It shows that this earlier retransmission of the other side was not needed.
    public internal(set) var exposes: RetransmissionRecord?

    init() {}
}
