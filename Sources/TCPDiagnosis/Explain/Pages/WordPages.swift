// The pages of words used in rows, columns and findings: sizes and numbers of the header, timers, options, queues.

extension Explanation {
    /// Synonyms of page names.
    static let otherWords: [String: String] = [
        "bytes": "data", "byte": "data", "octets": "data", "octet": "data", "text": "data", "payload": "data",
        "warning": "note", "error": "note", "info": "note", "warn": "note",
        "dsack": "D-SACK", "sacked": "SACK", "sack-ok": "SACK", "ecr": "ts", "timestamps": "ts", "pto": "TLP",
        "sequence": "seq", "sequence-number": "seq", "retransmitted": "retransmit", "closed-by": "CLOSER",
        "window": "win", "wscale": "ws", "rx-queue": "Recv-Q",
        "tx-queue": "Send-Q", "idle-for": "idle", "length": "data", "len": "data",
        "<b": ">B", "orig-bytes": ">B", "resp-bytes": ">B", "lasted": "DURATION",
        "pid": "PID/Program", "program": "PID/Program", "processes": "PROCESS",
    ]

    static let words: [Explanation] = header + times + texts + columns

    // MARK: What a segment says

    private static let header = [
        Explanation(
            .word, "seq", "Sequence number: the number of the first octet in this segment.",
            .wire(
                """
                Each side numbers its own octets (RFC 9293 3.4). SYN and FIN take one number each: the SYN has 0, the first octet of text 1. `ack 7`
                says that everything before 7 has arrived and that 7 is expected next; so a FIN with seq 13 is acknowledged by ack 14.
                """),
            .meaning(
                """
                Counted from the sender's SYN, as in tcpdump and Wireshark. On the wire, numbering starts at an unpredictable number, the ISN;
                -S shows those numbers. Data rows show the range of their octets, excluding its end: 1:7.
                """),
            .see("explain data, explain ACK, explain acked")),
        Explanation(
            .word, "mss", "Maximum segment size: the most text that this side accepts in one segment.",
            .wire(
                """
                An option in a SYN or SYN-ACK, separate for each side (RFC 9293 3.7.1). IP and TCP headers are not counted: 1460 of an Ethernet
                frame's 1500 octets with IPv4, 1440 with IPv6. If it is absent, 536 (IPv4) or 1220 (IPv6) applies.
                """),
            .linux(
                """
                It comes from the route's MTU; 65495 on loopback. Options reduce the text: with timestamps a segment has 12 octets less. A
                firewall may lower it on the way. `tcptrace sockets -i` shows the size in use, and the path's MTU.
                """),
            .see("explain mtu-black-hole, explain 'path MTU'")),
        Explanation(
            .word, "ws", "Window scale: the power of two by which this side's windows are multiplied.",
            .wire(
                """
                An option in a SYN or SYN-ACK, from 0 to 14 (RFC 7323 2.3): with ws 10, a window of 64 means 64 * 1024 octets. It
                applies only if both sides sent it, and never to the window of a SYN itself.
                """),
            .linux(
                "tcp_window_scaling = 1 (the default); the number follows from the largest receive buffer (tcp_rmem)."),
            .meaning(
                "A capture that begins late has not seen it, so the size of the windows is unknown: explain partial."
            ),
            .see("explain win")),
        Explanation(
            .word, "win", "Window: how many octets the sender of this segment will accept now.",
            .wire(
                """
                The number as it stands in the header (RFC 9293 3.1), counted from the segment's ACK. Except in SYNs, multiply it by 2
                to the power of the sender's ws. 0 means "send nothing until I say so".
                """),
            .linux(
                """
                Free space in the receive buffer, which grows automatically up to tcp_rmem. `tcptrace sockets -i` shows the peer's window in octets.
                """),
            .see("explain ws, explain 'window 0', explain zero-window-stall")),
        Explanation(
            .word, "SACK", "Selective acknowledgment: which octets have arrived beyond a hole.",
            .wire(
                """
                An option in ACKs: up to four ranges of octets, three if there are timestamps (RFC 2018 3). Both sides permit it in their SYNs
                (RFC 2018 2). The ACK number stays before the hole; the sender need not retransmit the octets listed.
                """),
            .linux(
                """
                tcp_sack = 1 (the default). `tcptrace sockets -i` shows how many segments SACKs have reported; a hole below a SACK is retransmitted
                soon: (fast).
                """),
            .see("explain fast, explain D-SACK, explain retransmission")),
        Explanation(
            .word, "ts",
            "Timestamps: the sender's clock, and (ecr) the latest timestamp that it received from the other side.",
            .wire(
                """
                An option in all segments or none, agreed on in the SYNs (RFC 7323 3.2). The echo measures round trips, even of
                retransmissions; a timestamp older than the latest one marks an old duplicate: explain PAWS.
                """),
            .linux(
                """
                Milliseconds, with a start that differs for each pair of hosts; tcp_timestamps = 1 (the default). Shown with -vv. A SYN
                cookie encodes the other options in it: explain syn-cookies.
                """),
            .see("explain PAWS, explain spurious")),
        Explanation(
            .word, "ecn", "Explicit congestion notification: offered by this SYN, or accepted by this SYN-ACK.",
            .wire(
                """
                A SYN with ECE and CWR offers it, a SYN-ACK with only ECE accepts it (RFC 3168 6.1.1). From then on, routers may mark packets
                instead of dropping them: the receiver sets ECE until the sender has answered with CWR.
                """),
            .linux(
                """
                tcp_ecn = 2 (the default) accepts it but does not offer it; 1 does both. A SYN that offers it and gets no answer is
                followed by one that does not, because some old firewalls drop such SYNs.
                """),
            .see("explain ECE, explain CWR")),
        Explanation(
            .word, "D-SACK", "A SACK that reports a duplicate: these octets arrived twice.",
            .wire(
                """
                Its first range lies below the ACK number, or within its second range (RFC 2883 4). It tells the sender that the
                retransmission was not needed, or that the network duplicated a segment.
                """),
            .linux("tcp_dsack = 1 (the default). TcpExtTCPDSACKRecv and TCPDSACKOldSent count."),
            .meaning("A remark below the row names the frame: frame 12 was not needed (D-SACK)."),
            .see("explain spurious-retransmission, explain tail-loss-probe")),
        Explanation(
            .word, "PAWS", "Protection against wrapped sequences: old duplicates are recognized by their timestamps.",
            .wire(
                """
                A segment whose timestamp is older than the last one accepted is answered with an ACK and dropped, whatever its numbers
                (RFC 7323 5); RSTs are exempt. In the row: (old timestamp: dropped).
                """),
            .linux(
                """
                With tcp_timestamps (1 by default). TcpExtPAWSEstab counts; the kernel's reasons are TCP_RFC7323_PAWS,
                TCP_RFC7323_PAWS_ACK and TCP_RFC7323_TW_PAWS.
                """),
            .causes(
                "A late duplicate from this connection, or from the previous one on these ports.",
                "Several clients behind one NAT, whose clocks differ, and a port that is reused."),
            .see("explain 'old timestamp: dropped', explain TCP_RFC7323_PAWS")),
    ]

