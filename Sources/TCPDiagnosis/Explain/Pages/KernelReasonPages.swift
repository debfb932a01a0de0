// The pages of the kernel's reasons for dropping a segment (enum skb_drop_reason) or sending a RST (enum
// sk_rst_reason).

extension Explanation {
    /// What the kernel did for that reason.
    private enum Deed {
        case drop
        case answer
        case reset
        case both

        var words: String {
            switch self {
            case .drop:
                "It dropped the segment without informing the sender (skb:kfree_skb). Live: packet for ... dropped, and drop_reason."
            case .answer:
                "It dropped the segment (skb:kfree_skb) and answered with an ACK that has its own numbers. Live: packet for ... dropped, and"
                    + " drop_reason."
            case .reset: "It sent a RST (tcp:tcp_send_reset). Live: tcp_send_reset, and reset_reason."
            case .both:
                "It dropped the segment (skb:kfree_skb), or answered it with a RST (tcp:tcp_send_reset): the row says which."
            }
        }
    }

    private static func reason(
        _ deed: Deed, _ name: String, _ summary: String, _ mind: String, see: String? = nil
    ) -> Explanation {
        Explanation(
            .kernelReason, name, summary,
            sections: [Section("What the kernel did", [deed.words]), Section("Mind", [mind])]
                + (see.map { [.see($0)] } ?? []))
    }

    /// The reasons in Linux 6 that concern TCP, in the order in which a segment meets them; some exist only in the
    /// newest kernels.
    static let kernelReasons: [Explanation] = beforeTCP + signatures + sockets + segments + resets

    // MARK: On the way to TCP

