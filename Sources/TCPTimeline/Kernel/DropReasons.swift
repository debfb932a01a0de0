// What the kernel's word for why it threw a packet away (skb_drop_reason) tells of the packet.

public import TCPModel

extension KernelWord {
    /// Reasons for dropping what leaves this host, as others than NEIGH_... are.
    private static let outbound: Set<String> = [
        "IP_OUTNOROUTES", "BPF_CGROUP_EGRESS", "TC_EGRESS", "PKT_TOO_BIG", "PSP_OUTPUT", "SKB_GSO_SEG",
        "RECURSION_LIMIT",
    ]

    /// Whether what is dropped for this reason may be on its way out of this host, so that the capture lacks it. The others
    /// are a receiver's.
    public var mayBeOnTheWayOut: Bool {
        if self == .netfilterDrop { return true }
        let reason = text
        return reason.hasPrefix("NEIGH_") || reason.hasPrefix("QDISC_") || Self.outbound.contains(reason)
    }

    /// Whether a SYN that was captured can be dropped for this reason. Events come from everybody on this host: a RST that finds no socket,
    /// or an old segment, somewhere else at the same moment, is none.
    var mayDropSyn: Bool {
        if self == .netfilterDrop { return true }
        if self == .noSocket { return false }
        let reason = text
        // What was captured was not dropped on its way out before that.
        if reason.hasPrefix("NEIGH_") || Self.outbound.contains(reason) { return false }
        guard reason.hasPrefix("TCP_") else { return true }
        return reason.hasPrefix("TCP_MD5") || reason.hasPrefix("TCP_AO") || reason.hasPrefix("TCP_LISTEN")
            || reason == "TCP_CSUM" || reason == "TCP_FLAGS"
    }
}

extension Timestamp {
    /// A packet is dropped at most so long after it was captured, in nanoseconds: both happen in the same interrupt, mostly.
    private static let dropDelay = Span.millisecond

    /// Whether what was captured now may be what was dropped then.
    func isJustBefore(drop: Timestamp) -> Bool {
        (-SocketTracks.clockError...Self.dropDelay).contains(drop.since(self))
    }
}