    // MARK: Columns

    private static let columns = [
        Explanation(
            .word, "OUTCOME", "In the table of -q: the connection's outcome, and Zeek's conn_state for it.",
            .meaning(
                """
                `closed SF`: first tcptrace's outcome, from the states of both ends; then Zeek's, from the segments alone. Each has a
                page: explain half_closed, explain S2. In JSON and CSV they are outcome and conn_state; --outcome selects by the first.
                """),
            .see("explain closed, explain SF, explain open")),
        Explanation(
            .word, "DURATION", "In the table of -q: from a connection's first segment to its last one.",
            .meaning(
                """
                For a connection that closed, this is how long it lasted. If it is open or was given up, its true duration is unknown: the last line
                of the ladder says `last segment after` instead. A connection of one segment has duration 0. In JSON and CSV it is duration.
                """),
            .see("explain SETUP, explain 'last segment after'")),
        Explanation(
            .word, ">B",
            "In the table of -q: octets of text from the client to the server; <B has those from the server.",
            .meaning(
                """
                Counted by sequence numbers: each octet once, however often it was sent, including octets that only ACKs show because the capture lacks them. In JSON and
                CSV they are orig_bytes and resp_bytes.
                """),
            .see("explain data, explain capture-gap, explain retransmission")),
        Explanation(
            .word, "PROCESS", "In the table of -q: the processes that hold the sockets, the client's > the server's.",
            .meaning(
                """
                Shown from 100 columns on; `--width 100` provides them. Only processes on this host are known, and only root sees those of other users. `-`: the
                client's is unknown. The reason why there was no answer, or where a NAT sent it, may follow.
                """),
            .see("explain CLOSER, explain listens, explain NAT")),
        Explanation(
            .word, "delta", "In the ladder: the time since the previous row of the same connection.",
            .meaning(
                """
                For a row of several segments it is the time from the last segment of the previous row to its own first one. The column `time` is the time
                since the connection's first segment; -t, -tt, -ttt and -tttt show it in other forms.
                """),
            .see("explain idle, explain 'delayed ACK', explain RTO")),
        Explanation(
            .word, "teardown", "`--- teardown (client closes first) ---`: from here on the connection is being closed.",
            .meaning(
                """
                Rules divide a ladder into handshake, data, teardown and reset. This one stands before the first FIN and says whose it is:
                that side goes to FIN_WAIT_1 and later to TIME_WAIT, the other to CLOSE_WAIT (RFC 9293 3.6).
                """),
            .see("explain FIN, explain FIN_WAIT_1, explain reset")),
        Explanation(
            .word, "PID/Program",
            "In `tcptrace sockets`: the number and the name of the process that holds the socket.",
            .meaning(
                """
                ` +2`: two more processes hold it. `?`: only root may see it. (no process), (not accepted): no process holds it. -v lists each
                process with its user, executable and container.
                """),
            .see("explain 'no process', explain 'not accepted', explain ?")),
    ]