    private static let beforeTCP: [Explanation] = [
        reason(
            .drop, "NETFILTER_DROP", "A firewall rule on this host dropped it (nftables, iptables).",
            "`nft list ruleset` and iptables-save -c show which. A capture sees incoming packets before the rules do: it has the SYN, but no answer. Connection tracking"
                + " drops packets this way, too, when its table is full. The kernel does not say where: the rule may be in another network namespace, a container's"
                + " or a router's (ip netns exec NAME nft list ruleset).",
            see: "explain syn-unanswered, explain ConntrackDrop"),
        reason(
            .drop, "TC_INGRESS", "A traffic control filter on the interface dropped it as it came in.",
            "tc filter show dev IF ingress lists them; eBPF programs of container networks are among them.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "TC_EGRESS", "A traffic control filter on the interface dropped it as it went out.",
            "tc filter show dev IF egress lists them."),
        reason(
            .drop, "QDISC_DROP", "The interface's queueing discipline dropped it as it went out.",
            "tc -s qdisc counts them: a full queue, a rate limit, or netem's loss. TCP retransmits.",
            see: "explain retransmission"),
        reason(
            .drop, "QDISC_OVERLIMIT", "The interface's queueing discipline was full.",
            "tc -s qdisc counts them. More was sent than the interface can take; TCP slows down and retransmits.",
            see: "explain retransmission"),
        reason(
            .drop, "QDISC_CONGESTED",
            "The interface's queueing discipline dropped it to signal that its queue is long.",
            "This is fq_codel, CAKE or PIE at work. TCP slows down and retransmits; with ECN it would have been marked instead.",
            see: "explain retransmission, explain ECE"),
        reason(
            .drop, "FQ_FLOW_LIMIT", "Too much of this one connection waited in the interface's fair queue (fq).",
            "tc -s qdisc counts flows_plimit; tc qdisc change sets flow_limit. TCP retransmits.",
            see: "explain retransmission"),
        reason(
            .drop, "XDP", "An XDP program on the interface dropped it before anything else saw it.",
            "ip link shows the program. Such a frame is in no capture of this host.", see: "explain syn-unanswered"),
        reason(
            .drop, "BPF_CGROUP_EGRESS", "An eBPF program on the process's control group dropped it.",
            "bpftool cgroup tree lists them; systemd's IPAddressDeny is one."),
        reason(
            .drop, "CPU_BACKLOG", "Frames arrived faster than this processor could handle them.",
            "net.core.netdev_max_backlog is the limit. TCP retransmits; the capture may have lost frames at the same time.",
            see: "explain capture-gap"),
        reason(
            .drop, "IP_RPFILTER",
            "The reverse path filter dropped it: it came in on a different interface than the route back uses.",
            "There are two paths to a host, and rp_filter = 1. Set net.ipv4.conf.IF.rp_filter to 2, or fix the routes.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "IP_LOCAL_SOURCE", "It came from outside with one of this host's addresses as its source.",
            "A forgery, a loop, or the same address on two hosts.", see: "explain syn-unanswered"),
        reason(
            .drop, "IP_INVALID_SOURCE",
            "Its source is not a valid sender address: it is multicast, broadcast or 0.",
            "A broken sender, or a forgery."),
        reason(
            .drop, "IP_LOCALNET", "It came from outside with a loopback address (127.0.0.0/8).",
            "A forgery, or a rule that redirects to loopback without net.ipv4.conf.IF.route_localnet = 1.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "IP_INADDRERRORS", "It is addressed to another host, and this host does not forward packets.",
            "The address moved away (keepalived, a cloud's floating IP), and a neighbour with an old entry still sends packets here. Look for"
                + " the address with ip addr, and run ip neigh on the neighbour. nstat counts IpInAddrErrors.",
            see: "explain syn-unanswered, explain segments-dropped"),
        reason(
            .drop, "IP_INVALID_DEST",
            "Its destination is not a valid receiver address: it is 0, or a broadcast address of another link.",
            "A broken sender, or a forgery."),
        reason(
            .drop, "IP_INHDR", "On a router: its hop limit (TTL) was used up here. Or its IP header is broken.",
            "Usually a routing loop: traceroute shows the same hosts again and again. The router answers with ICMP time exceeded.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "PKT_TOO_BIG",
            "On a router: it is larger than the MTU of the outgoing link, and may not be fragmented.",
            "Normal once per sender: the router answers with ICMP packet too big, and the sender then sends smaller packets. It repeats"
                + " if that answer is filtered or lost: nstat counts IpFragFails (Ip6InTooBigErrors).",
            see: "explain mtu-black-hole, explain 'path MTU'"),
        reason(
            .drop, "IPV6DISABLED", "IPv6 is disabled on the incoming interface.",
            "net.ipv6.conf.IF.disable_ipv6 = 1.", see: "explain syn-unanswered"),
        reason(
            .drop, "XFRM_POLICY", "An IPsec policy requires it to be encrypted, or forbids it.",
            "ip xfrm policy lists them."),
        reason(
            .drop, "SECURITY_HOOK", "A security module forbade it (SELinux, AppArmor, Smack).",
            "The audit log has the denial."),
        reason(
            .drop, "OTHERHOST",
            "It is for another host, and was seen only because the interface is in promiscuous mode.",
            "Nothing is wrong: it was not meant for this host."),
        reason(
            .drop, "IP_CSUM", "The IP header's checksum is wrong.", "A broken network device, or forged frames."),
        reason(
            .drop, "TCP_CSUM", "The TCP checksum is wrong.",
            "A broken device or driver, or a program that changed the segment without correcting it. The segment counts as lost, and its row says (bad checksum) if all of it was captured.",
            see: "explain retransmission, explain TcpInErrs"),
        reason(
            .drop, "PKT_TOO_SMALL", "It is shorter than its own headers say.",
            "A broken sender, or forged frames."),
        reason(
            .drop, "IP_INNOROUTES", "There is no route for it.", "ip route get ADDRESS shows what the kernel would do."),
        reason(
            .drop, "IP_OUTNOROUTES", "There is no route out for it.",
            "A route disappeared while the connection was open. ip route get ADDRESS shows what the kernel would do.",
            see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_FAILED", "The next hop does not answer ARP or neighbour discovery.",
            "ip neigh shows FAILED. That host is down, or its address has moved.", see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_DEAD", "The neighbour entry for the next hop was removed while the packet waited.",
            "The interface went down, or ip neigh flush was run.", see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_CREATEFAIL", "There was no room for a neighbour entry for the next hop.",
            "net.ipv4.neigh.default.gc_thresh3 is the limit; the kernel's log says `neighbour: arp_cache: neighbor table overflow!`."
        ),
        reason(
            .drop, "NEIGH_QUEUEFULL", "Too many packets already wait for the next hop's link address.",
            "ip neigh shows INCOMPLETE: ARP or neighbour discovery has had no answer yet.", see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_HH_FILLFAIL", "No link header could be made for it.",
            "The interface changed while the packet was sent: its address, or a device below it."),
        reason(
            .drop, "RECURSION_LIMIT", "It looped through this host's tunnels: one sends into another.",
            "The route to the tunnel's far end leads into the tunnel: see ip route get ADDRESS. The kernel's log reports it, too."
        ),
        reason(
            .drop, "SKB_GSO_SEG", "It could not be cut into segments for the outgoing interface.",
            "A driver is at fault, or a program that changed its headers. TCP retransmits.",
            see: "explain retransmission"),
        reason(
            .drop, "PSP_INPUT", "Its PSP encryption does not match its connection, or it has none.",
            "The two sides have different keys, or only one has a key."),
        reason(
            .drop, "PSP_OUTPUT", "Its connection is encrypted with PSP, which the interface cannot do.",
            "The route moved to another interface while the connection was open."),
        reason(
            .drop, "TCP_MINTTL", "It came from farther away than the socket allows (IP_MINTTL, IPV6_MINHOPCOUNT).",
            "Routing daemons set this limit, so that only neighbours are heard."),
        reason(
            .drop, "NOMEM", "There was no memory for it.", "TCP retransmits; by then there may be memory.",
            see: "explain TcpExtTCPMemoryPressures"),
        reason(
            .drop, "PFMEMALLOC", "Only reserve memory was left for it, which its socket may not use.",
            "The host is short of memory. TCP retransmits; by then there may be memory.",
            see: "explain TcpExtTCPMemoryPressures"),
        reason(
            .both, "NOT_SPECIFIED", "The kernel does not say why.",
            "That place in the kernel has no reason of its own yet."),
    ]

