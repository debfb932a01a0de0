// What the kernel's reason for dropping a packet (skb_drop_reason) reveals about the packet.

public import TCPModel

extension KernelWord {
    /// Reasons for dropping outgoing packets, besides those that begin with NEIGH_ or QDISC_.
    private static let outbound: Set<String> = [
        "IP_OUTNOROUTES", "BPF_CGROUP_EGRESS", "TC_EGRESS", "PKT_TOO_BIG", "PSP_OUTPUT", "SKB_GSO_SEG",
        "RECURSION_LIMIT",
    ]

    /// Whether a packet dropped for this reason may have been on its way out of this host, so that the capture lacks
    /// it. All other reasons are a receiver's.
    public var mayBeOnTheWayOut: Bool {
        if self == .netfilterDrop { return true }
        let reason = text
        return reason.hasPrefix("NEIGH_") || reason.hasPrefix("QDISC_") || Self.outbound.contains(reason)
    }

    /// Whether a captured SYN can have been dropped for this reason. Events come from everything on this host: one
    /// about a RST that finds no socket, or about an old segment elsewhere at the same moment, does not count.
    var mayDropSyn: Bool {
        if self == .netfilterDrop { return true }
        if self == .noSocket { return false }
        let reason = text
        // A captured packet was not dropped earlier on its way out.
        if reason.hasPrefix("NEIGH_") || Self.outbound.contains(reason) { return false }
        guard reason.hasPrefix("TCP_") else { return true }
        return reason.hasPrefix("TCP_MD5") || reason.hasPrefix("TCP_AO") || reason.hasPrefix("TCP_LISTEN")
            || self == .wrongChecksum || reason == "TCP_FLAGS"
    }
}

extension Timestamp {
    /// The longest time from a packet's capture to its drop, in nanoseconds: usually both happen in the same interrupt.
    private static let dropDelay = Span.millisecond

    /// Whether a packet captured at this time may be the one dropped at `drop`.
    public func isJustBefore(drop: Timestamp) -> Bool {
        (-SocketTracks.clockError...Self.dropDelay).contains(drop.since(self))
    }
}
