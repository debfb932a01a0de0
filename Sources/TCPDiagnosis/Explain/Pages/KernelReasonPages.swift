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
                "It dropped the segment, and its sender is not told (skb:kfree_skb). Live: packet for ... dropped, and drop_reason."
            case .answer:
                "It dropped the segment (skb:kfree_skb), and answered with an ACK of its own numbers. Live: packet for ... dropped, and"
                    + " drop_reason."
            case .reset: "It sent a RST (tcp:tcp_send_reset). Live: tcp_send_reset, and reset_reason."
            case .both:
                "It dropped the segment (skb:kfree_skb), or answered it with a RST (tcp:tcp_send_reset): the line says which."
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
            "`nft list ruleset` and iptables-save -c say which. A capture sees incoming packets before the rules do: the SYN is there, and no answer. Connection tracking"
                + " drops this way too, when it has no room. The kernel does not say where: the rule may be in another network namespace, a container's"
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
            "tc -s qdisc counts them: a full queue, a rate limit, or netem's loss. TCP sends again.",
            see: "explain retransmission"),
        reason(
            .drop, "QDISC_OVERLIMIT", "The interface's queueing discipline was full.",
            "tc -s qdisc counts them. More was sent than the interface takes; TCP slows down and sends again.",
            see: "explain retransmission"),
        reason(
            .drop, "QDISC_CONGESTED", "The interface's queueing discipline dropped it to say that its queue is long.",
            "fq_codel, CAKE or PIE at work. TCP slows down and sends again; with ECN it would have been marked instead.",
            see: "explain retransmission, explain ECE"),
        reason(
            .drop, "FQ_FLOW_LIMIT", "Too much of this one connection waited in the interface's fair queue (fq).",
            "tc -s qdisc counts flows_plimit; tc qdisc change sets flow_limit. TCP sends again.",
            see: "explain retransmission"),
        reason(
            .drop, "XDP", "An XDP program on the interface dropped it, before anything else saw it.",
            "ip link shows the program. Such a frame is in no capture of this host.", see: "explain syn-unanswered"),
        reason(
            .drop, "BPF_CGROUP_EGRESS", "An eBPF program of the process's control group dropped it.",
            "bpftool cgroup tree lists them; systemd's IPAddressDeny is one."),
        reason(
            .drop, "CPU_BACKLOG", "Frames came faster than this processor took them in.",
            "net.core.netdev_max_backlog is the limit. TCP sends again; a capture may have lost frames just then, too.",
            see: "explain capture-gap"),
        reason(
            .drop, "IP_RPFILTER", "The reverse path filter: it came in on another interface than the route back uses.",
            "Two paths to a host, and rp_filter = 1. Set net.ipv4.conf.IF.rp_filter to 2, or fix the routes.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "IP_LOCAL_SOURCE", "It came from outside with an address of this host as its sender.",
            "A forgery, a loop, or one address at two hosts.", see: "explain syn-unanswered"),
        reason(
            .drop, "IP_INVALID_SOURCE",
            "Its source address is not valid for a sender: multicast, broadcast or 0.",
            "A broken sender, or a forgery."),
        reason(
            .drop, "IP_LOCALNET", "It came from outside with a loopback address (127.0.0.0/8).",
            "A forgery, or a rule that redirects to loopback without net.ipv4.conf.IF.route_localnet = 1.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "IP_INADDRERRORS", "It is for an address that this host does not have, and the host is no router.",
            "The address moved away (keepalived, a cloud's floating IP), and a neighbour still sends it here: its entry is old. Look for"
                + " the address with ip addr, and at the neighbour for what ip neigh says. nstat counts IpInAddrErrors.",
            see: "explain syn-unanswered, explain segments-dropped"),
        reason(
            .drop, "IP_INVALID_DEST",
            "Its destination address is not valid for a receiver: 0, or a broadcast that is not for this link.",
            "A broken sender, or a forgery."),
        reason(
            .drop, "IP_INHDR", "On a router: its hop limit (TTL) was used up here. Or its IP header is broken.",
            "A routing loop, usually: traceroute shows the same hosts again and again. The router answers with ICMP time exceeded.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "PKT_TOO_BIG",
            "On a router: it is larger than the MTU of the outgoing link, and may not be fragmented.",
            "Usual once for each sender: the router answers with ICMP packet too big, and the sender sends smaller ones. Again and again"
                + " where that answer is filtered, or gets lost: nstat counts IpFragFails (Ip6InTooBigErrors).",
            see: "explain mtu-black-hole, explain 'path MTU'"),
        reason(
            .drop, "IPV6DISABLED", "IPv6 is disabled on the incoming interface.",
            "net.ipv6.conf.IF.disable_ipv6 = 1.", see: "explain syn-unanswered"),
        reason(
            .drop, "XFRM_POLICY", "An IPsec policy wants it to come encrypted, or not at all.",
            "ip xfrm policy lists them."),
        reason(
            .drop, "SECURITY_HOOK", "A security module forbade it (SELinux, AppArmor, Smack).",
            "The audit log has the denial."),
        reason(
            .drop, "OTHERHOST", "It is for another host, and was seen only because the interface is promiscuous.",
            "Nothing is wrong: it was not meant for this host."),
        reason(
            .drop, "IP_CSUM", "The IP header's checksum is wrong.", "A broken network device, or a forger of frames."),
        reason(
            .drop, "TCP_CSUM", "The TCP checksum is wrong.",
            "A broken device or driver, or a program that changed the segment without correcting it. It counts as lost.",
            see: "explain retransmission, explain TcpInErrs"),
        reason(
            .drop, "PKT_TOO_SMALL", "It is shorter than its own headers say.",
            "A broken sender, or a forger of frames."),
        reason(
            .drop, "IP_INNOROUTES", "There is no route for it.", "ip route get ADDRESS says what the kernel would do."),
        reason(
            .drop, "IP_OUTNOROUTES", "There is no route out for it.",
            "A route went while the connection was open. ip route get ADDRESS says what the kernel would do.",
            see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_FAILED", "The next host on the link does not answer to ARP or neighbour discovery.",
            "ip neigh shows FAILED. The host is down, or its address is another's.", see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_DEAD", "The entry for the next host on the link was taken away while it waited.",
            "The interface went down, or somebody ran ip neigh flush.", see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_CREATEFAIL", "There was no room for an entry for the next host on the link.",
            "net.ipv4.neigh.default.gc_thresh3 is the limit; the kernel's log says `neighbour: arp_cache: neighbor table overflow!`."
        ),
        reason(
            .drop, "NEIGH_QUEUEFULL", "Too much waits for the next host's address on the link.",
            "ip neigh shows INCOMPLETE: ARP or neighbour discovery has no answer yet.", see: "explain EHOSTUNREACH"),
        reason(
            .drop, "NEIGH_HH_FILLFAIL", "No link header could be made for it.",
            "The interface changed while it was sent: its address, or a device below it."),
        reason(
            .drop, "RECURSION_LIMIT", "It went from one of this host's tunnels into the other, and round again.",
            "The route to the tunnel's far end leads into the tunnel: ip route get ADDRESS. The kernel's log says so, too."
        ),
        reason(
            .drop, "SKB_GSO_SEG", "It could not be cut into segments for the interface that it was to leave by.",
            "A driver's fault, or a program's that changed its headers. TCP sends again.",
            see: "explain retransmission"),
        reason(
            .drop, "PSP_INPUT", "Its encryption is not that of its connection (PSP), or it has none.",
            "The two sides have different keys, or only one has any."),
        reason(
            .drop, "PSP_OUTPUT", "Its connection is encrypted by PSP, and the interface cannot do that.",
            "The route went to another interface while the connection was open."),
        reason(
            .drop, "TCP_MINTTL", "It came from farther away than the socket wants (IP_MINTTL, IPV6_MINHOPCOUNT).",
            "Routing daemons set it, so that only neighbours are heard."),
        reason(
            .drop, "NOMEM", "There was no memory for it.", "TCP sends again, if there is memory by then.",
            see: "explain TcpExtTCPMemoryPressures"),
        reason(
            .drop, "PFMEMALLOC", "There was memory for it only in the reserve, and its socket may not have that.",
            "The host is short of memory. TCP sends again, if there is memory by then.",
            see: "explain TcpExtTCPMemoryPressures"),
        reason(
            .both, "NOT_SPECIFIED", "The kernel does not say why.",
            "A place in the kernel that has no reason of its own yet."),
    ]

    // MARK: Signatures

    private static let signatures: [Explanation] = [
        reason(
            .drop, "TCP_AUTH_HDR", "It has two signatures, or one that is no signature (MD5, TCP-AO).",
            "A broken sender.", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_MD5NOTFOUND", "The socket wants MD5 signatures, and it has none.",
            "Usual with BGP: only one side has the key (TCP_MD5SIG).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_MD5UNEXPECTED", "It has an MD5 signature, and the socket has no key for it.",
            "Usual with BGP: only one side has the key (TCP_MD5SIG).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_MD5FAILURE", "Its MD5 signature is wrong.",
            "The two sides have different keys, or a NAT is between them.",
            see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AONOTFOUND", "The socket wants TCP-AO signatures, and it has none.",
            "Only one side has the key (TCP_AO_ADD_KEY).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AOUNEXPECTED", "It has a TCP-AO signature, and the socket has no key.",
            "Only one side has the key (TCP_AO_ADD_KEY).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AOKEYNOTFOUND", "Its TCP-AO signature is by a key that the socket does not have.",
            "The two sides have keys of different numbers (KeyID).", see: "explain syn-unanswered"),
        reason(
            .drop, "TCP_AOFAILURE", "Its TCP-AO signature is wrong.", "The two sides have different keys.",
            see: "explain syn-unanswered"),
    ]

    // MARK: The socket

    private static let sockets: [Explanation] = [
        reason(
            .both, "NO_SOCKET", "There is no socket for it: no such connection, and no listener on that port.",
            "After a SYN: nobody listens there. After anything else: the connection has gone from this host.",
            see: "explain refused, explain half-open-peer"),
        reason(
            .drop, "SOCKET_FILTER", "A filter on the socket did not let it through (SO_ATTACH_FILTER, SO_ATTACH_BPF).",
            "The program, or a library of it, attached the filter itself: strace shows its setsockopt().",
            see: "explain syn-unanswered"),
        reason(
            .drop, "SOCKET_BACKLOG", "The process had the socket locked, and too much waited for it already.",
            "A burst onto one connection. TCP sends again; a larger receive buffer helps.",
            see: "explain TcpExtTCPBacklogDrop, explain retransmission"),
        reason(
            .drop, "SOCKET_RCVBUFF", "The socket's receive buffer is full.",
            "Its program reads too slowly, or the buffer is small (SO_RCVBUF, tcp_rmem).",
            see: "explain zero-window-stall"),
        reason(
            .drop, "PROTO_MEM", "TCP may use no more memory for it (tcp_mem), or the receive buffer is full.",
            "Many sockets with much unread. Find the process that does not read: `tcptrace sockets` shows Recv-Q.",
            see: "explain zero-window-stall, explain TcpExtTCPMemoryPressures"),
        reason(
            .drop, "TCP_LISTEN_OVERFLOW", "The listener's accept queue is full: no room for the connection.",
            "accept() is called too seldom, or the backlog is small. ss -ltn shows both.",
            see: "explain accept-queue-full, explain TcpExtListenOverflows"),
        reason(
            .drop, "TCP_FASTOPEN", "A connection opened by TCP Fast Open did not want it.",
            "Before the handshake is over only its last ACK is taken.", see: "explain fast-open"),
        reason(
            .drop, "TCP_CLOSE", "The socket is closed, but not yet gone.",
            "Something came while close() was at work. What it carried is lost.", see: "explain reset-after-close"),
    ]

    // MARK: The segment

    private static let segments: [Explanation] = [
        reason(
            .both, "TCP_FLAGS", "Its flags do not go together, or not with the socket's state.",
            "A segment with ACK that finds only a listener: its connection has gone from this host, and it is answered with RST. Or a SYN with FIN, or neither SYN, RST nor ACK: scanners send such.",
            see: "explain half-open-peer, explain SYN,FIN"),
        reason(
            .answer, "TCP_INVALID_SYN", "A SYN came on a connection that is open.",
            "It is answered with a challenge ACK (RFC 5961 4.2). The peer has forgotten the connection and opens it anew.",
            see: "explain challenge-ack, explain half-open-peer"),
        reason(
            .drop, "TCP_RESET", "A RST that must be ignored: its number is not the next one.",
            "It may be answered with a challenge ACK (RFC 5961 3.2). A forged or a very late RST.",
            see: "explain rst-ignored"),
        reason(
            .drop, "TCP_OLD_SEQUENCE", "All of it was received before: a duplicate.",
            "Harmless: an ACK was late or lost, and the peer sent again. Keep-alives look like this, too.",
            see: "explain spurious-retransmission"),
        reason(
            .drop, "TCP_OLD_DATA", "All of its data was received before: a duplicate.",
            "Harmless: an ACK was late or lost, and the peer sent again.", see: "explain spurious-retransmission"),
        reason(
            .drop, "TCP_OFOMERGE", "Its data waits in the out-of-order queue already: a duplicate.",
            "Harmless: something before it was lost, and the peer retransmitted more than was needed.",
            see: "explain spurious-retransmission, explain reordering"),
        reason(
            .drop, "TCP_INVALID_SEQUENCE", "It lies outside the receive window.",
            "A very late segment, one of another connection on the same ports, or a forgery. An ACK answers it.",
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
            .both, "TCP_RFC7323_PAWS", "Its time stamp is older than one that came before: an old duplicate.",
            "Late segments of this connection, or several clients behind one NAT whose clocks differ.",
            see: "explain middlebox"),
        reason(
            .drop, "TCP_RFC7323_PAWS_ACK", "An ACK with an old time stamp, overtaken by a newer one.",
            "Harmless: segments were reordered on the path."),
        reason(
            .answer, "TCP_RFC7323_TW_PAWS", "Its time stamp is older than the last one of a connection in TIME_WAIT.",
            "A late duplicate; or a SYN of another client behind the same NAT, with a clock of its own. That client answers the ACK with"
                + " RST, which ends the TIME_WAIT (unless tcp_rfc1337 is 1), and sends its SYN again after some 10 ms.",
            see: "explain port-reused, explain TcpExtPAWSTimewait"),
        reason(
            .drop, "TCP_RFC7323_TSECR", "It echoes a time stamp that was never sent.", "A forgery, or a broken peer."),
        reason(
            .both, "TCP_OLD_ACK", "It acknowledges less than was acknowledged before.",
            "Harmless: ACKs were reordered on the path. In SYN_RECEIVED it is answered with a RST."),
        reason(
            .both, "TCP_TOO_OLD_ACK", "It acknowledges something far back: more than a window ago.",
            "A very late segment or a forgery; a challenge ACK answers it (RFC 5961 5.2).",
            see: "explain challenge-ack"),
        reason(
            .both, "TCP_ACK_UNSENT_DATA", "It acknowledges data that was never sent.",
            "The peer means another connection, a middlebox changed the numbers, or it is a forgery.",
            see: "explain middlebox, explain half-open-peer"),
        reason(
            .both, "TCP_INVALID_ACK_SEQUENCE", "In SYN_SENT: it acknowledges something other than our SYN.",
            "The peer still has the old connection of these ports; the RST clears it, and the SYN is sent again.",
            see: "explain half-open-peer, explain port-reused"),
        reason(
            .drop, "TCP_OFO_DROP", "It came out of order, and is there already or finds no room.",
            "Something before it was lost. The peer sends it again.", see: "explain reordering"),
        reason(
            .drop, "TCP_OFO_QUEUE_PRUNE", "It waited out of order, and was given up: memory was short.",
            "The peer sends it again, although it was acknowledged by SACK.",
            see: "explain TcpExtPruneCalled, explain zero-window-stall"),
    ]

    // MARK: Resets

    private static let resets: [Explanation] = [
        reason(
            .both, "TCP_ABORT_ON_DATA", "Data came for a socket that its program had closed.",
            "Nobody can read it, so it is refused. The other side's write() fails with EPIPE if it has had the FIN, else with ECONNRESET. Also for the mere ACK of the FIN, if the program does not wait for the other one (TCP_LINGER2 below 0).",
            see: "explain reset-after-close, explain TcpExtTCPAbortOnData"),
        reason(
            .reset, "TCP_TIMEWAIT_SOCKET", "Data came for the FIN_WAIT_2 that a closed socket has left.",
            "Linux keeps it like a TIME_WAIT, hence the name. The program is gone, so the octets are lost. A true TIME_WAIT answers late data with an ACK.",
            see: "explain reset-after-close"),
        reason(
            .reset, "TCP_ABORT_ON_CLOSE", "close() was called with octets unread.",
            "The RST says that not everything was read. Read until 0 before closing.",
            see: "explain reset-unread-data, explain TcpExtTCPAbortOnClose"),
        reason(
            .reset, "TCP_DISCONNECT_WITH_DATA", "The connection was dissolved with octets not sent or not read.",
            "connect() with AF_UNSPEC, as some libraries do it to use a socket again.", see: "explain reset-unread-data"
        ),
        reason(
            .reset, "TCP_ABORT_ON_LINGER",
            "close() in FIN_WAIT_2, where the program had forbidden to wait (TCP_LINGER2 below 0).",
            "shutdown() had sent the FIN before. By default such a socket waits for tcp_fin_timeout and ends silently.",
            see: "explain orphan-fin-wait-2, explain TcpExtTCPAbortOnLinger"),
        reason(
            .reset, "TCP_ABORT_ON_MEMORY", "There were too many orphans, or TCP's memory was short.",
            "tcp_max_orphans and tcp_mem are the limits. Sockets that nobody holds go first.",
            see: "explain orphan-fin-wait-2, explain TcpExtTCPAbortOnMemory"),
        reason(
            .reset, "TCP_STATE", "The socket was ended in a state in which TCP reports that with a RST.",
            "SO_LINGER 0; the end of the process or of its listener; or it was destroyed (ss -K). The findings say which.",
            see: "explain reset-linger, explain reset-killed, explain reset-listener-closed"),
        reason(
            .reset, "TCP_KEEPALIVE_TIMEOUT", "No keep-alive probe was answered.",
            "The peer is gone, or the network between. The program gets ETIMEDOUT.", see: "explain keepalive-dead"),
        reason(
            .reset, "INVALID_SYN", "A SYN came where none may come.",
            "A handshake was under way: the SYN did not fit it."),
        reason(
            .reset, "MPTCP_RST_EUNSPEC", "MPTCP: the subflow was ended, and no reason is given.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EWQ2BIG", "MPTCP: too much was under way on this subflow.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EBADPERF", "MPTCP: this subflow was too slow.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EMPTCP", "MPTCP: an answer of the peer made no sense.",
            "The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_EMIDDLEBOX", "MPTCP: something on the path changes segments.",
            "A checksum over the data did not fit. The connection may continue over its other subflows.",
            see: "explain middlebox"),
        reason(
            .reset, "MPTCP_RST_EPROHIBIT", "MPTCP: this subflow is not allowed here.",
            "The host's settings forbid it. The connection may continue over its other subflows."),
        reason(
            .reset, "MPTCP_RST_ERESOURCE", "MPTCP: no resources for this subflow.",
            "The connection may continue over its other subflows."),
    ]
}
