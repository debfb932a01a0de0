// Pages for the remarks in brackets on the rows of the timeline, and for the words of its closing lines.

extension Explanation {
    private static func remark(_ name: String, _ summary: String, _ meaning: String, see: String = "") -> Explanation {
        Explanation(.remark, name, summary, sections: [.meaning(meaning)] + (see.isEmpty ? [] : [.see(see)]))
    }

    static let rowRemarks: [Explanation] = repetitions + probes + capture + surprises + closing + owners

    private static let repetitions = [
        remark(
            "RTO", "Retransmitted because a retransmission timer expired.",
            "The oldest unacknowledged octets, after a silence in which nothing came back. (RTO, 2nd): once more, after twice the time.",
            see: "explain retransmission"),
        remark(
            "RTO or probe",
            "Retransmitted by a timer: the retransmission timeout, or a tail loss probe that waits as long.",
            "With one segment in flight, Linux's probe waits for the timeout if that is sooner (RFC 8985 7.2), so packets do not show which. It always"
                + " probes first: if the sender's TcpExtTCPTimeouts did not rise (see the end of a live trace), it was a probe.",
            see: "explain retransmission, explain TLP"),
        remark(
            "RTO after probe",
            "Retransmitted because a retransmission timer expired; the retransmission before it was a probe.",
            "With one segment in flight, a tail loss probe takes as long as the timer (RFC 8985 7.2), and the timer has not doubled since.",
            see: "explain retransmission, explain tail-loss-probe"),
        remark(
            "not taken with SYN",
            "Text in the SYN that the server did not accept: it was sent again, not lost.",
            "Without a cookie that it knows, a server acknowledges only the SYN (RFC 7413 4.2.2). Fast Open cost nothing and gained nothing.",
            see: "explain fast-open"),
        remark(
            "after RTO", "Retransmitted as the sender works through what it had sent before a timeout.",
            "Each ACK releases some more. Segments that had arrived after all are sent needlessly.",
            see: "explain spurious-retransmission"),
        remark(
            "fast", "Retransmitted at once, because the receiver reported a hole.",
            "Three duplicate ACKs, or a SACK of later octets (RFC 5681 3.2): later segments arrived, so only some were lost.",
            see: "explain retransmission"),
        remark(
            "loss probe", "The last segment, retransmitted after about two round trips to provoke an ACK.",
            "Linux asks before its timer expires; often the ACK was only delayed and nothing was lost. A lone segment's probe waits 200 ms longer (RFC 8985 7.2).",
            see: "explain tail-loss-probe"),
        remark(
            "path MTU",
            "Retransmitted in smaller segments, because a router reported that they were too big for its link.",
            "The ICMP error before it has the MTU (RFC 1191, RFC 8201). This is how it should be: once per path, nothing is wrong.",
            see: "explain mtu-black-hole"),
        remark(
            "spurious", "All of it had already been acknowledged when it was retransmitted.",
            "The ACK had not yet reached the sender, or was lost on the way.",
            see: "explain spurious-retransmission"),
        remark(
            "copy of frame",
            "The same packet captured once more, whole or in other pieces, not a retransmission: all of it is the same.",
            "With -i any, a bridge or a mirror port, one packet is seen several times; a network that delivers it twice looks the same. It counts"
                + " once, and has a row only with -v.",
            see: "explain duplicate-frames"),
    ]

