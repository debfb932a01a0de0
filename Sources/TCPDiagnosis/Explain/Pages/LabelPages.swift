// The pages of this program's own terms (outcomes, certainty, marks), and of errors that calls return.

import TCPModel
import TCPTimeline

extension Explanation {
    static func page(of outcome: Outcome) -> Explanation {
        let name = "\(outcome.name)"
        return switch outcome {
        case .closed:
            Explanation(
                .outcome, name, "Both sides closed with FIN, and no RST ended it.",
                .wire(
                    "A FIN from each side (RFC 9293 3.6). closed_by says whose came first. Zeek: SF; RSTO or RSTR after a RST that was not obeyed; SH for a self-connect."
                ),
                .meaning("The side that closed first goes to TIME_WAIT, the other to CLOSED: both are normal."))
        case .reset:
            Explanation(
                .outcome, name, "A RST that its receiver obeyed ended the connection after the handshake began.",
                .wire(
                    "Zeek: RSTO, RSTR, RSTOS0, RSTRH, or OTH without an opening; REJ if both sides sent one; SF if both FINs were sent: to Zeek, the connection stays closed after such a RST."
                ),
                .meaning("The findings say which kind: explain reset-after-close, half-open-peer, reset."))
        case .refused:
            Explanation(
                .outcome, name, "A RST answered the SYN.",
                .wire(
                    "[S], [R.] (RFC 9293 3.10.7.1). Zeek: REJ. Wireshark's completeness is 37, not 33: its ACK bit counts [R.] too."
                        + " [R.] with the sequence number 0 and nothing else answers a SYN that was not captured (Zeek: RSTRH): a firewall rule"
                        + " on this host rejected that SYN on its way out."
                ),
                .linux("connect() fails with ECONNREFUSED."))
        case .noAnswer:
            Explanation(
                .outcome, name, "Nothing answered the SYN.",
                .wire(
                    "One SYN, or several with the same ISN: one attempt, and one connection here. Zeek: S0, often in several rows; RSTOS0 if the client sent a RST."
                ),
                .linux(
                    "connect() fails with ETIMEDOUT or with the errno of an ICMP error (EHOSTUNREACH, ECONNREFUSED), or is still waiting."
                ))
        case .halfOpen:
            Explanation(
                .outcome, name, "SYN and SYN-ACK were seen, but the handshake never completed.",
                .wire(
                    "The third segment is missing: the server stays in SYN_RECEIVED. Zeek nevertheless calls this S1, established; OTH without the SYN; RSTOS0 if the answer was an old socket's ACK, which the client answered with RST."
                ),
                .causes(
                    "The capture ended at that moment.", "The client rejected the SYN-ACK, or never received it.",
                    "A scan that never sends the third segment."))
        case .halfClosed:
            Explanation(
                .outcome, name, "One side sent its FIN; the other had not when the capture ended.",
                .wire(
                    "FIN_WAIT_2 on one side, CLOSE_WAIT on the other. Zeek: S2 or S3; SH or SHR if little of one side was captured, SF with a FIN that is ignored."
                ),
                .meaning(
                    "A deliberate half-close, a leak, or a capture that ended early: the findings say which. \"In this capture\": the capture has only one direction, without the other FIN."
                ))
        case .open:
            Explanation(
                .outcome, name, "Open when the capture ended: a handshake, and neither FIN nor RST.",
                .wire("Zeek: S1; S0 or OTH if only one side was captured."),
                .meaning("This is not an error. tcptrace never invents a close."))
        case .partial:
            Explanation(
                .outcome, name, "Neither its opening nor its end was seen: the capture began in the middle.",
                .wire(
                    "States are assumed, window scaling is unknown, roles are guessed from ports (?). Zeek: OTH; SH or SHR for a FIN that no TCP sends."
                ),
                .meaning("Start the capture before the connection to know more."))
        }
    }