    // MARK: Times

    private static let times = [
        Explanation(
            .word, "RTO", "Retransmission timeout: how long a sender waits for an ACK before it retransmits.",
            .wire(
                """
                It follows from the round trips so far and their variation (RFC 6298 2), and doubles after each timeout (RFC 9293 3.8.2, RFC 6298 5.5).
                For the first SYN it is 1 s.
                """),
            .linux(
                """
                At least 200 ms (tcp_rto_min_us; RFC 6298 2 says 1 s), at most 120 s. `tcptrace sockets -i` shows it and how often it was
                doubled. After tcp_retries2 (15) timeouts, an open connection ends.
                """),
            .see("explain retransmission, explain TLP, explain ETIMEDOUT")),
        Explanation(
            .word, "TLP",
            "Tail loss probe: the last segment once more, or a new one, sent before the timeout to provoke an ACK.",
            .wire(
                """
                It is sent after two round trips without an ACK; if only one segment is in flight, the time by which its ACK may be delayed
                is added (RFC 8985 7.2). In the row: (loss probe).
                """),
            .linux("tcp_early_retrans = 3 (the default); the delay counts as 200 ms. TcpExtTCPLossProbes counts."),
            .see("explain tail-loss-probe, explain RTO")),
        Explanation(
            .word, "MSL", "Maximum segment lifetime: how long a segment may survive in the network.",
            .wire(
                """
                Taken to be 2 minutes (RFC 9293 3.4.2): a choice, not a measurement. TIME_WAIT lasts two MSL (RFC 9293 3.6.1), so
                that no segment of the old connection disturbs the next one on the same ports.
                """),
            .linux("TIME_WAIT is a fixed 60 s, which means an MSL of 30 s."),
            .see("explain TIME_WAIT, explain port-reused")),
        Explanation(
            .word, "idle", "`idle for 61s`: nothing was sent in either direction for this long.",
            .meaning("A rule marks each pause of more than 2 s between two segments. Waiting alone changes no state."),
            .wire("An idle connection sends nothing at all, for years if need be (RFC 9293 3.8.4)."),
            .linux(
                """
                Only SO_KEEPALIVE checks on the peer (tcp_keepalive_time, 7200 s). NATs, firewalls and load balancers forget connections sooner,
                without telling either side.
                """),
            .see("explain keep-alive, explain half-open-peer")),
    ]

    // MARK: Queues, and words for people

