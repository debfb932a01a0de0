// Pages for the remarks in brackets on the rows of the timeline, and for the words of its closing lines.

extension Explanation {
    private static func remark(_ name: String, _ summary: String, _ meaning: String, see: String = "") -> Explanation {
        Explanation(.remark, name, summary, sections: [.meaning(meaning)] + (see.isEmpty ? [] : [.see(see)]))
    }

    static let rowRemarks: [Explanation] = repetitions + probes + capture + surprises + closing + owners

    private static let repetitions = [
        remark(
            "RTO", "Sent again because a retransmission timer ran out.",
            "The oldest octets without an ACK, after a silence: nothing at all came back. (RTO, 2nd): once more, after twice the time.",
            see: "explain retransmission"),
        remark(
            "RTO or probe",
            "Sent again by a timer: the retransmission timeout, or a tail loss probe that waits as long.",
            "With one segment in flight Linux's probe waits for the timeout if that is sooner (RFC 8985 7.2), so packets do not tell. It always"
                + " probes first: where the sender's TcpExtTCPTimeouts stood still (told at the end of a live trace) it was a probe.",
            see: "explain retransmission, explain TLP"),
        remark(
            "RTO after probe",
            "Sent again because a retransmission timer ran out, and what had been sent again before was a probe.",
            "With one segment in flight a tail loss probe takes as long as the timer (RFC 8985 7.2), and the timer has not doubled since.",
            see: "explain retransmission, explain tail-loss-probe"),
        remark(
            "not taken with SYN",
            "Text that came with the SYN, which the server did not take: sent again, and not lost.",
            "Without a cookie that it knows, a server acknowledges the SYN alone (RFC 7413 4.2.2). Fast Open cost nothing and won nothing.",
            see: "explain fast-open"),
        remark(
            "after RTO", "Sent again as the sender works through what it had sent before a timeout.",
            "Each ACK lets some more go. What had arrived all the same is sent for nothing.",
            see: "explain spurious-retransmission"),
        remark(
            "fast", "Sent again at once, because the receiver showed a hole.",
            "Three duplicate ACKs, or a SACK of later octets (RFC 5681 3.2): later segments arrive, so only some were lost.",
            see: "explain retransmission"),
        remark(
            "loss probe", "The last segment again, after about two round trips, to provoke an ACK.",
            "Linux asks before its timer would; often the ACK was only delayed, and nothing lost. A lone segment's probe waits 200 ms longer (RFC 8985 7.2).",
            see: "explain tail-loss-probe"),
        remark(
            "path MTU", "Sent again in smaller segments, because a router said that they were too big for its link.",
            "The ICMP error before it has the MTU (RFC 1191, RFC 8201). That is how it should be: once per path, and nothing is wrong.",
            see: "explain mtu-black-hole"),
        remark(
            "spurious", "All of it had been acknowledged when it was sent again.",
            "The ACK had not reached its sender yet, or was lost on its way there.",
            see: "explain spurious-retransmission"),
        remark(
            "copy of frame", "The same packet once more, and no retransmission: all of it is the same.",
            "On `any`, a bridge or a mirror port one packet passes several times; a network that delivers it twice looks the same. It counts"
                + " once, and has a row with -v only.",
            see: "explain duplicate-frames"),
    ]

    private static let probes = [
        remark(
            "keep-alive", "One octet or none, just before what is next: is anybody there?",
            "The peer's TCP answers with an ACK; its program notices nothing (RFC 9293 3.8.4).",
            see: "explain keepalive-dead"),
        remark(
            "window probe", "One octet or none, or text again, towards a window of 0: is there room again?",
            "The sender has something to send and may not (RFC 9293 3.8.6.1).", see: "explain zero-window-stall"),
        remark("answer", "The ACK that answers a keep-alive or a window probe.", "The peer's TCP is there."),
        remark(
            "window 0", "The sender of this ACK takes nothing more for now.",
            "Its program does not read as fast as the other one writes.", see: "explain zero-window-stall"),
        remark(
            "window update", "The same ACK with another window.", "The program has read, so there is room again."),
        remark(
            "duplicate ACK", "The same ACK again with nothing new, or with SACK of more.",
            "A segment came that was not the next one: something before it is missing, or came before.",
            see: "explain reordering"),
        remark(
            "delayed ACK", "An ACK that waited on purpose, at least 30 ms longer than the round trip.",
            "A receiver waits for a second full segment, or for an answer to send it with: Linux 40 ms and more, no system half a second."
                + " A queue on the path that delays a short segment's ACK looks the same."),
    ]

