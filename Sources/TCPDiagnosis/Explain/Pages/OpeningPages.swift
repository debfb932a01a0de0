// The pages of findings about how a connection opened, or did not.

extension Explanation {
    static let openingFindings: [Explanation] = [
        Explanation(
            .finding, "refused", "A RST answered the SYN: nothing listens on that port.",
            .wire(
                """
                [S], then [R.] with ACK = ISN + 1. A host without a listener must answer this way (RFC 9293 3.10.7.1). The client goes
                from SYN_SENT to CLOSED (RFC 9293 3.10.7.3).
                """),
            .linux(
                """
                connect() fails with ECONNREFUSED at once. There never was a socket, so ss shows nothing. The kernel's reason is
                NO_SOCKET. An ICMP port unreachable gives the same errno without a RST.
                """),
            .causes(
                "The server is not running, or it listens on another port.",
                "It listens on another address: only 127.0.0.1 or ::1, or only IPv4 or IPv6.",
                "A firewall rejects the SYN with a RST (REJECT --reject-with tcp-reset); the client's own OUTPUT chain can do this too.",
                "The server was restarting just then."),
            .remedy("`tcptrace sockets -a port N` on the server shows which process listens, and on which address."),
            .see("explain REJ, explain ECONNREFUSED")),
        Explanation(
            .finding, "syn-unanswered", "Nothing answered the SYN: no SYN-ACK, no RST.",
            .wire(
                "The same SYN again and again, with the same ISN. Zeek: S0. Silence is not a refusal (RFC 9293 3.8.3)."),
            .linux(
                """
                SYN_SENT. The SYN is retransmitted after 1, 1, 1, 1, 1, 2, 4, 8, 16 and 32 s: tcp_syn_linear_timeouts (4) + tcp_syn_retries
                (6) = 10 times. connect() fails with ETIMEDOUT after 131 s (before Linux 6.5: 6 times, 127 s), and with
                EHOSTUNREACH after about 3 s if ARP or neighbour discovery gets no answer.
                """),
            .causes(
                "A firewall or security group drops it silently, or the answer takes another path back.",
                "The host is down, or the address is wrong; or it has no route back, or ARP gets no answer on the path back.",
                "A queue or table there is full: the accept queue (explain accept-queue-full), the SYN queue with cookies off, conntrack's table.",
                "This host's kernel dropped it, or its answer on the way out; a live trace's finding gives the kernel's reason, such as NETFILTER_DROP.",
                "MD5 or AO signatures do not match: such SYNs are dropped silently."),
            .remedy(
                """
                Capture on the server as well. If the SYN arrives there, look at nstat -az TcpExtListenDrops TcpExtListenOverflows
                and at the firewall. If not, look at the path.
                """),
            .see("explain accept-queue-full, explain S0, explain 'in this capture'")),
        Explanation(
            .finding, "syn-ack-lost", "The server answers the SYN, but its SYN-ACKs do not reach the client.",
            .wire(
                """
                SYN and SYN-ACK, then the same SYN again instead of the ACK: a client that repeats it has received no answer. The server repeats
                its SYN-ACK too, on its own timer. Zeek: S1.
                """),
            .linux(
                """
                The client stays in SYN_SENT, the server in SYN_RECV, which ss shows. connect() fails with ETIMEDOUT in the end.
                A capture sees incoming packets before the firewall does, so it has a SYN-ACK that INPUT drops (the kernel's reason is
                NETFILTER_DROP).
                """),
            .causes(
                "The client's own firewall drops it: an INPUT chain without a rule for established connections.",
                "It is dropped on the path back, by a stateful firewall that has not seen the SYN or for lack of a route.",
                "The client's reverse path filter drops it: it came in on an unexpected interface (IP_RPFILTER)."
            ),
            .remedy(
                """
                Capture on the client. If the SYN-ACK arrives there, look at its rules (nft list ruleset, iptables -nvL INPUT); if
                not, look at the path back from the server.
                """),
            .see("explain syn-unanswered, explain SYN_RECEIVED")),
        Explanation(
            .finding, "accept-queue-full", "The SYN got no answer because the listener's accept queue is full.",
            .wire("SYNs without an answer, although a socket listens. Zeek: S0."),
            .linux(
                """
                The queue holds min(listen()'s backlog, net.core.somaxconn) + 1 connections. Further SYNs are dropped
                silently: skb:kfree_skb does not show it, but TcpExtListenOverflows and TcpExtListenDrops rise, and
                ss -ltn shows Recv-Q greater than Send-Q for the listener. tcp_abort_on_overflow does not change this path: it
                only makes the kernel answer the handshake's final ACK with a RST. The client's next SYN comes a second later: if that one is
                accepted, the connection was merely a second late. If several listeners share an address (SO_REUSEPORT), each has a queue
                of its own, and a SYN is dropped if the queue that it is assigned to is full, however much room the others have.
                """),
            .causes(
                "The server's process does not call accept(): it is blocked, overloaded or stopped.",
                "It accepts too slowly for the rate of connections.",
                "It ran out of file descriptors: accept() fails with EMFILE.",
                "The backlog is very small."),
            .remedy(
                """
                See what the process named in the finding is doing (its stack, CPU time, limit of open files). Raise the backlog
                only if short bursts are the cause.
                """),
            .see("explain never-accepted, explain syn-unanswered")),
        Explanation(
            .finding, "never-accepted", "The connection is open, but no process has called accept() for it.",
            .wire("A complete handshake. The kernel acknowledges data, but no answer comes."),
            .linux(
                """
                The server's socket is ESTABLISHED (or CLOSE_WAIT, if the client gave up) with inode 0 and no owner. Recv-Q grows.
                The connection waits in the listener's accept queue: ss -ltn shows the queue's length as Recv-Q. The client's connect() has
                returned 0: to the client, the connection is open (RFC 9293 3.10.7.3). Reported
                after 1 s, or after 100 ms if the client has already left. If the listener is closed before that, only
                reset-listener-closed is reported.
                """),
            .causes(
                "The server's process is busy with another client, and serves one at a time.",
                "It is stopped (by Ctrl-Z, SIGSTOP or a debugger: the finding says so), or it is waiting for a lock.",
                "accept() fails with EMFILE: the process has no file descriptor left (the finding says so)."),
            .remedy("Look at the process that holds the listener. A CLOSE_WAIT with inode 0 is this case, not a leak."),
            .see("explain accept-queue-full, explain accepted-late, explain close-wait-leak")),
        Explanation(
            .finding, "accepted-late",
            "A process called accept() for the connection a second or more after it had opened.",
            .wire("A complete handshake, then no answer from the server for that long, whatever the client sends."),
            .linux(
                """
                accept() leaves no trace on the wire and causes no event: readings of the sockets before and after it bound the time.
                If never-accepted was reported earlier, this finding supersedes it.
                """),
            .causes(
                "The server's process is busy with another client, and serves one at a time.",
                "It was stopped, or was waiting for a lock or a disk.",
                "It ran out of file descriptors for a while: accept() failed with EMFILE."),
            .remedy(
                "Find out what the process was doing in that time. Accept connections in a thread of their own, or before long work."
            ),
            .see("explain never-accepted, explain accept-queue-full, explain accept-deferred")),
        Explanation(
            .finding, "accept-deferred",
            "The server's listener uses TCP_DEFER_ACCEPT: it waits for the client's first octets.",
            .wire(
                "A complete handshake, then perhaps more SYN-ACKs: the server's kernel behaves as if the last ACK had not arrived."
            ),
            .linux(
                """
                With that option the kernel ignores an ACK without data (tcp_check_req): the request stays in SYN_RECEIVED, and
                accept() returns the connection once data arrives. After the option's number of seconds, the next bare ACK counts. Nothing shows
                which listener has the option; the counter TcpExtTCPDeferAcceptDrop rises by one for each ignored ACK.
                """),
            .causes(
                "The server asks for it, so that no worker waits for a request: nginx (listen ... deferred), Apache (AcceptFilter)."
            ),
            .remedy(
                "Nothing. A protocol in which the server speaks first cannot use the option: its clients would wait for that time."
            ),
            .see("explain accepted-late, explain SYN_RECEIVED, explain TcpExtTCPDeferAcceptDrop")),
        Explanation(
            .finding, "syn-cookies", "The server answered with a SYN cookie: it kept no state for the SYN.",
            .wire(
                "It looks like any handshake (RFC 4987 3.6). A lost SYN-ACK is not repeated; if the accept queue is full when the"
                    + " last ACK arrives, nothing is kept, and only the client believes that the connection is open."),
            .linux(
                """
                tcp_syncookies = 1 (the default): when the SYN queue is full, what the SYN said is encoded in the SYN-ACK's ISN. There is no
                SYN_RECV socket in ss. TcpExtSyncookiesSent, SyncookiesRecv and SyncookiesFailed count cookies; the kernel's log says
                "possible SYN flooding". Options survive only with timestamps: without them, no window scaling and no SACK.
                """),
            .causes(
                "A burst of connections and a small backlog.",
                "A SYN flood: many SYNs, few of them followed by the handshake's last ACK.",
                "tcp_syncookies = 2: cookies for every SYN, meant for tests."),
            .remedy(
                "Raise listen()'s backlog and net.core.somaxconn; filter a flood. The cookies did their job."
            )),
        Explanation(
            .finding, "self-connect",
            "One socket is connected to itself: source and destination are the same address and port.",
            .wire(
                """
                A SYN from port p to port p of the same address, then a SYN-ACK: a simultaneous open with itself, which
                RFC 9293 3.5 allows.
                """),
            .linux(
                """
                One socket goes through CLOSED, SYN_SENT, SYN_RECV, ESTABLISHED; on close() FIN_WAIT1, CLOSING, TIME_WAIT. ss shows one line
                with both ends equal. The program reads back what it writes.
                """),
            .causes(
                """
                A client retries connect() to a local port in the ephemeral range (ip_local_port_range, 32768 to 60999) while the
                server is down, and eventually the kernel picks that very port.
                """),
            .remedy(
                """
                Give the server a port outside that range, or reserve it (ip_local_reserved_ports). In the client, compare
                getsockname() with getpeername(). While the client has the port, the server's bind() fails with EADDRINUSE.
                """)),
        Explanation(
            .finding, "simultaneous-open",
            "Both sides sent a SYN before receiving the other's: one connection with two originators.",
            .wire(
                """
                [S] from both, then [S.] from both (or ACKs): RFC 9293 3.5, figure 7. Both go through SYN_SENT, SYN_RECEIVED,
                ESTABLISHED.
                """),
            .linux("No listener is needed. Both programs called bind() and connect() on fixed ports."),
            .causes(
                "TCP hole punching (peer-to-peer programs behind NAT).",
                "BGP, or another protocol in which both ends connect from fixed ports.",
                "A test."),
            .remedy("Nothing: it is legal. Many firewalls and NATs do not let it pass.")),
        Explanation(
            .finding, "fast-open", "The SYN carried data, usually because of TCP Fast Open.",
            .wire(
                """
                A SYN with a cookie option and n octets of data. The SYN-ACK acknowledges ISN + 1 + n if the server accepted them, ISN + 1 if
                not: the client then sends them again, and nothing was lost (RFC 7413 4.2.2). Where a device drops SYNs with data, the
                next SYN, a second later, has none.
                """),
            .linux(
                """
                tcp_fastopen: 1 (the default) enables it for clients, 2 for servers, 3 for both. Clients: TCP_FASTOPEN_CONNECT or MSG_FASTOPEN.
                Servers: the TCP_FASTOPEN socket option. The server may answer before the third segment of the handshake.
                """),
            .remedy(
                "Nothing. If SYNs with data vanish, a middlebox is dropping them; Linux then stops trying for a while.")
        ),
        Explanation(
            .finding, "port-reused", "The same four-tuple was used again soon after the previous connection.",
            .wire(
                """
                A SYN with another ISN on a known four-tuple. It may cut a TIME_WAIT short if its ISN or its timestamp is
                certainly newer (RFC 9293 3.6.1, RFC 6191 2). After a RST Linux keeps no TIME_WAIT, so ports can be reused at once.
                """),
            .linux(
                """
                tcp_tw_reuse = 2 (the default): a connect() may take over a TIME_WAIT on loopback after tcp_tw_reuse_delay (1 s). A SYN that
                is not newer gets an ACK of the old connection; the client answers with RST and sends the SYN again: TcpExtPAWSTimewait rises if
                the SYN's timestamp is older; TcpExtTCPChallengeACK does not rise.
                """),
            .causes(
                "A client that binds a fixed source port.",
                "Few ephemeral ports for many connections to one server: explain port-exhaustion.",
                "A NAT that reassigns ports at once."),
            .remedy(
                "Usually nothing. If SYNs then fail, let the client use ephemeral ports, or keep connections open.")),
        Explanation(
            .situation, "port-exhaustion", "No ephemeral port is left towards this server.",
            .wire(
                "Nothing: connect() fails before it sends a SYN. Until then, many short connections to one address and port."
            ),
            .linux(
                """
                connect() fails with EADDRNOTAVAIL, bind() to port 0 with EADDRINUSE. The range is ip_local_port_range, 32768 to
                60999: 28232 ports for each source address and destination (address and port). Each TIME_WAIT holds
                one for 60 s, which allows about 470 connections a second.
                """),
            .causes(
                "A client that opens a connection for each request and closes it first.",
                "Leaked connections: many ESTABLISHED or CLOSE_WAIT towards one server.",
                "bind() before connect() without IP_BIND_ADDRESS_NO_PORT."),
            .remedy(
                """
                Keep connections open and reuse them (a pool). Otherwise widen ip_local_port_range, use more source or destination
                addresses, or let the server close first. `tcptrace sockets --state time-wait` lists them.
                """),
            .see("explain TIME_WAIT, explain EADDRNOTAVAIL")),
    ]
}