    private static let probes = [
        remark(
            "keep-alive", "One octet or none, just before the next number: is the peer still there?",
            "The peer's TCP answers with an ACK; its program notices nothing (RFC 9293 3.8.4).",
            see: "explain keepalive-dead"),
        remark(
            "window probe", "One octet or none, or text again, sent to a window of 0: is there room again?",
            "The sender has data to send but may not (RFC 9293 3.8.6.1).", see: "explain zero-window-stall"),
        remark("answer", "The ACK that answers a keep-alive or a window probe.", "The peer's TCP is there."),
        remark(
            "window 0", "The sender of this ACK accepts nothing more for now.",
            "Its program reads more slowly than the other one writes.", see: "explain zero-window-stall"),
        remark(
            "window update", "The same ACK with a different window.", "The program has read, so there is room again."),
        remark(
            "duplicate ACK", "The same ACK again, with nothing new or with more SACK ranges.",
            "A segment arrived that was not the next one: something before it is missing, or it had arrived before.",
            see: "explain reordering"),
        remark(
            "delayed ACK", "An ACK that waited on purpose, at least 30 ms longer than the round trip.",
            "A receiver waits for a second full segment, or for an answer that can carry the ACK: Linux for 40 ms or more, no system for half a second."
                + " A queue on the path that delays a short segment's ACK looks the same."),
    ]

    private static let capture = [
        remark(
            "hole before", "Octets before it were not captured: lost, overtaken, or missed by the capture.",
            "What became of them shows later: by `fills hole`, or by an ACK of octets that the capture does not have.",
            see: "explain capture-gap, explain reordering"),
        remark(
            "reordered", "It arrived after segments that were sent later.",
            "Its timestamp or IP identification is older than theirs.", see: "explain reordering"),
        remark(
            "fills hole", "It carries octets that were missing before.",
            "It came late, or was retransmitted because the first copy was lost before the capture point.",
            see: "explain reordering"),
        remark(
            "late in capture", "It is late only in the capture: its answer was captured first.",
            "Capturing from two queues or two interfaces causes this; nothing was wrong on the wire."
        ),
        remark(
            "acks unseen data", "An ACK of octets that the capture does not have.",
            "They arrived, so it is the capture that lacks frames, not the network.", see: "explain capture-gap"),
        remark(
            "octets not captured",
            "`[1400 of 1448 octets not captured]`: the capture lacks that much of this frame's text.",
            "The frame was cut at the capture's snapshot length: 256 octets, unless -s, -A or -X sets another. -s 0 keeps everything.",
            see: "explain capture-gap"),
        remark(
            "left out", "`... 600 rows, 1200 segments left out ...`: a connection with very many rows.",
            "Its first and last rows are shown, and all findings; -v shows 100 times as many. For text shown by -A or -X: there was no"
                + " memory to keep it while it waited."),
        remark(
            "fragments missing", "The first fragment of a packet whose other fragments never arrived.",
            "Its receiver got none of the packet, and it changes no state."),
        remark(
            "bad checksum", "Its receiver drops it, so its contents are ignored.",
            "Only with --verify-checksums, or if this host's kernel reports that it dropped the segment for that (explain TCP_CSUM). On loopback, and where a network card computes checksums, they are unfinished, which is not an error."
        ),
    ]

