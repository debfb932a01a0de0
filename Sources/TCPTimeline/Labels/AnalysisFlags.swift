// The names of Wireshark's tcp.analysis.* fields, as a set.

/// What Wireshark remarks on one segment: the last parts of the names of its `tcp.analysis.*` fields.
public struct AnalysisFlags: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// One bit per field.
    public var rawValue: UInt32
    /// The flags with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// It repeats octets that were sent before. Also set with `fastRetransmission` and `spuriousRetransmission`.
    public static let retransmission = AnalysisFlags(rawValue: 1 << 0)
    /// It repeats octets that two or more duplicate ACKs asked for less than 20 ms ago.
    public static let fastRetransmission = AnalysisFlags(rawValue: 1 << 1)
    /// All of it had been acknowledged before.
    public static let spuriousRetransmission = AnalysisFlags(rawValue: 1 << 2)
    /// It is late, but so soon after the highest segment that it is no retransmission.
    public static let outOfOrder = AnalysisFlags(rawValue: 1 << 3)
    /// A segment before it was not captured.
    public static let lostSegment = AnalysisFlags(rawValue: 1 << 4)
    /// It acknowledges a segment that was not captured.
    public static let ackLostSegment = AnalysisFlags(rawValue: 1 << 5)
    /// The same ACK and window again.
    public static let duplicateAck = AnalysisFlags(rawValue: 1 << 6)
    /// One octet or none, just before the next number.
    public static let keepAlive = AnalysisFlags(rawValue: 1 << 7)
    /// The answer to a keep-alive.
    public static let keepAliveAck = AnalysisFlags(rawValue: 1 << 8)
    /// The same ACK with another window.
    public static let windowUpdate = AnalysisFlags(rawValue: 1 << 9)
    /// It fills the peer's window to the last octet.
    public static let windowFull = AnalysisFlags(rawValue: 1 << 10)
    /// It advertises a window of 0.
    public static let zeroWindow = AnalysisFlags(rawValue: 1 << 11)
    /// One octet sent into a window of 0.
    public static let zeroWindowProbe = AnalysisFlags(rawValue: 1 << 12)
    /// The answer to a zero-window probe.
    public static let zeroWindowProbeAck = AnalysisFlags(rawValue: 1 << 13)
    /// A SYN or SYN-ACK with a new number on a four-tuple that had one before.
    public static let reusedPorts = AnalysisFlags(rawValue: 1 << 14)
    /// A SYN with a Fast Open cookie.
    public static let fastOpenSyn = AnalysisFlags(rawValue: 1 << 15)
    /// A SYN-ACK that acknowledges the SYN's data.
    public static let fastOpenAck = AnalysisFlags(rawValue: 1 << 16)
    /// A SYN-ACK that does not acknowledge the SYN's data.
    public static let fastOpenIgnored = AnalysisFlags(rawValue: 1 << 17)

    /// Every flag with Wireshark's name for it, in the order in which `names` lists them.
    public static let all: [(flag: AnalysisFlags, name: StaticString)] = [
        (.retransmission, "retransmission"),
        (.fastRetransmission, "fast_retransmission"),
        (.spuriousRetransmission, "spurious_retransmission"),
        (.outOfOrder, "out_of_order"),
        (.lostSegment, "lost_segment"),
        (.ackLostSegment, "ack_lost_segment"),
        (.duplicateAck, "duplicate_ack"),
        (.keepAlive, "keep_alive"),
        (.keepAliveAck, "keep_alive_ack"),
        (.windowUpdate, "window_update"),
        (.windowFull, "window_full"),
        (.zeroWindow, "zero_window"),
        (.zeroWindowProbe, "zero_window_probe"),
        (.zeroWindowProbeAck, "zero_window_probe_ack"),
        (.reusedPorts, "reused_ports"),
        (.fastOpenSyn, "tfo_syn"),
        (.fastOpenAck, "tfo_ack"),
        (.fastOpenIgnored, "tfo_ignored"),
    ]

    /// The names of the flags that are set.
    public var names: [StaticString] { Self.all.filter { contains($0.flag) }.map { $0.name } }
}