    static func page(of certainty: Certainty) -> Explanation {
        let name = "\(certainty.name)"
        return switch certainty {
        case .observed:
            Explanation(
                .certainty, name, "This endpoint itself sent the segment that causes the state, or one that proves it.",
                .meaning("A FIN was sent, so its sender is in FIN_WAIT_1. Only a faulty capture could make this wrong.")
            )
        case .inferred:
            Explanation(
                .certainty, name, "The segment that causes the state was seen on its way to this endpoint.",
                .meaning(
                    "That it arrived is likely but not proven. A later segment from the endpoint, or the kernel, proves or corrects it."
                ))
        case .confirmed:
            Explanation(
                .certainty, name, "The kernel reports the same state. In the timeline: *.",
                .meaning(
                    """
                    Only live, and only for this host and network namespace: by a kernel event, or by a reading of the kernel's tables.
                    Without root there are only readings, every 100 ms, and short states are missed.
                    """
                ))
        case .assumed:
            Explanation(
                .certainty, name, "An initial guess: the capture started too late, or the evidence is indirect.",
                .meaning("Later segments raise the certainty. In NDJSON each state record has its certainty."))
        }
    }

    static let marks: [Explanation] = [
        Explanation(
            .mark, "*", "After a state: the kernel reports the same.",
            .meaning(
                "CLOSED*: a kernel event reported it, or the kernel's tables no longer have the socket. (no socket)*: they have none. Without a mark, the state is inferred from packets."
                    + " After an outcome (closed*): the kernel shows it, and the capture lacks segments."
            ),
            .see("explain confirmed, explain !")),
        Explanation(
            .mark, "!", "After a state: the kernel persistently reports a different one, and the row says which.",
            .meaning(
                "Two readings 30 ms apart agreed, and no segment came in between. Usually a segment was dropped or a frame missed."
                    + " A state that was only inferred is corrected instead: the row then has the kernel's state, with a *."
            ),
            .see("explain state-mismatch")),
        Explanation(
            .mark, "?",
            "After a role, or after the server in -q: the roles are a guess, because no SYN was seen. The end with the lower port is assumed to be the server.",
            .meaning(
                "A live trace guesses only where no socket of this host listens at one of the ends: that is the server's."
            ),
            .meaning("In `tcptrace sockets`, ? stands for an owner that only root may see.")),
        Explanation(
            .mark, "X", "The head of an arrow: this segment is a RST.", .see("explain RST, explain RST,ACK")),
        Explanation(
            .mark, "==", "The shaft of an arrow: this row is data, with its ACKs. All other rows have `--`.",
            .meaning(
                """
                A run of segments in one direction is one row, together with the ACKs for it: `== 6 bytes 1:7, acked +8us ==>` means
                octets 1 to 6, and the time from the last of them to their ACK. Data in a SYN or FIN has this shaft, too. -v shows every segment.
                """),
            .see("explain data, explain acked, explain 4+5")),
        Explanation(
            .mark, "4+5",
            "In the column #: this row stands for frames 4 and 5. `10+`: for frame 10 and later ones.",
            .meaning(
                """
                Frames are numbered from 1, as tshark and Wireshark number them in the same file; frames that a live trace's filter leaves out have no
                number. -v gives every segment a row.
                """),
            .see("explain ==")),
        Explanation(
            .mark, "2|", "At the start of a row: it belongs to connection 2.",
            .meaning(
                "In a live trace, rows of several active connections are in the order of time: while one connection's text waits for its ACK,"
                    + " later rows of the others wait too, for at most 200 ms. With -r each connection is a block. The number follows TCP in a connection's first line, and is in the column # of -q."
            )),
        Explanation(
            .mark, "=>",
            "In the last line: the connection was refused, reset, not answered, or given up before it was open. Connections that ended with FINs or are open have no such mark.",
            .see("explain refused, explain reset, explain no_answer")),
    ]