    private static let surprises = [
        remark(
            "SYN inside connection", "A SYN for an endpoint that is open, as far as is known.",
            "It is answered with an ACK and otherwise ignored (RFC 5961 4.2).",
            see: "explain challenge-ack, explain half-open-peer"),
        remark(
            "other ISN", "A second SYN or SYN-ACK from one end with a different initial sequence number.",
            "It is another attempt, an answer from another host, or a SYN cookie."),
        remark(
            "unacceptable ACK", "An ACK that does not answer the SYN.",
            "An old socket with these ports answered; the client resets it and sends its SYN again (RFC 9293 3.5.1).",
            see: "explain half-open-peer"),
        remark(
            "answers a bad ACK", "A RST that only answers an ACK that matches nothing here.",
            "Its sender's own state does not change (RFC 9293 3.10.7.3).", see: "explain half-open-peer"),
        remark(
            "blind ACK, ignored", "An ACK far from anything that was sent.",
            "Its sender is guessing; it is dropped (RFC 5961 5.2).", see: "explain challenge-ack"),
        remark(
            "not exact: challenged", "A RST in the window, but not at the next number expected.",
            "It ends nothing: its receiver answers with a challenge ACK (RFC 5961 3.2).", see: "explain rst-ignored"),
        remark(
            "ignored", "A RST outside the window.", "It ends nothing (RFC 5961 3.2).", see: "explain rst-ignored"),
        remark(
            "RST not heeded", "Its sender carries on after a RST that should have ended it.",
            "A third party generated that RST, or it never arrived.", see: "explain rst-ignored, explain middlebox"),
        remark(
            "after own close", "Text or a FIN from an end that has already closed.",
            "It is late, or belongs to another connection.", see: "explain reset-after-close"),
        remark("FIN before open", "A FIN from an end that has not finished opening.", "No TCP sends that on its own."),
        remark(
            "another FIN", "A second FIN with another number, or one before text that was acknowledged.",
            "At most one of the FINs is genuine, and nothing follows a genuine one."),
        remark(
            "beyond window", "Text beyond the room that its receiver has.",
            "It is dropped (RFC 9293 3.4), and counts only if its sender continues from there or an ACK covers it; otherwise it is counted separately."
        ),
        remark("no ACK", "A segment without ACK on an open connection.", "It is dropped (RFC 9293 3.10.7.4)."),
        remark(
            "meaningless flags", "SYN with FIN or RST, or no flag at all.", "No TCP sends that; scanners do."),
        remark(
            "old timestamp: dropped", "Its timestamp is older than one that its receiver has already accepted.",
            "An old duplicate: it is answered with an ACK and dropped (PAWS). Its ACK and window are ignored."),
        remark(
            "of an older connection", "A segment from before its sender's SYN.",
            "It came late, from the previous connection on the same ports.", see: "explain port-reused"),
    ]

    private static let closing = [
        remark(
            "RTT", "Round trips: the shortest and longest times from a segment to its ACK.",
            "Those of the client's segments before >, those of the server's before <. They are measured at the capture point: close to one end,"
                + " that end's answers take almost no time."),
        remark(
            "SETUP", "How long the handshake took: from the first SYN to the ACK of the SYN-ACK.",
            "If it is a second or more, a SYN or a SYN-ACK was retransmitted.",
            see: "explain syn-unanswered, explain syn-ack-lost"),
        remark(
            "handshake", "In the last line, how long the handshake took: SETUP in the table of -q.",
            "From the first SYN to the ACK of the SYN-ACK. If that ACK was not captured, the line has SYN-ACK after: explain 'SYN-ACK after'.",
            see: "explain SETUP"),
        remark(
            "SYN-ACK after",
            "In the last line, instead of the handshake's time: the ACK that completes it was not captured.",
            "From the first SYN to the SYN-ACK. A capture of SYNs, FINs and RSTs shows no more than that, or the capture lost the ACK.",
            see: "explain handshake, explain 'not captured'"),
        remark(
            "in this capture",
            "`no answer in this capture`: a single SYN, in a capture without an answer to any SYN.",
            "A filter for SYNs leaves answers out, so whether there was one is unknown. A SYN that is retransmitted had no answer until then.",
            see: "explain S0, explain syn-unanswered"),
        remark(
            "last segment after",
            "For a connection that did not close: the time from its first segment to its latest one.",
            "It is open or was given up: its segments do not show how long it lasted.",
            see: "explain silent-close"),
        remark(
            "whose process ended",
            "The side that closed first did not call close(): its process ended, and the kernel closed its socket. The process is named"
                + " (`whose process lab-server[7512] ended`) where the block's head may name another one: a child of it held the last copy of"
                + " the socket, or had accepted it.",
            "It was killed, crashed, or exited with the socket open. On the wire this is a FIN like any other, unless octets were unread.",
            see: "explain reset-killed, explain reset-unread-data"),
        remark(
            "acked", "`acked +19.0us`: the time from the last octets of a row to their ACK.",
            "Near the receiver this is the time that its kernel took; elsewhere it is a round trip.",
            see: "explain 'delayed ACK', explain RTT"),
    ]

