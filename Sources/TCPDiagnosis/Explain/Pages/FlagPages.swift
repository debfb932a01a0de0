// The pages of the header's control bits and of their usual combinations.

import TCPModel

extension Explanation {
    /// Pages by the set of bits that they explain.
    static let flagPages: [(flags: TCPFlags, page: Explanation)] = [
        (
            .syn,
            Explanation(
                .flags, "SYN", "Opens a connection: \"my numbers begin here\". tcpdump: [S].",
                .wire(
                    """
                    Without ACK: the first segment. It takes one sequence number (RFC 9293 3.4) and carries the ISN and the options MSS,
                    window scale, SACK, timestamps. Its window is never scaled.
                    """),
                .linux(
                    "connect() sends it: SYN_SENT. The ISN is a hash of the four-tuple plus a clock (RFC 9293 3.4.1)."),
                .meaning(
                    "Possible answers: [S.] (open), [R.] (refused), silence (filtered, or a queue is full), a bare ACK (an old socket)."
                ),
                .see("explain SYN,ACK, explain syn-unanswered, explain SYN_SENT"))
        ),
        (
            [.syn, .ack],
            Explanation(
                .flags, "SYN,ACK", "The second segment: \"I heard your SYN, here is mine\". tcpdump: [S.].",
                .wire(
                    """
                    ACK = ISN + 1, or more if the SYN's data was accepted (Fast Open): RFC 9293 3.10.7.2. If the ACK has
                    a wrong number, the client answers [R] and stays in SYN_SENT (RFC 9293 3.10.7.3).
                    """),
                .linux(
                    "The kernel sends it, not the process: accept() may come much later, or never. It is retransmitted tcp_synack_retries (5) times."
                ),
                .see("explain SYN_RECEIVED, explain never-accepted, explain syn-cookies"))
        ),
        (
            .ack,
            Explanation(
                .flags, "ACK", "The acknowledgment number is valid. tcpdump: a dot, alone [.].",
                .wire(
                    """
                    On every segment but the first SYN and some RSTs: \"everything before this number has arrived\". Alone ([.], no data) it takes no
                    sequence number and is not acknowledged (RFC 9293 3.4). It may be delayed by up to 500 ms (RFC 9293 3.8.6.3).
                    """),
                .linux(
                    "ACKs are delayed by 40 ms, up to 200 ms. The kernel acknowledges; the process may have read nothing yet."
                ),
                .meaning(
                    "It also serves as third segment of the handshake, window update, keep-alive and its answer, and challenge ACK."
                ))
        ),
        (
            .fin,
            Explanation(
                .flags, "FIN", "\"I will send no more.\" It closes one direction only. tcpdump: [F.].",
                .wire(
                    """
                    Practically always with ACK. It takes one sequence number after the last octet, and may carry data. The other
                    direction stays open (RFC 9293 3.6). FIN without ACK, [F], is not legal in a connection; scanners send it.
                    """),
                .linux(
                    "close() with everything read, shutdown(SHUT_WR), or the end of the process. At this point, the peer's read() returns 0."
                ),
                .meaning("Sender: FIN_WAIT_1 (closed first) or LAST_ACK. Receiver: CLOSE_WAIT, CLOSING or TIME_WAIT."),
                .see("explain half-close, explain close-wait-leak"))
        ),
        (
            .rst,
            Explanation(
                .flags, "RST", "\"There is no such connection\", said without ACK. tcpdump: [R].",
                .wire(
                    """
                    [R], without ACK, answers a segment that had ACK and found no connection, or one that its program had closed; its number is
                    that segment's ACK (RFC 9293 3.10.7.1). So the sender did not abort: no process there wanted the segment. It takes
                    effect only at exactly RCV.NXT (RFC 5961 3.2).
                    """),
                .linux(
                    "Reasons NO_SOCKET, TCP_ABORT_ON_DATA, TCP_TIMEWAIT_SOCKET, TCP_INVALID_ACK_SEQUENCE. No process on that host is informed."
                ),
                .causes(
                    "The socket was closed, or its host restarted: explain half-open-peer, explain reset-after-close.",
                    "A SYN-ACK or ACK with a wrong number arrived in SYN_SENT.",
                    "A middlebox."),
                .see("explain RST,ACK"))
        ),
        (
            [.rst, .ack],
            Explanation(
                .flags, "RST,ACK",
                "Refused, if it answers a SYN; otherwise a side aborts its connection. tcpdump: [R.].",
                .wire(
                    """
                    Answer to a SYN without ACK: number 0, ACK = ISN + 1 (RFC 9293 3.10.7.1). In an open connection
                    it is an abort by a side that had it (RFC 9293 3.10.5): RFC 9293 shows that RST without ACK; Linux sets ACK.
                    """),
                .linux(
                    "Reasons NO_SOCKET (refused), TCP_ABORT_ON_CLOSE (unread octets), TCP_STATE (SO_LINGER 0, ss -K), TCP_KEEPALIVE_TIMEOUT."
                ),
                .meaning(
                    "The receiver's calls fail with ECONNREFUSED (in SYN_SENT) or ECONNRESET. Linux keeps no TIME_WAIT (RFC 9293 3.5.2 advises the sender to)."
                ),
                .see("explain refused, explain reset, explain RST"))
        ),
        (
            .psh,
            Explanation(
                .flags, "PSH", "\"Hand this to the program now.\" tcpdump: [P]. With ACK, [P.], it is ordinary data.",
                .wire(
                    "Set on the last segment of a write (RFC 9293 3.9.1.2). It does not separate messages: TCP is a stream."
                ),
                .linux(
                    "Set when the send queue becomes empty. Linux as a receiver ignores it: data is readable at once anyway."
                ),
                .meaning("[P.] without data is odd but harmless; [.] with data is the middle of a large write."))
        ),
        (
            .urg,
            Explanation(
                .flags, "URG", "The urgent pointer is valid. tcpdump: [U].",
                .wire(
                    "It points just past the urgent octet; older specifications had it point at that octet (RFC 6093 4). New programs should not use it (RFC 9293 3.8.5)."
                ),
                .linux(
                    "send(MSG_OOB); recv(MSG_OOB), SO_OOBINLINE, tcp_stdurg. Middleboxes often clear it. Telnet and FTP use it."
                ))
        ),
        (
            .ece,
            Explanation(
                .flags, "ECE", "ECN-Echo: \"a router marked your packet: congestion\". tcpdump: [E].",
                .wire(
                    "With CWR in a SYN: an offer of ECN; alone in the SYN-ACK: agreed. Later: repeated until CWR comes (RFC 3168 6.1.1, RFC 3168 6.1.3)."
                ),
                .linux(
                    "tcp_ecn = 2 (the default): agree if asked, but do not ask. A retransmitted SYN no longer offers it (tcp_ecn_fallback)."
                ))
        ),
        (
            .cwr,
            Explanation(
                .flags, "CWR", "Congestion window reduced: the answer to ECE. tcpdump: [W].",
                .wire("Sent once by the side that slowed down (RFC 3168 6.1.2). In a SYN with ECE: an offer of ECN."),
                .linux(
                    "Seen only if both ends agreed on ECN: ss -tio then shows ecn, and ecnseen once a packet came that routers may mark (ECT)."
                ))
        ),
        (
            .ae,
            Explanation(
                .flags, "AE", "Accurate ECN, formerly NS. tcpdump: [e].",
                .wire(
                    """
                    In a SYN with CWR and ECE: an offer of Accurate ECN (RFC 9768 3.1.1). Later AE, CWR and ECE are a counter of three
                    bits (RFC 9768 3.2.2).
                    As NS it was an experiment (RFC 3540), now historic.
                    """),
                .linux("Most kernels do not set it on ordinary connections. Old firewalls drop SYNs that have it."))
        ),
        (
            [.syn, .ece, .cwr],
            Explanation(
                .flags, "SYN,ECE,CWR", "A SYN that offers ECN. tcpdump: [SEW].",
                .wire("The answer [S.E] agrees; [S.] does not (RFC 3168 6.1.1)."),
                .linux("Sent with tcp_ecn = 1. If it gets no answer, a plain SYN follows, which is the same attempt."))
        ),
        (
            [],
            Explanation(
                .flags, "none", "No control bit at all. No TCP sends this; scanners do (a null scan).",
                .wire(
                    """
                    A closed port answers [R.] (RFC 9293 3.10.7.1); a listener drops it (RFC 9293 3.10.7.2), and so does a connection, because
                    ACK is missing (RFC 9293 3.10.7.4, fifth check).
                    """
                ),
                .linux("Dropped silently if there is a socket; no state changes."))
        ),
        (
            [.syn, .fin],
            Explanation(
                .flags, "SYN,FIN", "Opens and closes in one: no TCP sends it. Scanners and attacks do.",
                .wire("Zeek: q. It changes no state here."),
                .linux("A listener drops a SYN with FIN silently."))
        ),
        (
            [.syn, .rst],
            Explanation(
                .flags, "SYN,RST", "Opens and aborts in one: no TCP sends it.",
                .wire("RST is checked before SYN (RFC 9293 3.10.7.2), so a listener ignores it. Zeek: q."),
                .linux("Dropped without an answer: a RST is never answered."))
        ),
    ]