    static let errnos: [Explanation] = [
        Explanation(
            .errno, "ECONNREFUSED", "111: connect() was answered with a RST.",
            .wire("[S], then [R.] (RFC 9293 3.10.7.3). An ICMP port unreachable does it too."),
            .remedy("Nothing listens there: explain refused.")),
        Explanation(
            .errno, "ECONNRESET", "104: the peer sent a RST on the connection.",
            .wire(
                "[R] or [R.] at exactly the next number (RFC 9293 3.10.7.4). The error is reported once; then read() returns 0, and write() fails with EPIPE."
            ),
            .remedy(
                "The peer aborted: explain reset. What had come before is read first; what it had not acknowledged is lost."
            )),
        Explanation(
            .errno, "EPIPE",
            "32: write() on a connection that is closed for writing; SIGPIPE comes with it and kills the process by default.",
            .wire("Nothing is sent. A RST had come before, or shutdown(SHUT_WR) was called here."),
            .remedy("Ignore SIGPIPE or use MSG_NOSIGNAL, and read before writing more: explain reset-after-close.")),
        Explanation(
            .errno, "ETIMEDOUT", "110: no answer in time to SYNs, to data, or to keep-alives.",
            .wire(
                "SYN: 131 s by default. Data: tcp_retries2, about 15 minutes, or TCP_USER_TIMEOUT (RFC 9293 3.8.3). Keep-alive: RFC 9293 3.8.4."
            ),
            .remedy("See explain syn-unanswered, explain retransmission, explain keepalive-dead.")),
        Explanation(
            .errno, "ECONNABORTED", "103: the connection was ended on this host, not by the peer.",
            .linux(
                "After ss -K, the owner's read() fails with it. On Linux, accept() never fails with it for a client that is gone: it returns the dead socket."
            ),
            .remedy("A process on this host destroyed the socket: explain reset-killed.")),
        Explanation(
            .errno, "EHOSTUNREACH", "113: there is no path to the host.",
            .wire(
                """
                No answer to ARP or neighbour discovery (after about 3 s on the same link), or an ICMP host unreachable while in
                SYN_SENT. For an open connection, ICMP is only a hint: the timeout decides.
                """),
            .remedy("Check the address, the route (ip route get), and firewalls that reject with ICMP.")),
        Explanation(
            .errno, "ENETUNREACH", "101: there is no path to the network.",
            .wire(
                """
                An ICMP net unreachable or net prohibited while in SYN_SENT. Or nothing at all: if this host has no route, connect()
                fails at once, and no SYN is sent.
                """),
            .remedy("ip route get ADDRESS shows which route the kernel takes, or that there is none.")),
        Explanation(
            .errno, "EACCES", "13: a firewall forbids it, in IPv6.",
            .wire(
                """
                An ICMPv6 admin prohibited, policy failed or route rejected while in SYN_SENT; with IPv4 it would be EHOSTUNREACH or
                ENETUNREACH. If no SYN was sent, it is a rule on this host (a prohibit route, a security module).
                """),
            .remedy(
                "`nft list ruleset` and ip6tables-save on the host that sent the error; ip -6 route get ADDRESS on this one."
            )),
        Explanation(
            .errno, "EADDRINUSE", "98: bind() or listen(): another socket has that port.",
            .linux(
                """
                Another listener; or connections of the previous server in TIME_WAIT, FIN_WAIT_2 or still open, without SO_REUSEADDR; or a
                self-connect. For bind() to port 0: no port is left.
                """),
            .remedy(
                "`tcptrace sockets -a port N` names the owner. Servers should set SO_REUSEADDR. See explain time-wait-held."
            )),
        Explanation(
            .errno, "EADDRNOTAVAIL",
            "99: connect(): no port is left towards this server; bind(): the address is not this host's.",
            .linux(
                "ip_local_port_range has 28232 ports for each source and destination; TIME_WAIT holds each for 60 s."),
            .remedy("See explain port-exhaustion. For bind(): ip address shows this host's addresses.")),
        Explanation(
            .errno, "EMFILE", "24: the process has no file descriptor left.",
            .linux(
                """
                accept() and socket() fail with it when the process reaches its limit of open files (ulimit -n, LimitNOFILE). The kernel still completes
                handshakes: connections wait in the accept queue until it is full.
                """),
            .remedy(
                """
                Look for leaked descriptors: `tcptrace sockets --state close-wait`, ls /proc/PID/fd. Otherwise raise the limit. See explain
                never-accepted, explain accept-queue-full.
                """)),
    ]

    /// The name of the error with this number, as `strace` and logs show it.
    static func errnoName(number: String) -> String? {
        Int32(number).flatMap { LinuxErrno(rawValue: $0).name }.map { "\($0)" }
    }
}