    /// Remarks shown in place of a process or a state.
    private static let owners = [
        remark(
            "not captured",
            "`kernel: client is CLOSE_WAIT, not captured`: the kernel has the socket in a state to which no captured segment led. `RST not captured`:"
                + " it sent or accepted a RST.",
            "A filter left that segment out (one direction only, SYN and FIN only), or the capture lost it. Both states, the closing side"
                + " and the outcome follow the kernel; Zeek's conn_state after it is from the capture alone.",
            see: "explain capture-gap, explain '*'"),
        remark(
            "redirected",
            "`client called 10.1.0.2:80 (redirected)`: rules on the client's own host sent it to the server on the right.",
            "REDIRECT or DNAT in OUTPUT, as used by a service mesh in front of its proxy (Linux: SO_ORIGINAL_DST). The client's socket has the"
                + " address that it called, and the server's packets come from that address; both are one connection here."
        ),
        remark(
            "NAT",
            "`kernel: client called 10.96.0.10:80 (NAT)`, `kernel: server is 10.9.0.1:15006 (NAT)`, `kernel: client is 172.17.0.2:40001"
                + " (NAT)`, `kernel: server sees 10.9.0.1:40001 (NAT)`: the address that this end's socket has.",
            "Rules on this host translate the packets between the socket and the capture: DNAT of outgoing calls (Kubernetes"
                + " services), REDIRECT or DNAT of incoming ones, SNAT of a container's calls. `= 1 (NAT)` in a row of -q: the same connection as in row 1, with other"
                + " addresses.",
            see: "explain redirected"),
        remark(
            "not accepted", "The connection is open, but no process has called accept() for it.",
            "It waits in the listener's accept queue. Linux completes the handshake and receives data by itself.",
            see: "explain never-accepted"),
        remark(
            "accepted after",
            "`kernel: accepted after 80ms to 103ms`: how long the open connection waited in the accept queue.",
            "From the end of the handshake to accept(), which causes no event: between two readings of the socket, or between one of"
                + " them and the server's first answer. `within`: it was accepted by the first reading.",
            see: "explain accepted-late, explain accept-queue-full"),
        remark(
            "no process", "A socket that no process holds any more: its process has closed it or has ended.",
            "The kernel finishes the connection by itself. In FIN_WAIT_2 it waits for the peer's close(), in TIME_WAIT for late segments. In"
                + " SYN_RECEIVED no process has the socket yet: the handshake is not finished.",
            see: "explain orphan-fin-wait-2, explain FIN_WAIT_1, explain LAST_ACK"),
        remark(
            "no socket",
            "Nothing listens at this end: a RST answered the SYN, or (with *) the kernel has no socket for it.",
            "Without a socket there is no state, and no process to name.",
            see: "explain refused, explain syn-unanswered"),
        remark(
            "unknown", "Nothing is known about this end: none of its segments had been captured when the SYN went out.",
            "In a live trace on the server's host, LISTEN or (no socket) stands here.", see: "explain syn-unanswered"),
        remark(
            "was", "`was lab-client[7511]`: the process that held the socket, which is now closed.",
            "Name and number are from that time: the process itself may have ended since."),
        remark(
            "listens",
            "`lab-server[7410] listens`: no process has accepted the connection, and this one holds the listener.",
            "It is the process that should call accept(). If `accepted` stands there instead, this end has answered, so it did.",
            see: "explain never-accepted"),
        remark(
            "FIN not captured",
            "`client ESTABLISHED (has closed, FIN not captured)`: the kernel reports that the program has closed; no packet shows it.",
            "The FIN waits behind data that the peer has not acknowledged, or is dropped on its way out.",
            see: "explain state-mismatch"),
        remark(
            "has no owner",
            "The side that closed did so completely: no process has its socket, and the kernel finishes the connection alone.",
            "Data that the other side sends now is answered with a RST. After a mere shutdown(), the process would still read.",
            see: "explain orphan-fin-wait-2, explain reset-after-close"),
    ]
}