    private static let capture = [
        remark(
            "hole before", "Octets before it were not captured: lost, overtaken, or missed by the capture.",
            "What became of them shows later: fills hole, or an ACK of octets that the capture does not have.",
            see: "explain capture-gap, explain reordering"),
        remark(
            "reordered", "The network put it behind segments that were sent after it.",
            "Its time stamp or identification is the older one.", see: "explain reordering"),
        remark(
            "fills hole", "It carries octets that were missing here.",
            "Late, or retransmitted because the first copy was lost before the point of capture.",
            see: "explain reordering"),
        remark(
            "late in capture", "It is late in the capture only: its answer was captured first.",
            "Two queues or two interfaces do that; nothing was wrong on the wire."
        ),
        remark(
            "acks unseen data", "An ACK of octets that the capture does not have.",
            "They arrived, so it is the capture that lacks frames, not the network.", see: "explain capture-gap"),
        remark(
            "octets not captured",
            "`[1400 of 1448 octets not captured]`: of this frame's text that much is not in the capture.",
            "The frame was cut at the capture's snapshot length: 256 octets, unless -s, -A or -X set another. -s 0 keeps all.",
            see: "explain capture-gap"),
        remark(
            "left out", "`... 600 rows, 1200 segments left out ...`: a connection with very many rows.",
            "Its first and its last rows are there, and all findings; -v shows 100 times as many. Of text that -A or -X shows: there was no"
                + " memory for it while it waited."),
        remark(
            "fragments missing", "The first fragment of a packet whose others never came.",
            "Its receiver got none of it, and it changes no state."),
        remark(
            "bad checksum", "Its receiver drops it, so its contents are ignored.",
            "With --verify-checksums only. On loopback, and where a network card computes them, they are unfinished, which is no error."
        ),
    ]

    private static let surprises = [
        remark(
            "SYN inside connection", "A SYN for an end that is open, as far as is known.",
            "It is answered with an ACK and otherwise ignored (RFC 5961 4.2).",
            see: "explain challenge-ack, explain half-open-peer"),
        remark(
            "other ISN", "A second SYN or SYN-ACK of one end with another initial number.",
            "Another attempt, an answer by another host, or a SYN cookie."),
        remark(
            "unacceptable ACK", "An ACK that does not answer the SYN.",
            "An old socket with these ports answers; the client resets it, and sends its SYN again (RFC 9293 3.5.1).",
            see: "explain half-open-peer"),
        remark(
            "answers a bad ACK", "A RST that only answers an ACK that fits nothing here.",
            "Its sender's own state does not change (RFC 9293 3.10.7.3).", see: "explain half-open-peer"),
        remark(
            "blind ACK, ignored", "An ACK far from anything that was sent.",
            "It comes from somebody who guesses, and is dropped (RFC 5961 5.2).", see: "explain challenge-ack"),
        remark(
            "not exact: challenged", "A RST in the window, but not with the next number.",
            "It ends nothing: its receiver asks back with an ACK (RFC 5961 3.2).", see: "explain rst-ignored"),
        remark(
            "ignored", "A RST outside of the window.", "It ends nothing (RFC 5961 3.2).", see: "explain rst-ignored"),
        remark(
            "RST not heeded", "Its sender carries on after a RST that should have ended it.",
            "Somebody else made that RST, or it never arrived.", see: "explain rst-ignored, explain middlebox"),
        remark(
            "after own close", "Text or FIN from an end that has closed already.",
            "Late, or of another connection.", see: "explain reset-after-close"),
        remark("FIN before open", "A FIN from an end that has not finished opening.", "No TCP sends that by itself."),
        remark(
            "another FIN", "A second FIN with another number, or one before text that was acknowledged.",
            "At most one of the FINs is genuine, and nothing follows a genuine one."),
        remark(
            "beyond window", "Text beyond what its receiver has room for.",
            "It is dropped (RFC 9293 3.4), and counts only if its sender continues from there, or an ACK covers it; otherwise it is counted apart."
        ),
        remark("no ACK", "A segment without ACK on an open connection.", "It is dropped (RFC 9293 3.10.7.4)."),
        remark(
            "meaningless flags", "SYN with FIN or RST, or no flag at all.", "No TCP sends that: a scanner does."),
        remark(
            "old timestamp: dropped", "Its time stamp is older than one that its receiver took before.",
            "An old duplicate: it is answered with an ACK and dropped (PAWS). Its ACK and window count for nothing."),
        remark(
            "of an older connection", "A segment from before its sender's SYN.",
            "It came late, from the connection that had the same ports before.", see: "explain port-reused"),
    ]

