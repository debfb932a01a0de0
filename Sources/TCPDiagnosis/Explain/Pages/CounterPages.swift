// The pages of the host's TCP counters that the end of a live trace mentions. Their summaries are TCPModel's; the rest
// is here.

import TCPModel

extension Explanation {
    /// A page for each counter that indicates trouble.
    static let counters: [Explanation] = HostCounterTroubles.meanings.sorted { $0.key < $1.key }.map { name, meaning in
        let more = remarks[name]
        var sections: [Section] = [
            .linux(
                """
                A counter of the network namespace since its creation, for all connections, traced or not. A live trace
                prints by how much it rose during the trace. \(place(name)) shows it at any time.
                """)
        ]
        if let remark = more?.remark { sections.append(Section("Mind", [remark])) }
        if let see = more?.see { sections.append(.see(see)) }
        return Explanation(.counter, name, "Counts " + meaning + ".", sections: sections)
    }

    /// Where else the counter can be read.
    private static func place(_ name: String) -> String {
        name == "ConntrackDrop" ? "/proc/net/stat/nf_conntrack (column drop, in hexadecimal)" : "`nstat -az \(name)`"
    }

    /// The counter named by a word: nstat's name, or that name without the group prefix, in any case.
    static func counterName(for word: String) -> String? {
        let folded = word.lowercased()
        return HostCounterTroubles.meanings.keys.first { name in
            let plain = name.lowercased()
            return folded == plain || ["tcpext", "tcp"].contains { plain == $0 + folded }
        }
    }

    /// A page for a counter that indicates no trouble but is listed by -v under nstat's name; nil for other words, and
    /// for a misspelled name that has a page.
    static func page(ofOtherCounter word: String) -> Explanation? {
        guard let group = ["TcpExt", "Tcp", "IpExt", "Ip6", "Ip"].first(where: word.hasPrefix),
            word.dropFirst(group.count).first?.isUppercase == true, word.utf8.allSatisfy(HostCounters.isNameOctet)
        else { return nil }
        let typed = Array(word.unicodeScalars)
        let isSlip = HostCounterTroubles.meanings.keys.contains {
            editDistance(typed, Array($0.unicodeScalars)) <= 2
        }
        guard !isSlip else { return nil }
        return Explanation(
            .counter, word, "A kernel counter that by itself does not indicate trouble.",
            .linux(
                """
                `nstat -az \(word)` shows it, if this kernel has it. Documentation/networking/snmp_counter.rst in the Linux sources explains what
                most of them count.
                """))
    }