    private static let texts = [
        Explanation(
            .word, "retransmit", "Sent again: octets, a SYN or a FIN that this side had sent before.",
            .meaning(
                """
                The reason is in brackets: (RTO) no ACK came in time, (fast) later octets were acknowledged, (loss probe), (path MTU), (spurious) all
                of it had been acknowledged. SYNs and SYN-ACKs are numbered, `retransmit 1 (after 1.02s)`. A frame that was captured
                twice is not a retransmission: (copy of frame 7).
                """),
            .see("explain retransmission, explain RTO, explain fast, explain spurious")),
        Explanation(
            .word, "CLOSER", "In the table of -q: the side that ended the connection, client or server.",
            .meaning(
                """
                The side that sent the first FIN, or the RST that ended the connection. `-`: neither has. In JSON and CSV it is closed_by. The side that closes
                first goes to TIME_WAIT. The column is shown from 100 columns on, like PROCESS: use `--width 100`.
                """),
            .see("explain FIN, explain TIME_WAIT")),
        Explanation(
            .word, "Recv-Q", "Octets that a socket has received and acknowledged but its process has not read.",
            .linux(
                """
                An unread FIN counts as one. It grows while the process is not reading, until the window is 0. For a listener: the
                number of connections that wait for accept(). netstat, ss and `tcptrace sockets` show the same number.
                """),
            .wire("Only the shrinking window shows it."),
            .see("explain unread-text, explain close-wait-leak, explain accept-queue-full")),
        Explanation(
            .word, "Send-Q", "Octets that a process has written but the peer has not acknowledged.",
            .linux(
                """
                Whether already sent or not; SYN and FIN count as one each. It grows while the peer is not reading or not answering. For a
                listener it is the limit of its queue in ss, and 0 in netstat and `tcptrace sockets`; `tcptrace sockets -i` shows
                the limit.
                """),
            .see("explain zero-window-stall, explain retransmission, explain LISTEN")),
        Explanation(
            .word, "discarded here",
            "In `tcptrace sockets -i`: segments that the kernel received for this socket and discarded (sk_drops; ss -m: d).",
            .linux(
                """
                Duplicates, such as a FIN or a tail loss probe that arrived twice, probes of a closed window, and segments beyond the window or
                without memory. With the first two, nothing was lost.
                """),
            .see("explain spurious-retransmission, explain zero-window-stall, explain TcpExtTCPRcvQDrop")),
        Explanation(
            .word, "ICMP",
            "A row such as `ICMP port unreachable from 10.0.0.1, quoting seq 0`: an error about a segment.",
            .wire(
                """
                The error comes from a router, a firewall or the host itself, as its address shows, and quotes the beginning of the
                segment that it is about (RFC 792, RFC 4443): the number belongs to that segment.
                """),
            .linux(
                """
                While a connection is being opened, most of them end connect() with the matching errno: port unreachable with ECONNREFUSED, host
                unreachable with EHOSTUNREACH. For an open connection they are only hints. (ignored): it changed no state.
                """),
            .see("explain syn-unanswered, explain EHOSTUNREACH, explain 'path MTU'")),
        Explanation(
            .word, "data", "Bytes, octets, text, payload, data: all mean what the programs send to each other.",
            .meaning(
                """
                Rows count bytes, findings count octets (8 bits, the RFCs' word), and text is a segment's payload, whether letters or not. The rule `data` stands where the first of it was sent.
                """),
            .wire(
                "Each octet has a number: 1:7 is the first to the sixth. SYN and FIN take one number each but are not data (RFC 9293 3.4)."
            ),
            .see("explain D, explain acked, explain handshake")),
        Explanation(
            .word, "note", "The severity of a finding: note, warning or error. In JSON they are info, warn and error.",
            .meaning(
                """
                note: worth knowing, but nothing is wrong. warning: not what one of the programs intended. error: data is lost, a program
                waits in vain, or a socket leaks.
                """),
            Section(
                "What to do",
                [
                    "--fail-on error makes the exit code 3 if there is an error; --fail-on warning does so for warnings, too."
                ])),
        Explanation(
            .word, "Community ID", "`1:4odjkdvDXBQ0zZideF...`: the connection's name for other tools.",
            .meaning(
                """
                A hash of protocol, addresses and ports, the same in both directions (version 1, seed 0). Zeek, Suricata and Wireshark compute
                the same hash, so you can search their logs for it. It is at the end of a connection's first line; in JSON it is complete:
                community_id.
                """),
            Section("Mind", ["Two connections on the same ports, one after the other, have the same Community ID."])),
    ]
}