    private static let closing = [
        remark(
            "RTT", "Round trips: the times from a segment to its ACK, least and greatest.",
            "Those of the client's segments before >, the server's before <. They are measured at the point of capture: close to one end,"
                + " that end's answers take almost no time."),
        remark(
            "SETUP", "How long the handshake took: from the first SYN to the ACK of the SYN-ACK.",
            "A second or more: a SYN or a SYN-ACK was sent again.", see: "explain syn-unanswered, explain syn-ack-lost"),
        remark(
            "handshake", "In the last line, how long the handshake took: SETUP in the table of -q.",
            "From the first SYN to the ACK of the SYN-ACK. Where that was not captured, the line has SYN-ACK after: explain 'SYN-ACK after'.",
            see: "explain SETUP"),
        remark(
            "SYN-ACK after",
            "In the last line, instead of the handshake's time: the ACK that completes it was not captured.",
            "From the first SYN to the SYN-ACK. From SYNs, FINs and RSTs alone no more can be known; or the capture lost the ACK.",
            see: "explain handshake, explain 'not captured'"),
        remark(
            "in this capture",
            "`no answer in this capture`: one SYN, and no answer to any SYN in the whole capture.",
            "A filter for SYNs leaves answers out; then this cannot be known. A SYN that is retransmitted had no answer until then.",
            see: "explain S0, explain syn-unanswered"),
        remark(
            "last segment after",
            "For a connection that did not close: when its latest segment came, counted from the first one.",
            "It is open, or was given up: its segments do not show how long it lasted.",
            see: "explain silent-close"),
        remark(
            "whose process ended",
            "The side that closed first did not call close(): its process ended, and the kernel closed for it.",
            "It was killed, crashed, or exited with the socket open. On the wire that is a FIN like any other, unless octets were unread.",
            see: "explain reset-killed, explain reset-unread-data"),
        remark(
            "acked", "`acked +19.0us`: the time from the last octets of a row to their ACK.",
            "Near the receiver it is the time that its kernel took, elsewhere a round trip.",
            see: "explain 'delayed ACK', explain RTT"),
    ]

    /// Remarks shown in place of a process or a state.
    private static let owners = [
        remark(
            "not captured",
            "`kernel: client is CLOSE_WAIT, not captured`: the kernel has the socket in a state to which no captured segment leads. `RST not captured`:"
                + " it sent or accepted a RST.",
            "A filter left that segment out (one direction only, SYN and FIN only), or the capture lost it. Both states, who closed first"
                + " and the outcome follow the kernel; Zeek's conn_state after it is from the capture alone.",
            see: "explain capture-gap, explain '*'"),
        remark(
            "redirected",
            "`client called 10.1.0.2:80 (redirected)`: rules of the client's own host sent it to the server on the right.",
            "REDIRECT or DNAT in OUTPUT, as a service mesh uses them in front of its proxy (Linux: SO_ORIGINAL_DST). The client's socket has the"
                + " address that it called, and the server's packets come from that address; both are one connection here."
        ),
        remark(
            "NAT",
            "`kernel: client called 10.96.0.10:80 (NAT)`, `kernel: server is 10.9.0.1:15006 (NAT)`, `kernel: client is 172.17.0.2:40001"
                + " (NAT)`, `kernel: server sees 10.9.0.1:40001 (NAT)`: what that end's socket says.",
            "Rules of this host translate the packets between the socket and the capture: DNAT of outgoing calls (Kubernetes"
                + " services), REDIRECT or DNAT of incoming ones, SNAT of a container's calls. `= 1 (NAT)` in a row of -q: the same connection as in row 1, with other"
                + " addresses.",
            see: "explain redirected"),
        remark(
            "not accepted", "The connection is open, and no process has called accept() for it.",
            "It waits in its listener's queue. Linux finishes the handshake and takes in data by itself.",
            see: "explain never-accepted"),
        remark(
            "accepted after",
            "`kernel: accepted after 80ms to 103ms`: how long the open connection waited in the accept queue for its server.",
            "From the end of the handshake to the accept() that took it, which has no event: between two looks at the socket, or one of"
                + " them and the server's first answer. `within`: by the first look at it.",
            see: "explain accepted-late, explain accept-queue-full"),
        remark(
            "no process", "A socket that no process holds any more: its process has closed it, or has ended.",
            "The kernel finishes the connection by itself. In FIN_WAIT_2 it waits for the peer's close().",
            see: "explain orphan-fin-wait-2, explain FIN_WAIT_1, explain LAST_ACK"),
        remark(
            "no socket",
            "Nobody listens at this end: a RST answered the SYN, or (with *) the kernel has no socket for it.",
            "Where there is no socket there is no state, and no process to name.",
            see: "explain refused, explain syn-unanswered"),
        remark(
            "unknown", "Nothing is known of this end: no segment of it was captured when the SYN went out.",
            "Live, on the server's host, LISTEN or (no socket) stands there.", see: "explain syn-unanswered"),
        remark(
            "was", "`was lab-client[7511]`: the process that held the socket, which is closed now.",
            "Name and number are from that time: the process itself may have ended, too."),
        remark(
            "listens",
            "`lab-server[7410] listens`: nobody has accepted the connection, and this process has its listener.",
            "It is the one to call accept(). `accepted` in its place: the end has answered, so it did.",
            see: "explain never-accepted"),
        remark(
            "FIN not captured",
            "`client ESTABLISHED (has closed, FIN not captured)`: its program has closed, says the kernel, and no packet does.",
            "The FIN waits behind what the peer has not acknowledged, or is dropped on its way out.",
            see: "explain state-mismatch"),
        remark(
            "has no owner",
            "The side that closed has done so completely: no process has its socket, and the kernel finishes it alone.",
            "Data that the other side sends now is answered with a RST. After a mere shutdown() its process would still read.",
            see: "explain orphan-fin-wait-2, explain reset-after-close"),
    ]
}