    /// The bits with their names, in the order in which they are written.
    static let flagNames: [(flag: TCPFlags, name: String)] = [
        (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.psh, "PSH"), (.urg, "URG"), (.ece, "ECE"), (.cwr, "CWR"),
        (.ae, "AE"), (.ack, "ACK"),
    ]

    /// The page for a set of bits: its own page, that of its only bit besides ACK, or one composed from the pages of
    /// its bits.
    static func page(of flags: TCPFlags) -> Explanation {
        if let own = flagPages.first(where: { $0.flags == flags }) { return own.page }
        let rest = flags.subtracting(.ack)
        if rest == .fin || rest == .psh, let own = flagPages.first(where: { $0.flags == rest }) { return own.page }
        let bits = flagNames.filter { flags.has($0.flag) }
        let texts = bits.compactMap { bit in
            flagPages.first { $0.flags == bit.flag }.map { "\(bit.name): \($0.page.summary)" }
        }
        return Explanation(
            .flags, bits.map(\.name).joined(separator: ","), "Several control bits together.",
            sections: [Section("Bit by bit", texts)])
    }

    /// The bits that a word names, in the form `SYN,ACK`, tcpdump's `[S.]`, or NDJSON's `SA`.
    static func flags(named word: String) -> TCPFlags? {
        var text = word[...]
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        if text.lowercased() == "none" { return [] }
        var flags: TCPFlags = []
        let names = text.split(whereSeparator: { $0 == "," || $0 == "+" || $0 == "-" })
        let named = names.compactMap { name in
            flagNames.first { $0.name == name.uppercased() }?.flag ?? (name.uppercased() == "NS" ? .ae : nil)
        }
        if !named.isEmpty && named.count == names.count { return named.reduce(into: []) { $0.formUnion($1) } }
        guard !text.isEmpty, text.count <= 9 else { return nil }
        for letter in text {
            guard let flag = letters[letter], !flags.has(flag) else { return nil }
            flags.insert(flag)
        }
        return flags
    }

    private static let letters: [Character: TCPFlags] = [
        "F": .fin, "S": .syn, "R": .rst, "P": .psh, ".": .ack, "A": .ack, "U": .urg, "E": .ece, "W": .cwr, "C": .cwr,
        "e": .ae, "N": .ae,
    ]
}