    // MARK: Signatures

    private static let signatures: [Explanation] = [
        reason(
            .drop, "TCP_AUTH_HDR", "It has two signatures, or a malformed one (MD5, TCP-AO).",
            "A broken sender.", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_MD5NOTFOUND", "The socket requires an MD5 signature, and the segment has none.",
            "Common with BGP: only one side has the key (TCP_MD5SIG).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_MD5UNEXPECTED", "It has an MD5 signature, and the socket has no key for it.",
            "Common with BGP: only one side has the key (TCP_MD5SIG).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_MD5FAILURE", "Its MD5 signature is wrong.",
            "The two sides have different keys, or there is a NAT between them.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AONOTFOUND", "The socket requires a TCP-AO signature, and the segment has none.",
            "Only one side has the key (TCP_AO_ADD_KEY).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AOUNEXPECTED", "It has a TCP-AO signature, and the socket has no key.",
            "Only one side has the key (TCP_AO_ADD_KEY).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AOKEYNOTFOUND", "Its TCP-AO signature uses a key that the socket does not have.",
            "The two sides have keys with different numbers (KeyID).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AOFAILURE", "Its TCP-AO signature is wrong.", "The two sides have different keys.",
            see: "explain syn-unanswered"),
    ]

    // MARK: The socket

    private static let sockets: [Explanation] = [
        reason(
            .both, "NO_SOCKET", "There is no socket for it: no such connection, and no listener on that port.",
            "After a SYN: nothing listens there. After anything else: this host no longer has the connection.",
            see: "explain refused, explain half-open-peer"),
        reason(
            .drop, "SOCKET_FILTER", "A filter on the socket did not let it pass (SO_ATTACH_FILTER, SO_ATTACH_BPF).",
            "The program or one of its libraries attached the filter: strace shows its setsockopt().",
            see: "explain syn-unanswered"),
        reason(
            .drop, "SOCKET_BACKLOG", "The process had the socket locked, and its backlog was full.",
            "A burst on one connection. TCP retransmits; a larger receive buffer helps.",
            see: "explain TcpExtTCPBacklogDrop, explain retransmission"),
        reason(
            .drop, "SOCKET_RCVBUFF", "The socket's receive buffer is full.",
            "Its program reads too slowly, or the buffer is small (SO_RCVBUF, tcp_rmem).",
            see: "explain zero-window-stall"),
        reason(
            .drop, "PROTO_MEM", "TCP may not use more memory (tcp_mem), or the receive buffer is full.",
            "Many sockets have much unread data. Find the process that is not reading: `tcptrace sockets` shows Recv-Q.",
            see: "explain zero-window-stall, explain TcpExtTCPMemoryPressures"),
        reason(
            .drop, "TCP_LISTEN_OVERFLOW", "The listener's accept queue is full: no room for the connection.",
            "accept() is called too seldom, or the backlog is small. ss -ltn shows both.",
            see: "explain accept-queue-full, explain TcpExtListenOverflows"),
        reason(
            .drop, "TCP_FASTOPEN", "A connection that is being opened with TCP Fast Open did not accept it.",
            "Before the handshake is complete, only its last ACK is accepted.", see: "explain fast-open"),
        reason(
            .drop, "TCP_CLOSE", "The socket is closed, but not yet gone.",
            "The segment arrived while close() was at work. What it carried is lost.", see: "explain reset-after-close"),
    ]

