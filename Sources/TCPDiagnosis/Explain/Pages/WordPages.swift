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
            .word, "seq", "Sequence number: which octet of its sender's this segment begins with.",
            .wire(
                """
                Each side counts its own octets (RFC 9293 3.4). SYN and FIN take a number each: the SYN has 0, the first octet of text 1. `ack 7`
                says that all before 7 has come, and that 7 is expected next; so a FIN with seq 13 is acknowledged by ack 14.
                """),
            .meaning(
                """
                Counted from the sender's SYN, as tcpdump and Wireshark do. On the wire it begins with a number that nobody can guess, the ISN;
                -S shows that. Data rows show the range of their octets, the end not included: 1:7.
                """),
            .see("explain data, explain ACK, explain acked")),
        Explanation(
            .word, "mss", "Maximum segment size: the most text that this side wants in one segment.",
            .wire(
                """
                An option of a SYN or SYN-ACK, each side for itself (RFC 9293 3.7.1). IP and TCP headers are not counted: 1460 of an Ethernet
                frame of 1500 octets with IPv4, 1440 with IPv6. What is not said counts as 536 (IPv4) or 1220 (IPv6).
                """),
            .linux(
                """
                From the route's MTU; 65495 on loopback. Options take from it: with time stamps a segment has 12 octets less. A
                firewall may lower it on the way. `tcptrace sockets -i` has the size that is used, and the path's MTU.
                """),
            .see("explain mtu-black-hole, explain 'path MTU'")),
        Explanation(
            .word, "ws", "Window scale: the power of two by which this side's windows are multiplied.",
            .wire(
                """
                An option of a SYN or SYN-ACK, from 0 to 14 (RFC 7323 2.3): with ws 10 a window of 64 means 64 * 1024 octets. It
                counts only if both sides sent it, and never for the window of a SYN itself.
                """),
            .linux(
                "tcp_window_scaling = 1 (the default); the number comes from the largest receive buffer (tcp_rmem)."),
            .meaning(
                "A capture that begins late has not seen it: then nobody knows how large the windows are. explain partial."
            ),
            .see("explain win")),
        Explanation(
            .word, "win", "Window: how many octets the sender of this segment would take now.",
            .wire(
                """
                The header's number as it is (RFC 9293 3.1), counted from the segment's ACK. On all but SYNs it is to be multiplied by 2
                to the power of the sender's ws. 0 means: send nothing until I say so.
                """),
            .linux(
                """
                Room in the receive buffer, which grows by itself up to tcp_rmem. `tcptrace sockets -i` has the peer's window in octets.
                """),
            .see("explain ws, explain 'window 0', explain zero-window-stall")),
        Explanation(
            .word, "SACK", "Selective acknowledgment: which octets have come behind a hole.",
            .wire(
                """
                An option of ACKs: up to four runs of octets, three where there are time stamps (RFC 2018 3). Both sides allow it in their SYNs
                (RFC 2018 2). The ACK number stays before the hole, so the sender need not send again what is named.
                """),
            .linux(
                """
                tcp_sack = 1 (the default). `tcptrace sockets -i` says how many segments are reported by SACK; a hole below a SACK is sent
                again soon: (fast).
                """),
            .see("explain fast, explain D-SACK, explain retransmission")),
        Explanation(
            .word, "ts", "Time stamps: the sender's clock, and (ecr) the last stamp that it got from the other side.",
            .wire(
                """
                An option of all segments or none, agreed on in the SYNs (RFC 7323 3.2). The echo measures round trips, even of
                retransmissions; a stamp older than the latest one marks an old duplicate: explain PAWS.
                """),
            .linux(
                """
                Milliseconds from a start that differs for each pair of hosts; tcp_timestamps = 1 (the default). Shown with -vv. A SYN
                cookie hides the other options in it: explain syn-cookies.
                """),
            .see("explain PAWS, explain spurious")),
        Explanation(
            .word, "ecn", "Explicit congestion notification: offered by this SYN, or taken by this SYN-ACK.",
            .wire(
                """
                A SYN with ECE and CWR offers it, a SYN-ACK with ECE alone takes it (RFC 3168 6.1.1). From then on routers may mark packets
                instead of dropping them: the receiver says ECE until the sender has answered with CWR.
                """),
            .linux(
                """
                tcp_ecn = 2 (the default) takes it and does not offer it; 1 offers it, too. A SYN that offers it and gets no answer is
                followed by one that does not, because some old firewalls drop it.
                """),
            .see("explain ECE, explain CWR")),
        Explanation(
            .word, "D-SACK", "A SACK that reports a duplicate: this came twice.",
            .wire(
                """
                Its first run of octets lies below the ACK number, or within its second one (RFC 2883 4). So the sender learns that the
                retransmission was not needed, or that the network duplicated something.
                """),
            .linux("tcp_dsack = 1 (the default). TcpExtTCPDSACKRecv, TCPDSACKOldSent count."),
            .meaning("Here a remark below the row names the frame: frame 12 was not needed (D-SACK)."),
            .see("explain spurious-retransmission, explain tail-loss-probe")),
        Explanation(
            .word, "PAWS", "Protection against wrapped sequences: old duplicates are known by their time stamps.",
            .wire(
                """
                A segment with a time stamp older than the last one taken is answered with an ACK and dropped, whatever its numbers are
                (RFC 7323 5); RSTs are exempt. In the row: (old timestamp: dropped).
                """),
            .linux(
                """
                With tcp_timestamps (1 by default). TcpExtPAWSEstab counts; the kernel's reasons are TCP_RFC7323_PAWS,
                TCP_RFC7323_PAWS_ACK and TCP_RFC7323_TW_PAWS.
                """),
            .causes(
                "A late duplicate, of this connection or of the one before it on these ports.",
                "Several clients behind one NAT whose clocks differ, and one port is used again."),
            .see("explain 'old timestamp: dropped', explain TCP_RFC7323_PAWS")),
    ]

    // MARK: Columns

    private static let columns = [
        Explanation(
            .word, "OUTCOME", "In the table of -q: what became of the connection, and Zeek's conn_state for it.",
            .meaning(
                """
                `closed SF`: our outcome first, from the states of both ends; then Zeek's, from the segments alone. Each has a
                page: explain half_closed, explain S2. In JSON and CSV they are outcome and conn_state; --outcome chooses by the first.
                """),
            .see("explain closed, explain SF, explain open")),
        Explanation(
            .word, "DURATION", "In the table of -q: from a connection's first segment to its last one.",
            .meaning(
                """
                For a connection that closed, this is how long it lasted. If it is open, or was given up, its true duration is unknown: the last line
                of the ladder says `last segment after` instead. A connection of one segment has duration 0. In JSON and CSV it is duration.
                """),
            .see("explain SETUP, explain 'last segment after'")),
        Explanation(
            .word, ">B",
            "In the table of -q: octets of text from the client to the server; under <B those of the server.",
            .meaning(
                """
                By sequence numbers, each octet once, however often it was sent; including those that ACKs show and the capture lacks. In JSON and
                CSV they are orig_bytes and resp_bytes.
                """),
            .see("explain data, explain capture-gap, explain retransmission")),
        Explanation(
            .word, "PROCESS", "In the table of -q: who holds the sockets, the client's process > the server's.",
            .meaning(
                """
                From 100 columns on; `--width 100` makes them. Only processes of this host are known, and those of other users only to root. `-`: the
                client's is unknown. After it may stand why there was no answer, or where a NAT sent it.
                """),
            .see("explain CLOSER, explain listens, explain NAT")),
        Explanation(
            .word, "delta", "In the ladder: the time since the previous row of the same connection.",
            .meaning(
                """
                A row of several segments counts from the last segment of the previous row to its own first one. The column `time` is the time
                since the connection's first segment. Other forms of it: -t, -tt, -ttt, -tttt.
                """),
            .see("explain idle, explain 'delayed ACK', explain RTO")),
        Explanation(
            .word, "teardown", "`--- teardown (client closes first) ---`: from here on the connection is closed.",
            .meaning(
                """
                The rules divide a ladder into handshake, data, teardown and reset. This one stands before the first FIN, and says whose it is:
                that side goes to FIN_WAIT_1 and later to TIME_WAIT, the other to CLOSE_WAIT (RFC 9293 3.6).
                """),
            .see("explain FIN, explain FIN_WAIT_1, explain reset")),
        Explanation(
            .word, "PID/Program",
            "In `tcptrace sockets`: the number and the name of the process that holds the socket.",
            .meaning(
                """
                ` +2`: two more hold the same one. `?`: only root may see it. (no process), (not accepted): nobody holds it. -v has each
                process, with its user, executable and container.
                """),
            .see("explain 'no process', explain 'not accepted', explain ?")),
    ]

    // MARK: Times

    private static let times = [
        Explanation(
            .word, "RTO", "Retransmission timeout: how long a sender waits for an ACK before it sends again.",
            .wire(
                """
                From the round trips so far and how they vary (RFC 6298 2), and doubled after each timeout (RFC 9293 3.8.2, RFC 6298 5.5).
                The first SYN's is 1 s.
                """),
            .linux(
                """
                200 ms at least (tcp_rto_min_us; RFC 6298 2 says 1 s), 120 s at most. `tcptrace sockets -i` shows it and how often it was
                doubled. tcp_retries2 (15) of them end an open connection.
                """),
            .see("explain retransmission, explain TLP, explain ETIMEDOUT")),
        Explanation(
            .word, "TLP",
            "Tail loss probe: the last segment once more, or a new one, before the timeout, to provoke an ACK.",
            .wire(
                """
                After two round trips without an ACK; where one segment alone is in flight, after the time by which its ACK may be delayed
                as well (RFC 8985 7.2). In the row: (loss probe).
                """),
            .linux("tcp_early_retrans = 3 (the default); the delay counts as 200 ms. TcpExtTCPLossProbes counts."),
            .see("explain tail-loss-probe, explain RTO")),
        Explanation(
            .word, "MSL", "Maximum segment lifetime: how long a segment may survive in the network.",
            .wire(
                """
                Taken to be 2 minutes (RFC 9293 3.4.2): a choice, not a measure. TIME_WAIT lasts two of them (RFC 9293 3.6.1), so
                that no segment of the old connection meets the next one on the same ports.
                """),
            .linux("TIME_WAIT is 60 s, fixed: an MSL of 30 s."),
            .see("explain TIME_WAIT, explain port-reused")),
        Explanation(
            .word, "idle", "`idle for 61s`: nothing was sent in either direction for this long.",
            .meaning("A rule stands where more than 2 s passed between two segments. No state changes by waiting."),
            .wire("An idle connection sends nothing at all, for years if need be (RFC 9293 3.8.4)."),
            .linux(
                """
                Only SO_KEEPALIVE checks on the peer (tcp_keepalive_time, 7200 s). NATs, firewalls and load balancers forget sooner,
                without a word.
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
            .word, "CLOSER", "In the table of -q: who ended the connection, the client or the server.",
            .meaning(
                """
                The side whose FIN was first, or that sent the RST that ended it. `-` while neither has.  In JSON and CSV it is closed_by. The side that closes
                first gets TIME_WAIT. The column is shown from 100 columns on, like PROCESS: use `--width 100`.
                """),
            .see("explain FIN, explain TIME_WAIT")),
        Explanation(
            .word, "Recv-Q", "Octets that a socket has received and acknowledged, and its process has not read.",
            .linux(
                """
                An unread FIN counts as one. It grows while the process does not read, until the window is 0. Of a listener: the
                connections that wait for accept(). netstat, ss and `tcptrace sockets` have the same number.
                """),
            .wire("Nothing of it is visible except the window, which shrinks."),
            .see("explain unread-text, explain close-wait-leak, explain accept-queue-full")),
        Explanation(
            .word, "Send-Q", "Octets that a process has written and the peer has not acknowledged.",
            .linux(
                """
                Sent or not yet; SYN and FIN count as one each. It grows while the peer does not read or does not answer. Of a
                listener it is the limit of its queue in ss, and 0 in netstat and `tcptrace sockets`; `tcptrace sockets -i` has
                the limit.
                """),
            .see("explain zero-window-stall, explain retransmission, explain LISTEN")),
        Explanation(
            .word, "discarded here",
            "In `tcptrace sockets -i`: segments that this socket's kernel took in and threw away (sk_drops; ss -m: d).",
            .linux(
                """
                Duplicates, as of a FIN or a tail loss probe that came twice, probes of a closed window, and what came beyond the window or
                found no memory. Of the first two nothing was lost.
                """),
            .see("explain spurious-retransmission, explain zero-window-stall, explain TcpExtTCPRcvQDrop")),
        Explanation(
            .word, "ICMP",
            "A row such as `ICMP port unreachable from 10.0.0.1, quoting seq 0`: an error about a segment.",
            .wire(
                """
                The error comes from a router, a firewall or the host itself, which its address tells, and quotes the beginning of the
                segment that it is about (RFC 792, RFC 4443): the number is that segment's.
                """),
            .linux(
                """
                While a connection is being opened most of them end connect(), with the errno that fits: port unreachable ECONNREFUSED, host
                unreachable EHOSTUNREACH. Of an open connection they are hints only. (ignored): it moved no state.
                """),
            .see("explain syn-unanswered, explain EHOSTUNREACH, explain 'path MTU'")),
        Explanation(
            .word, "data", "Bytes, octets, text, payload, data: the same, what programs send to each other.",
            .meaning(
                """
                Rows count bytes, findings octets (8 bits, as the RFCs say), and text is a segment's payload, whether letters or not. The rule `data` stands where the first of it was sent.
                """),
            .wire(
                "Each octet has a number: 1:7 is the first to the sixth. SYN and FIN take a number each and are no data (RFC 9293 3.4)."
            ),
            .see("explain D, explain acked, explain handshake")),
        Explanation(
            .word, "note", "How bad a finding is: note, warning or error. In JSON they are info, warn and error.",
            .meaning(
                """
                note: worth knowing, and nothing is wrong. warning: not what one of the programs intended. error: data is lost, a program
                waits in vain, or a socket leaks.
                """),
            Section(
                "What to do",
                ["--fail-on error makes the exit code 3 where there is one; --fail-on warning also for warnings."])),
        Explanation(
            .word, "Community ID", "`1:4odjkdvDXBQ0zZideF...`: the connection's name for other tools.",
            .meaning(
                """
                A hash of protocol, addresses and ports, the same for both directions (version 1, seed 0). Zeek, Suricata and Wireshark compute
                the same one, so their logs can be searched for it. It is at the end of a connection's first line; in JSON it is complete:
                community_id.
                """),
            Section("Mind", ["Two connections on the same ports, one after the other, have the same one."])),
    ]
}
