// The pages of findings about how a connection closed, or did not.

extension Explanation {
    static let closingFindings: [Explanation] = [
        Explanation(
            .finding, "close-wait-leak", "The peer closed long ago, and this side's process has not called close().",
            .wire(
                """
                A FIN, its ACK, then nothing. Zeek: S2 or S3. The network is not at fault.
                """),
            .linux(
                """
                CLOSE_WAIT has no timer of its own: it lasts until the process calls close() or exits (RFC 9293 3.6). The FIN counts as one octet
                of Recv-Q until it is read. Recv-Q 0: all octets have been read, and so has the end, unless the FIN came behind data that was still
                unread: reading that data also removes the FIN, so one more read() may be missing. Recv-Q 1: the process is not
                reading. Recv-Q n + 1: n octets and the end are unread. Reported after 5 s, or after 30 s if the peer's
                process still has its socket: then it only shut down its sending side, and an answer may take a while.
                """),
            .causes(
                "A bug: after read() returns 0, the program forgets the descriptor (on an error path, in a pool).",
                "The process is blocked, or it is stopped (the finding says so).",
                "A child process inherited the descriptor and keeps it open.",
                "A deliberate half-close, and a long answer."),
            .remedy(
                """
                `tcptrace sockets --state close-wait` names the process. Fix the program; a restart frees the sockets at
                once. Keep-alives (SO_KEEPALIVE) end the state, not the leak: hours later a RST answers them, and the descriptor
                stays open.
                """),
            .see("explain CLOSE_WAIT, explain orphan-fin-wait-2, explain never-accepted")),
        Explanation(
            .finding, "orphan-fin-wait-2",
            "A closed socket without an owner waits for the peer's FIN until a timer silently ends it.",
            .wire(
                "A FIN, its ACK, then nothing. When the timer expires, no packet is sent: the peer stays in CLOSE_WAIT."
            ),
            .linux(
                """
                After close(), a FIN_WAIT_2 is an orphan: inode 0, no process, a timer in ss (timewait,59sec). It is dropped after
                tcp_fin_timeout (60 s) or TCP_LINGER2. After shutdown(SHUT_WR) it keeps its owner and has no timer. RFC 9293
                has no such timeout. The kernel's tracepoint reports CLOSE at once, while ss shows the 60 s.
                """),
            .causes(
                "The peer does not close its side: explain close-wait-leak, on that host.",
                "The peer is still sending a long answer; its next segment gets a RST.",
                "The peer vanished.",
                "Gone within a second: the host already had net.ipv4.tcp_max_tw_buckets TIME_WAIT sockets, and Linux keeps an orphan as one."
                    + " TcpExtTCPTimeWaitOverflow counts these."),
            .remedy("Look at the peer's process. A shorter tcp_fin_timeout only hides the problem."),
            .see("explain FIN_WAIT_2")),
        Explanation(
            .finding, "half-close", "One side closed its direction, and the other kept sending. That is allowed.",
            .wire(
                """
                A FIN from one side, its ACK, then data the other way, and finally the other FIN (RFC 9293 3.6.1). Data that crossed the FIN,
                and therefore does not acknowledge it, does not count.
                """),
            .linux(
                """
                shutdown(fd, SHUT_WR). The side that closed is in FIN_WAIT_2 with its owner and without a timer, the other in CLOSE_WAIT. ss -e
                marks the direction that is still open: <-- or -->.
                """),
            .causes(
                "A client that signals \"that was my whole request\" (nc -N, ssh, old HTTP clients).",
                "A proxy that forwards an end of file."),
            .remedy("Nothing. Some proxies and NATs cut half-closed connections after a short time.")),
        Explanation(
            .finding, "time-wait-held",
            "TIME_WAIT holds so many ports towards one destination that connect() may find none.",
            .wire(
                "The side that connects also closes first, again and again. Once its ports are used up, it sends no packet at all."
            ),
            .linux(
                """
                TIME_WAIT lasts a fixed 60 s (RFC 9293 3.6.1 says 2 MSL). It has no owner and inode 0, so killing processes does not
                help. For each destination address and port, net.ipv4.ip_local_port_range (28232 ports by default) can be used once a
                minute: that sustains about 470 connections a second; beyond it, connect() fails with EADDRNOTAVAIL. tcp_tw_reuse = 1 lets connect() reuse a
                TIME_WAIT that is older than a second, if both sides use timestamps; 2 (the default) does so on loopback
                only, where this finding is not reported. If TIME_WAIT holds a listener's port, bind() fails with EADDRINUSE.
                """),
            .causes(
                "A proxy or client that opens a connection for each request.",
                "A small ip_local_port_range, or all traffic to one address and port.",
                "A health check or a load test."),
            .remedy(
                """
                Keep connections open and reuse them; let the server close first; use more destination or source addresses;
                set tcp_tw_reuse = 1; widen ip_local_port_range. `tcptrace sockets --state time-wait` lists them. Listeners
                should set SO_REUSEADDR before bind().
                """),
            .see("explain TIME_WAIT, explain EADDRINUSE")),
        Explanation(
            .finding, "time-wait-assassination", "A RST ended TIME_WAIT before its time (RFC 1337).",
            .wire(
                """
                Both FINs and their ACKs. Then a late segment, such as a retransmitted FIN, an ACK that answers it, and [R] without
                ACK: the side that closed last no longer has the connection (RFC 9293 3.10.7.1).
                """),
            .linux(
                """
                A RST with the expected number ends TIME_WAIT at once, unless net.ipv4.tcp_rfc1337 is 1 (0 by default). All octets had
                arrived, and no program is informed. TIME_WAIT exists so that segments still in transit die before the ports are used
                again (RFC 9293 3.4.1): that protection is gone. Timestamps (PAWS) and a distant new ISN still provide most of it.
                """),
            .causes(
                "A FIN was retransmitted although its ACK was only late: both copies are acknowledged.",
                "The network delivered an old segment late, or twice.",
                "The peer's host was restarted, or its socket destroyed, in LAST_ACK."),
            .remedy(
                "Usually nothing. If old segments must do no harm: sysctl net.ipv4.tcp_rfc1337=1, on the host that closes first."
            ),
            .see("explain TIME_WAIT, explain spurious-retransmission")),
        Explanation(
            .finding, "reset", "A RST ended the connection, and neither the wire nor the kernel says why.",
            .wire(
                """
                [R.] (with ACK) from a side that had the connection is an abort (Linux, the BSDs; RFC 9293 3.10.5 shows one without ACK). [R]
                (without ACK) that answers nothing comes from a device on the path, or from a host that aborts this way. Linux keeps no TIME_WAIT after it (RFC 9293 3.5.2 advises the
                sender to).
                """),
            .linux(
                """
                The peer's read() gives what had come before, then fails with ECONNRESET; a write after that with EPIPE. What the sender
                of the RST had not read is lost, and so is what either side had not yet delivered.
                """
            ),
            .causes(
                "close() while received octets were unread: explain reset-unread-data.",
                "close() after SO_LINGER with 0 seconds: explain reset-linger.",
                "The process was killed with unread octets: explain reset-killed.",
                "A load balancer or firewall gave up an idle connection.",
                "The peer had not answered for too long (RFC 9293 3.8.3): some hosts then send a RST.",
                "The socket was destroyed with ss -K.",
                "In a handshake: the client gave up before the answer came, or a port scanner sent the SYN from a raw socket."
            ),
            .remedy(
                "Look at the log of the RST's sender at this time. Trace live on its host: its kernel knows the reason."
            ),
            .see("explain RST, explain RSTO, explain RSTR, explain ECONNRESET")),
        Explanation(
            .finding, "reset-unread-data",
            "A program closed its socket with received octets unread: the kernel sent RST instead of FIN.",
            .wire(
                "Data one way, its ACK, then [R.] the other way. The ACK had confirmed data that is now discarded."),
            .linux(
                """
                close() with Recv-Q > 0 aborts (RFC 1122 4.2.2.13, RFC 9293 3.6.1). The kernel's reason is TCP_ABORT_ON_CLOSE;
                TcpExtTCPAbortOnClose counts it. The peer's read() gives what had come before, then fails with ECONNRESET; other systems
                may discard that. The rest of an answer that was still to be sent is lost.
                """),
            .causes(
                "A server that answers before it has read the whole request (an error, a size limit).",
                "A client that does not want the rest of an answer.",
                "A process that crashed or was killed: explain reset-killed."),
            .remedy("shutdown(SHUT_WR), read to the end, then close().")),
        Explanation(
            .finding, "reset-linger", "The program asked for the RST: SO_LINGER with 0 seconds, then close().",
            .wire(
                "[R.] instead of FIN, or after it if shutdown() came first, although nothing was unread. Unsent octets are lost (RFC 9293 3.10.5). Linux keeps no TIME_WAIT (RFC 9293 3.5.2 advises the sender to)."
            ),
            .linux(
                """
                The kernel's reason is TCP_STATE; TcpExtTCPAbortOnData counts it. The peer's read() fails with ECONNRESET, or its write() with
                EPIPE if it has received the FIN. connect() with AF_UNSPEC, which disconnects a socket but keeps it, looks the same until the socket
                is destroyed.
                """),
            .causes(
                "A health check or load generator that wants no TIME_WAIT.",
                "A server that drops misbehaving clients.",
                "A library that sets SO_LINGER without documenting it."),
            .remedy("Remove SO_LINGER {1, 0}. TIME_WAIT is seldom the problem that it is taken for.")),
        Explanation(
            .finding, "reset-listener-closed", "The listener was closed while connections waited in its accept queue.",
            .wire("A complete handshake, perhaps data, then [R.] without any answer."),
            .linux(
                """
                Each connection that was not accepted is reset: it goes from ESTABLISHED to CLOSE, with reason TCP_STATE. The client saw connect()
                succeed; its read() then fails with ECONNRESET. The finding says how long the connection had waited by then.
                """),
            .causes(
                "The server was stopped or restarted under load.", "It crashed before accept().",
                "It called shutdown() on its listener, or the listener was destroyed (ss -K)."),
            .remedy(
                """
                Drain before stopping, or hand the listener to the new process (socket activation; tcp_migrate_req with SO_REUSEPORT).
                Clients should retry.
                """)),
        Explanation(
            .finding, "reset-killed",
            "The process died or its socket was destroyed, so the kernel reset the connection.",
            .wire("[R.] in mid-connection. If everything had been read, a killed process leaves a FIN instead."),
            .linux(
                """
                To the kernel, dying with unread octets is closing with unread octets: TCP_ABORT_ON_CLOSE. With ss -K (SOCK_DESTROY) the owner's
                read() fails with ECONNABORTED, the peer's with ECONNRESET, and the reason is TCP_STATE.
                """),
            .causes("SIGKILL, also by the OOM killer.", "A crash.", "ss -K or a tool that uses it."),
            .remedy("dmesg | grep -i oom, journalctl, the exit status of the process.")),
        Explanation(
            .finding, "reset-after-close",
            "Data arrived for a side that had already closed: its kernel answered with RST.",
            .wire(
                """
                [F.], its ACK, then data the other way (or data that crossed the FIN), then [R] without ACK (RFC 9293 3.6.1, RFC 9293
                3.10.7.1). Unacknowledged data is lost, even if the other side has sent its FIN as well. [R.], with ACK, is
                an abort: explain reset.
                """),
            .linux(
                """
                After close() no process can read. First the socket itself answers (TCP_ABORT_ON_DATA), later its FIN_WAIT_2
                remnant (TCP_TIMEWAIT_SOCKET). The writer's first write() succeeds, the next one fails with EPIPE and SIGPIPE.
                read() returns 0 before and after: the FIN came first.
                """),
            .causes(
                "The writer was not reading, and so did not see the end of the stream.",
                "The side that closed gave up after a timeout while the answer was on its way.",
                "A program used close() where it meant shutdown(SHUT_WR)."),
            .remedy(
                "Read until read() returns 0 before writing more; ignore SIGPIPE and handle EPIPE. Compare the timeouts of both ends."
            ),
            .see("explain half-close, explain EPIPE")),
        Explanation(
            .finding, "silent-close",
            "The kernel dropped the socket and no packet said so: the peer still considers the connection open.",
            .wire("Nothing. The peer's next segment gets [R]: explain half-open-peer."),
            .linux(
                """
                The socket was gone from ss before any FIN or RST was captured. If TcpExtTCPAbortOnTimeout rises, the kernel gave up: the peer
                had acknowledged nothing for too long, and the program gets ETIMEDOUT (or EHOSTUNREACH, if ICMP or ARP had reported that).
                """
            ),
            .causes(
                "Retransmissions ran out (tcp_retries2: 15, about 15 minutes), or TCP_USER_TIMEOUT did.",
                "An orphaned socket gave up: tcp_orphan_retries (0 means 8).",
                "The interface or network namespace went away.",
                "A RST was sent or received but not captured (a filter, another interface), and no kernel event reported it."
            ),
            .remedy("Trace on all interfaces (-i any). Keep-alives let the peer notice (RFC 9293 3.8.4).")),
    ]
}