    // MARK: The segment

    private static let segments: [Explanation] = [
        reason(
            .both, "TCP_FLAGS", "Its flags contradict each other, or do not suit the socket's state.",
            "A segment with ACK that finds only a listener: this host no longer has its connection, and answers with RST. Or a segment with SYN and FIN, or with neither SYN, RST nor ACK: scanners send those.",
            see: "explain half-open-peer, explain SYN,FIN"),
        reason(
            .answer, "TCP_INVALID_SYN", "A SYN arrived on an open connection.",
            "It is answered with a challenge ACK (RFC 5961 4.2). The peer has forgotten the connection and opens it again.",
            see: "explain challenge-ack, explain half-open-peer"),
        reason(
            .drop, "TCP_RESET", "A RST that must be ignored: its number is not the next one expected.",
            "It may be answered with a challenge ACK (RFC 5961 3.2). The RST is forged or very late.",
            see: "explain rst-ignored"),
        reason(
            .drop, "TCP_OLD_SEQUENCE", "All of it was received before: a duplicate.",
            "Harmless: an ACK was late or lost, and the peer retransmitted. Keep-alives look like this, too.",
            see: "explain spurious-retransmission"),
        reason(
            .drop, "TCP_OLD_DATA", "All of its data was received before: a duplicate.",
            "Harmless: an ACK was late or lost, and the peer retransmitted.", see: "explain spurious-retransmission"),
        reason(
            .drop, "TCP_OFOMERGE", "Its data already waits in the out-of-order queue: a duplicate.",
            "Harmless: something before it was lost, and the peer retransmitted more than was needed.",
            see: "explain spurious-retransmission, explain reordering"),
        reason(
            .drop, "TCP_INVALID_SEQUENCE", "It lies outside the receive window.",
            "A very late segment, one from another connection on the same ports, or a forgery. It is answered with an ACK.",
            see: "explain port-reused"),
        reason(
            .drop, "TCP_INVALID_END_SEQUENCE", "It reaches beyond the receive window.",
            "The peer sent more than it was allowed to."),
        reason(
            .drop, "TCP_OVERWINDOW", "It begins beyond the receive window.",
            "The peer sent more than it was allowed to."),
        reason(
            .drop, "TCP_ZEROWINDOW", "The receive window is closed.",
            "A window probe, or a peer that ignores the window. Its data must come again.",
            see: "explain zero-window-stall"),
        reason(
            .both, "TCP_RFC7323_PAWS", "Its timestamp is older than one that arrived before: an old duplicate.",
            "Late segments of this connection, or several clients behind one NAT, whose clocks differ.",
            see: "explain middlebox"),
        reason(
            .drop, "TCP_RFC7323_PAWS_ACK", "An ACK with an old timestamp, overtaken by a newer one.",
            "Harmless: segments were reordered on the path."),
        reason(
            .answer, "TCP_RFC7323_TW_PAWS", "Its timestamp is older than the last one on a connection in TIME_WAIT.",
            "A late duplicate, or a SYN from another client behind the same NAT, which has its own clock. That client answers the ACK with"
                + " RST, which ends the TIME_WAIT (unless tcp_rfc1337 is 1), and sends its SYN again after about 10 ms.",
            see: "explain port-reused, explain TcpExtPAWSTimewait"),
        reason(
            .drop, "TCP_RFC7323_TSECR", "It echoes a timestamp that was never sent.", "A forgery, or a broken peer."),
        reason(
            .both, "TCP_OLD_ACK", "It acknowledges less than was acknowledged before.",
            "Harmless: ACKs were reordered on the path. In SYN_RECEIVED it is answered with a RST."),
        reason(
            .both, "TCP_TOO_OLD_ACK", "It acknowledges something far back: more than a window ago.",
            "A very late segment or a forgery; it is answered with a challenge ACK (RFC 5961 5.2).",
            see: "explain challenge-ack"),
        reason(
            .both, "TCP_ACK_UNSENT_DATA", "It acknowledges data that was never sent.",
            "The peer means another connection, a middlebox changed the numbers, or it is a forgery.",
            see: "explain middlebox, explain half-open-peer"),
        reason(
            .both, "TCP_INVALID_ACK_SEQUENCE", "In SYN_SENT: it acknowledges something other than this host's SYN.",
            "The peer still has the old connection on these ports; the RST clears it, and the SYN is sent again.",
            see: "explain half-open-peer, explain port-reused"),
        reason(
            .drop, "TCP_OFO_DROP", "It arrived out of order, and is a duplicate or finds no room.",
            "Something before it was lost. The peer sends it again.", see: "explain reordering"),
        reason(
            .drop, "TCP_OFO_QUEUE_PRUNE", "It was waiting out of order and was discarded: memory was short.",
            "The peer sends it again, although it was acknowledged by SACK.",
            see: "explain TcpExtPruneCalled, explain zero-window-stall"),
    ]