    private static let remarks: [String: (remark: String?, see: String?)] = [
        "ConntrackDrop": (
            "The kernel's log says `table full, dropping packet`. A rule with `notrack` keeps connections out of the table.",
            "explain NETFILTER_DROP, explain syn-unanswered"
        ),
        "IpOutNoRoutes": (
            "connect() fails before any state or SYN can be seen. `ip route get ADDRESS` shows the route.",
            nil
        ),
        "Ip6OutNoRoutes": (
            "connect() fails before any state or SYN can be seen. `ip -6 route get ADDRESS` shows the route.",
            nil
        ),
        "TcpExtTCPDeferAcceptDrop": ("This does no harm: data completes the handshake.", "explain accept-deferred"),
        "TcpAttemptFails": (
            "From SYN_SENT or SYN_RECEIVED straight to CLOSED.", "explain refused, explain syn-unanswered"
        ),
        "TcpEstabResets": (
            "From ESTABLISHED or CLOSE_WAIT straight to CLOSED: by a RST, whichever side sent it, or because a timer expired. It counts sockets: a"
                + " connection with both ends in this namespace counts twice.",
            "explain reset, explain silent-close"
        ),
        "TcpInErrs": ("Wrong checksums and impossible lengths.", "explain TCP_CSUM"),
        "TcpOutRsts": (nil, "explain RST, explain refused, explain reset"),
        "TcpRetransSegs": (nil, "explain retransmission"),
        "TcpExtListenDrops": (
            "This includes full accept queues (TcpExtListenOverflows) and failures for lack of memory.",
            "explain accept-queue-full"
        ),
        "TcpExtListenOverflows": (
            "accept() is called too seldom, or the backlog is small: the smaller of listen()'s backlog and net.core.somaxconn.",
            "explain accept-queue-full, explain TCP_LISTEN_OVERFLOW"
        ),
        "TcpExtPAWSTimewait": (
            "These include SYNs: several hosts behind one NAT have different clocks.",
            "explain TCP_RFC7323_TW_PAWS, explain port-reused"
        ),
        "TcpExtPruneCalled": ("A program reads too slowly, or tcp_rmem is too small.", "explain zero-window-stall"),
        "TcpExtRcvPruned": (
            "Each had just arrived, and there was no room for it even after data that waited out of order had been discarded.",
            "explain TcpExtPruneCalled, explain zero-window-stall"
        ),
        "TcpExtSyncookiesFailed": (
            "ACKs that match no cookie: they came too late, or from a scan.", "explain syn-cookies"
        ),
        "TcpExtSyncookiesRecv": (nil, "explain syn-cookies"),
        "TcpExtSyncookiesSent": (
            "A SYN flood, or a backlog that is too small. If net.ipv4.tcp_syncookies is 2, every SYN counts, however empty the queue.",
            "explain syn-cookies"
        ),
        "TcpExtTCPAbortFailed": (
            "The peer does not learn of the abort, and keeps its end until it sends something or a timer ends it.",
            "explain NETFILTER_DROP, explain half-open-peer"
        ),
        "TcpExtTCPAbortOnClose": (nil, "explain reset-unread-data, explain TCP_ABORT_ON_CLOSE"),
        "TcpExtTCPAbortOnData": (
            "Or a program sets TCP_LINGER2 below 0, and so does not wait for the peer's FIN.",
            "explain reset-linger, explain reset-after-close, explain TCP_ABORT_ON_DATA"
        ),
        "TcpExtTCPAbortOnLinger": (
            "A program sets TCP_LINGER2 below 0 and calls shutdown() before close().",
            "explain TCP_ABORT_ON_LINGER, explain orphan-fin-wait-2"
        ),
        "TcpExtTCPAbortOnMemory": ("tcp_max_orphans and tcp_mem are the limits.", "explain TCP_ABORT_ON_MEMORY"),
        "TcpExtTCPAbortOnTimeout": (
            "The program gets ETIMEDOUT, if it is still there.", "explain retransmission, explain keepalive-dead"
        ),
        "TcpExtTCPBacklogDrop": (nil, "explain SOCKET_BACKLOG"),
        "TcpExtTCPChallengeACK": (nil, "explain challenge-ack"),
        "TcpExtTCPLossProbes": ("A probe does not say that anything was lost.", "explain tail-loss-probe"),
        "TcpExtTCPMD5Failure": ("The two sides have different keys.", "explain TCP_MD5FAILURE"),
        "TcpExtTCPMTUPFail": (
            "Normal while a sender searches for the limit; the probe's octets are retransmitted in smaller segments.",
            "explain mtu-black-hole, explain 'path MTU'"
        ),
        "TcpExtTCPMTUPSuccess": (
            "If net.ipv4.tcp_mtu_probing is 1, such a sender had first turned to smaller segments, as large ones got no answer.",
            "explain mtu-black-hole, explain 'path MTU'"
        ),
        "TcpExtTCPMemoryPressures": (
            "tcp_mem is in pages. A process is not reading: `tcptrace sockets` shows Recv-Q and Send-Q.",
            "explain PROTO_MEM"
        ),
        "TcpExtTCPReqQFullDoCookies": (
            "A SYN flood, or a backlog that is too small. If net.ipv4.tcp_syncookies is 2, every SYN counts, however empty the queue.",
            "explain syn-cookies"
        ),
        "TcpExtTCPReqQFullDrop": (
            "tcp_syncookies is 0; otherwise cookies would be sent.", "explain syn-unanswered, explain syn-cookies"
        ),
        "TcpExtTCPSpuriousRTOs": ("The ACK was only late (F-RTO).", "explain spurious-retransmission"),
        "TcpExtTCPSynRetrans": (
            "The SYN or SYN-ACK was not answered, or the answer was lost.", "explain syn-unanswered"
        ),
        "TcpExtTCPTimeWaitOverflow": (
            """
            tcp_max_tw_buckets is the limit. Connections beyond it go to CLOSED at once, and their late segments find no socket, or a
            new connection.
            """, "explain TIME_WAIT, explain time-wait-held"
        ),
        "TcpExtTCPTimeouts": ("The retransmission timer expired; SYNs count, too.", "explain retransmission"),
        "TcpExtTCPZeroWindowDrop": (nil, "explain zero-window-stall, explain TCP_ZEROWINDOW"),
        "TcpExtTCPRcvQDrop": (nil, "explain zero-window-stall, explain PROTO_MEM"),
    ]
}
