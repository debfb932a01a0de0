// The tracepoints in use, the fields that each needs, and its filter in the kernel.

/// A tracepoint that reports on TCP sockets.
enum TracepointKind: String, CaseIterable, Sendable {
    case setState = "sock/inet_sock_set_state"
    case sendReset = "tcp/tcp_send_reset"
    case receiveReset = "tcp/tcp_receive_reset"
    case retransmit = "tcp/tcp_retransmit_skb"
    case retransmitSynAck = "tcp/tcp_retransmit_synack"
    case errorReport = "sock/inet_sk_error_report"
    case destroy = "tcp/tcp_destroy_sock"
    case freePacket = "skb/kfree_skb"
    /// A process begins to exit; its descriptors are closed after that.
    case processExit = "sched/sched_process_exit"

    /// `tcp:tcp_send_reset`, as perf and the manuals write it.
    var name: String { String(rawValue.map { $0 == "/" ? ":" : $0 }) }

    /// Whether our own BPF programs already report this, or more: what happens several times per connection
    /// (`SocketProgram`), and whose packet was dropped (`PacketProgram`).
    func isTold(by programs: SocketRing) -> Bool {
        self == .setState || self == .destroy || self == .freePacket && programs.tellsDrops
    }

    /// The fields without which a record is useless.
    var neededFields: [String] {
        let ends = ["sport", "dport", "saddr", "daddr"]
        return switch self {
        case .setState: ["skaddr", "oldstate", "newstate"] + ends
        case .sendReset: ["saddr", "daddr"]
        case .receiveReset, .destroy: ["skaddr"] + ends
        case .retransmit, .retransmitSynAck: ends
        case .errorReport: ["error"] + ends
        case .freePacket: ["reason", "rx_sk", "skbaddr"]
        case .processExit: ["pid"]
        }
    }

    /// What a user misses without this tracepoint.
    var use: String {
        switch self {
        case .setState: "states between two readings"
        case .sendReset: "why a RST is sent"
        case .receiveReset: "which RST was accepted"
        case .retransmit: "the kernel's retransmissions"
        case .retransmitSynAck: "retransmitted SYN-ACKs"
        case .errorReport: "the errno that a program gets"
        case .destroy: "when a socket is destroyed"
        case .freePacket: "why the kernel dropped a packet"
        case .processExit: "whether a socket was closed or its process ended"
        }
    }

    /// The event filter for the kernel: TCP only and, if there are ports, only these (where the tracepoint has ports;
    /// tcp_send_reset may not). Nil to record every hit.
    func filter(_ format: TracepointFormat, ports: [UInt16]) -> String? {
        var terms: [String] = []
        if format.fields["sport"] != nil && !ports.isEmpty {
            terms.append("(" + ports.map { "sport==\($0)||dport==\($0)" }.joined(separator: "||") + ")")
        }
        switch self {
        case .setState, .errorReport:
            if format.fields["protocol"] != nil { terms.append("protocol==6") }
        case .freePacket:
            let reasons = Self.dropReasons(format)
            if format.fields["protocol"] != nil { terms.append("(protocol==2048||protocol==34525)") }
            terms.append(
                reasons.isEmpty ? "reason<0" : "(" + reasons.map { "reason==\($0)" }.joined(separator: "||") + ")")
        case .sendReset, .receiveReset, .retransmit, .retransmitSynAck, .destroy, .processExit: break
        }
        return terms.isEmpty ? nil : terms.joined(separator: "&&")
    }

    /// The kernel's numbers for the drop reasons that concern TCP.
    static func dropReasons(_ format: TracepointFormat) -> [Int64] {
        (format.symbols["reason"] ?? [:]).filter { concernsTCP($0.value) }.keys.sorted()
    }

    /// Whether a drop reason concerns TCP segments or the sockets that they are for.
    static func concernsTCP(_ reason: String) -> Bool {
        // Segments that carry nothing new are dropped all the time, and rightly so.
        if ["TCP_OLD_ACK", "TCP_OLD_DATA", "TCP_ZEROWINDOW"].contains(reason) { return false }
        return reason.hasPrefix("TCP_")
            || [
                "NO_SOCKET", "SOCKET_FILTER", "SOCKET_RCVBUFF", "SOCKET_BACKLOG", "PROTO_MEM", "PFMEMALLOC", "NOMEM",
                // Between the capture and TCP: firewalls, traffic control, reverse path filters, security modules.
                "NETFILTER_DROP", "IP_RPFILTER", "TC_INGRESS", "SECURITY_HOOK", "XFRM_POLICY", "PSP_INPUT",
                "IPV6DISABLED",
                // Addresses and routes that it cannot have: martians, mostly, and addresses that this host no longer has.
                "IP_LOCAL_SOURCE", "IP_INVALID_SOURCE", "IP_LOCALNET", "IP_INNOROUTES", "IP_INADDRERRORS",
                "IP_INVALID_DEST",
                // What a router cannot pass on: too large for the next link, or too far on its way; and broken headers.
                "PKT_TOO_BIG", "IP_INHDR", "IP_CSUM",
                // On its way out. Queueing disciplines drop what they please all day, which TCP asks them to: those are left out.
                "IP_OUTNOROUTES", "NEIGH_CREATEFAIL", "NEIGH_FAILED", "NEIGH_QUEUEFULL", "NEIGH_DEAD",
                "NEIGH_HH_FILLFAIL", "BPF_CGROUP_EGRESS", "TC_EGRESS", "PSP_OUTPUT", "SKB_GSO_SEG", "RECURSION_LIMIT",
            ].contains(reason)
    }
}
