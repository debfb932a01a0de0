// The pages of findings about how a connection opened, or did not.

extension Explanation {
    static let openingFindings: [Explanation] = [
        Explanation(
            .finding, "refused", "A RST answered the SYN: nobody listens on that port.",
            .wire(
                """
                [S], then [R.] with ACK = ISN + 1. A host without a listener must answer so (RFC 9293 3.10.7.1). The client goes
                from SYN_SENT to CLOSED (RFC 9293 3.10.7.3).
                """),
            .linux(
                """
                connect() fails with ECONNREFUSED at once. No socket was ever there: ss shows nothing. The kernel's reason is
                NO_SOCKET. An ICMP port unreachable gives the same errno without a RST.
                """),
            .causes(
                "The server is not running, or it listens on another port.",
                "It listens on another address: 127.0.0.1 or ::1 only, or only IPv4 or IPv6.",
                "A firewall rejects with a RST (REJECT --reject-with tcp-reset); the client's own OUTPUT chain can do this too.",
                "The server was restarting just then."),
            .remedy("`tcptrace sockets -a port N` on the server says who listens, and on which address."),
            .see("explain REJ, explain ECONNREFUSED")),
        Explanation(
            .finding, "syn-unanswered", "Nothing answered the SYN: no SYN-ACK, no RST.",
            .wire(
                "The same SYN again and again with the same ISN. Zeek: S0. Silence is not a refusal (RFC 9293 3.8.3)."),
            .linux(
                """
                SYN_SENT. The SYN is sent again after 1, 1, 1, 1, 1, 2, 4, 8, 16 and 32 s: tcp_syn_linear_timeouts (4) + tcp_syn_retries
                (6) = 10 times. connect() fails with ETIMEDOUT after 131 s (before Linux 6.5: 6 times, 127 s), and with
                EHOSTUNREACH after some 3 s if ARP or neighbour discovery gets no answer.
                """),
            .causes(
                "A firewall or security group drops it silently, or the answer takes another path back.",
                "The host is down, or the address is wrong; or it has no route back, or no answer to ARP on the path back.",
                "Something there is full: accept()'s queue (explain accept-queue-full), the SYN queue with cookies off, conntrack's table.",
                "This host's kernel dropped it, or its answer on the way out; in a live trace the finding gives the kernel's reason: NETFILTER_DROP ...",
                "MD5 or AO signatures do not match: such SYNs are dropped silently."),
            .remedy(
                """
                Capture on the server too. If the SYN arrives there, look at nstat -az TcpExtListenDrops TcpExtListenOverflows
                and at the firewall. If not, look at the path.
                """),
            .see("explain accept-queue-full, explain S0, explain 'in this capture'")),
        Explanation(
            .finding, "syn-ack-lost", "The server answers the SYN, but its SYN-ACKs do not arrive at the client.",
            .wire(
                """
                SYN and SYN-ACK, and then the same SYN again instead of the ACK: a client that repeats it has received no answer. The server repeats
                its SYN-ACK as well, by its own timer. Zeek: S1.
                """),
            .linux(
                """
                The client stays in SYN_SENT, the server in SYN_RECV, which ss shows. connect() fails with ETIMEDOUT in the end.
                A capture sees incoming packets before the firewall does: a SYN-ACK that INPUT drops is in it (the kernel's reason is
                NETFILTER_DROP).
                """),
            .causes(
                "The client's own firewall drops it: an INPUT chain without a rule for established connections.",
                "It is dropped on the path back: a stateful firewall that has not seen the SYN, a missing route.",
                "The client's reverse path filter drops it: it came in on an unexpected interface (IP_RPFILTER)."
            ),
            .remedy(
                """
                Capture on the client. If the SYN-ACK comes in there, look at its rules (nft list ruleset, iptables -nvL INPUT); if
                not, look at the path back.
                """),
            .see("explain syn-unanswered, explain SYN_RECEIVED")),
        Explanation(
            .finding, "accept-queue-full", "The SYN got no answer because the listener's accept queue is full.",
            .wire("SYNs without an answer, although a socket listens. Zeek: S0."),
            .linux(
                """
                The queue holds min(backlog of listen(), net.core.somaxconn) + 1 connections. Further SYNs are dropped
                silently: not as a drop (skb:kfree_skb does not show it), but TcpExtListenOverflows and TcpExtListenDrops rise, and
                ss -ltn shows Recv-Q greater than Send-Q for the listener. tcp_abort_on_overflow does not change this path: it
                only causes a RST in answer to the handshake's final ACK. The client's next SYN comes a second later: if that SYN is
                accepted, this cost the connection a second. Of several listeners on one address (SO_REUSEPORT) each has a queue
                of its own, and a SYN is dropped if the one that it is assigned to is full, however much room the others have.
                """),
            .causes(
                "The server's process does not call accept(): it is blocked, overloaded or stopped.",
                "It accepts too slowly for the rate of connections.",
                "It ran out of descriptors: accept() fails with EMFILE.",
                "The backlog is very small."),
            .remedy(
                """
                Look at what the process named in the finding does (its stack, its CPU, its limit of open files). Raise the backlog
                only if bursts are the cause.
                """),
            .see("explain never-accepted, explain syn-unanswered")),
        Explanation(
            .finding, "never-accepted", "The connection is open, and no process has called accept() for it.",
            .wire("A complete handshake. Data is acknowledged by the kernel, but no answer comes."),
            .linux(
                """
                The server's socket is ESTABLISHED (or CLOSE_WAIT, if the client gave up) with inode 0 and no owner. Recv-Q grows.
                It waits in the listener's accept queue: ss -ltn shows the queue's length as Recv-Q. The client's connect() has
                returned 0: for it the connection is open (RFC 9293 3.10.7.3). Reported
                after 1 s, or after 100 ms if the client has already left.
                """),
            .causes(
                "The server's process is busy with another client, and serves one at a time.",
                "It is stopped (Ctrl-Z, SIGSTOP, a debugger: the finding says so), or waits for a lock.",
                "accept() fails with EMFILE: no descriptor is left (the finding says so)."),
            .remedy("Look at the process that holds the listener. A CLOSE_WAIT with inode 0 is this, not a leak."),
            .see("explain accept-queue-full, explain accepted-late, explain close-wait-leak")),
        Explanation(
            .finding, "accepted-late",
            "A process called accept() for the connection, a second or more after it was open.",
            .wire("A complete handshake, then nothing from the server for that long, whatever the client sends."),
            .linux(
                """
                accept() leaves no trace on the wire and has no event: readings of the sockets before and after it bound the time.
                If never-accepted was reported before, this supersedes it.
                """),
            .causes(
                "The server's process is busy with another client, and serves one at a time.",
                "It was stopped, or waited for a lock or a disk.",
                "It ran out of descriptors for a while: accept() failed with EMFILE."),
            .remedy(
                "Look at what the process did in that time; let it accept in a thread of its own, or before it works."),
            .see("explain never-accepted, explain accept-queue-full, explain accept-deferred")),
        Explanation(
            .finding, "accept-deferred", "The server's listener waits for the client's first octets: TCP_DEFER_ACCEPT.",
            .wire(
                "A complete handshake, and then maybe SYN-ACKs again: the server's kernel behaves as if the last ACK had not come."
            ),
            .linux(
                """
                With that option the kernel ignores an ACK without data (tcp_check_req): the request stays in SYN_RECEIVED, and
                accept() returns the connection once data comes. After the option's seconds the next bare ACK counts. Nothing names
                the listener that has the option; the counter TcpExtTCPDeferAcceptDrop rises by one for each ACK.
                """),
            .causes(
                "The server requests it: nginx (listen ... deferred), Apache (AcceptFilter), so that no worker waits for a request."
            ),
            .remedy(
                "None is needed. A protocol in which the server speaks first cannot use it: there the client would wait for that time."
            ),
            .see("explain accepted-late, explain SYN_RECEIVED, explain TcpExtTCPDeferAcceptDrop")),
        Explanation(
            .finding, "syn-cookies", "The server answered with a SYN cookie: it kept no state for the SYN.",
            .wire(
                "It looks like any handshake (RFC 4987 3.6). If the SYN-ACK is lost, nobody repeats it; if the accept queue is full when the"
                    + " last ACK comes, nothing is kept, and the client alone believes in the connection."),
            .linux(
                """
                tcp_syncookies = 1 (the default): when the SYN queue is full, the SYN's data goes into the ISN of the SYN-ACK. There is no
                SYN_RECV socket in ss. TcpExtSyncookiesSent, SyncookiesRecv and SyncookiesFailed count; the kernel's log says
                "possible SYN flooding". Options survive only with timestamps: else no window scaling and no SACK.
                """),
            .causes(
                "A burst of connections, and a small backlog.",
                "A SYN flood: many SYNs, few third segments.",
                "tcp_syncookies = 2: always, for tests."),
            .remedy(
                "Raise the backlog of listen() and net.core.somaxconn; for a flood, filter. The cookies did their job."
            )),
        Explanation(
            .finding, "self-connect",
            "One socket is connected to itself: source and destination are the same address and port.",
            .wire(
                """
                SYN from port p to port p of one address, then SYN-ACK. It is a simultaneous open with oneself, which
                RFC 9293 3.5 allows.
                """),
            .linux(
                """
                CLOSED, SYN_SENT, SYN_RECV, ESTABLISHED in one socket; on close() FIN_WAIT1, CLOSING, TIME_WAIT. ss shows one line
                with both ends equal. What the program writes, it reads back.
                """),
            .causes(
                """
                A client retries connect() to a local port in the ephemeral range (ip_local_port_range, 32768 to 60999) while the
                server is down; one day the kernel picks that very port.
                """),
            .remedy(
                """
                Let the server use a port outside of the range, or reserve it (ip_local_reserved_ports). In the client compare
                getsockname() with getpeername(). Until it closes, the server cannot bind: EADDRINUSE.
                """)),
        Explanation(
            .finding, "simultaneous-open",
            "Both sides sent a SYN before receiving the other's: one connection, two originators.",
            .wire(
                """
                [S] from both, then [S.] from both (or ACKs). RFC 9293 3.5, figure 7. Both go SYN_SENT, SYN_RECEIVED,
                ESTABLISHED.
                """),
            .linux("No listener is needed. Both programs called bind() and connect() on fixed ports."),
            .causes(
                "TCP hole punching (peer-to-peer programs behind NAT).",
                "BGP or another protocol in which both ends connect from fixed ports.",
                "A test."),
            .remedy("Nothing: it is legal. Many firewalls and NATs do not let it through.")),
        Explanation(
            .finding, "fast-open", "The SYN carried data, mostly as TCP Fast Open has it.",
            .wire(
                """
                A SYN with a cookie option and data. The SYN-ACK acknowledges ISN + 1 + n if the server took the data, ISN + 1 if it did
                not: then the client sends it again, and nothing was lost (RFC 7413 4.2.2). Where something drops SYNs with data, the
                next one, a second later, has none.
                """),
            .linux(
                """
                tcp_fastopen: 1 (the default) lets clients, 2 servers, 3 both. Clients: TCP_FASTOPEN_CONNECT or MSG_FASTOPEN.
                Servers: the TCP_FASTOPEN socket option. The server may answer before the third segment of the handshake.
                """),
            .remedy(
                "Nothing. If SYNs with data vanish, a middlebox drops them; Linux then stops trying for a while.")),
        Explanation(
            .finding, "port-reused", "The same four-tuple again, soon after the previous connection.",
            .wire(
                """
                A SYN with another ISN on a known four-tuple. A TIME_WAIT may be cut short by it if its ISN or its timestamp is
                certainly newer (RFC 9293 3.6.1, RFC 6191 2). After a RST Linux keeps no TIME_WAIT, and reuse is immediate.
                """),
            .linux(
                """
                tcp_tw_reuse = 2 (the default): a connect() may take over a TIME_WAIT on loopback after tcp_tw_reuse_delay (1 s). A SYN that
                is not newer gets an ACK of the old connection, and the client resets that and sends the SYN again: TcpExtPAWSTimewait rises where
                its time stamp is older, and TcpExtTCPChallengeACK does not.
                """),
            .causes(
                "A client that binds a fixed source port.",
                "Few ephemeral ports and many connections to one server: explain port-exhaustion.",
                "A NAT that gives ports out again at once."),
            .remedy(
                "Usually nothing. If SYNs fail then: let the client choose ephemeral ports, or keep connections open.")),
        Explanation(
            .situation, "port-exhaustion", "No ephemeral port is left towards this server.",
            .wire(
                "Nothing: connect() fails before a SYN is sent. Before that, many short connections to one address and port."
            ),
            .linux(
                """
                connect() fails with EADDRNOTAVAIL, bind() to port 0 with EADDRINUSE. The range is ip_local_port_range: 32768 to
                60999, 28232 ports for each pair of source address and destination (address and port). Each TIME_WAIT holds
                one for 60 s, which makes some 470 connections a second.
                """),
            .causes(
                "A client that opens a connection for each request and closes it first.",
                "Leaked connections: many ESTABLISHED or CLOSE_WAIT towards one server.",
                "bind() before connect() without IP_BIND_ADDRESS_NO_PORT."),
            .remedy(
                """
                Keep connections open and reuse them (a pool). Else widen ip_local_port_range, use more source or destination
                addresses, or let the server close first. `tcptrace sockets --state time-wait` counts.
                """),
            .see("explain TIME_WAIT, explain EADDRNOTAVAIL")),
    ]
}