    // MARK: Resets

    private static let resets: [Explanation] = [
        reason(
            .both, "TCP_ABORT_ON_DATA", "Data arrived for a socket that its program had closed.",
            "No process can read it, so it is refused. The other side's write() fails with EPIPE if the FIN has arrived there, otherwise with ECONNRESET. The mere ACK of the FIN causes it, too, if the program does not wait for the peer's FIN (TCP_LINGER2 below 0).",
            see: "explain reset-after-close, explain TcpExtTCPAbortOnData"),
        reason(
            .reset, "TCP_TIMEWAIT_SOCKET", "Data arrived for the FIN_WAIT_2 that a closed socket left behind.",
            "Linux keeps it like a TIME_WAIT, hence the name. The program is gone, so the octets are lost. A true TIME_WAIT answers late data with an ACK.",
            see: "explain reset-after-close"),
        reason(
            .reset, "TCP_ABORT_ON_CLOSE", "close() was called with octets unread.",
            "The RST says that not everything was read. Read until read() returns 0 before closing.",
            see: "explain reset-unread-data, explain TcpExtTCPAbortOnClose"),
        reason(
            .reset, "TCP_DISCONNECT_WITH_DATA", "The socket was disconnected with octets not sent or not read.",
            "connect() with AF_UNSPEC, which some libraries use to reuse a socket.", see: "explain reset-unread-data"
        ),
        reason(
            .reset, "TCP_ABORT_ON_LINGER",
            "close() in FIN_WAIT_2, after the program had disabled waiting (TCP_LINGER2 below 0).",
            "shutdown() had sent the FIN before. By default, such a socket waits for tcp_fin_timeout and ends silently.",
            see: "explain orphan-fin-wait-2, explain TcpExtTCPAbortOnLinger"),
        reason(
            .reset, "TCP_ABORT_ON_MEMORY", "There were too many orphans, or TCP's memory was short.",
            "tcp_max_orphans and tcp_mem are the limits. Sockets that no process holds go first.",
            see: "explain orphan-fin-wait-2, explain TcpExtTCPAbortOnMemory"),
        reason(
            .reset, "TCP_STATE", "The socket was ended in a state in which TCP reports the end with a RST.",
            "SO_LINGER 0; the end of the process or of its listener; or it was destroyed (ss -K). The findings say which.",
            see: "explain reset-linger, explain reset-killed, explain reset-listener-closed"),
        reason(
            .reset, "TCP_KEEPALIVE_TIMEOUT", "No keep-alive probe was answered.",
            "The peer is gone, or the network in between is down. The program gets ETIMEDOUT.",
            see: "explain keepalive-dead"),
        reason(
            .reset, "INVALID_SYN", "A SYN arrived where none is allowed.",
            "A handshake was under way, and the SYN did not match it."),
        reason(
            .reset, "MPTCP_RST_EUNSPEC", "MPTCP: the subflow was ended without a reason.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EWQ2BIG", "MPTCP: too much data was in flight on this subflow.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EBADPERF", "MPTCP: this subflow was too slow.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EMPTCP", "MPTCP: the peer's answer made no sense.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EMIDDLEBOX", "MPTCP: a device on the path changes segments.",
            "A checksum over the data did not match. The connection may continue over its other subflows.",
            see: "explain middlebox"),
        reason(
            .reset, "MPTCP_RST_EPROHIBIT", "MPTCP: this subflow is not allowed here.",
            "The host's settings forbid it. The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_ERESOURCE", "MPTCP: there were no resources for this subflow.",
            "The connection may continue over its other subflows."),
    ]
}
