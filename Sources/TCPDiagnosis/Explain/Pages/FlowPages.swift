// The pages of findings about an open connection, and about the capture itself.

extension Explanation {
    static let flowFindings: [Explanation] = [
        Explanation(
            .finding, "half-open-peer", "One side no longer knows the connection that the other considers open.",
            .wire(
                """
                Data or a keep-alive, then [R] without ACK, its number taken from the segment's ACK (RFC 9293 3.5.1, RFC 9293
                3.10.7.1); who has acknowledged that before has the connection: explain reset. Or at the opening: SYN, an ACK with old numbers, [R] from the client, the SYN again (RFC 9293 3.5.1, figure 9).
                """),
            .linux(
                """
                The kernel's reason is NO_SOCKET. The sender's read() fails with ECONNRESET, or ETIMEDOUT if no RST comes. In the second form
                TcpExtTCPChallengeACK rises, the reason is TCP_INVALID_ACK_SEQUENCE, and the SYN is repeated after two ticks of the
                kernel's clock (some 10 ms), not after a second. A TIME_WAIT answers this way too, and is not a half-open connection: explain
                port-reused.
                """),
            .causes(
                "The host was restarted, or the container replaced.",
                "The socket had gone silently: explain silent-close, explain orphan-fin-wait-2.",
                "A NAT forgot the connection after an idle time (conntrack timeouts), or it or a load balancer sent the segment to another host.",
                "The ports of a leaked CLOSE_WAIT were used again.",
                "Right after the handshake: the accept queue was full (net.ipv4.tcp_abort_on_overflow), or the listener was closed."
            ),
            .remedy("Shorter keep-alives, and a retry in the client. Compare idle timeouts on the path.")),
        Explanation(
            .finding, "rst-ignored",
            "A RST that its receiver ignores: its number is not exactly the next one, or it did not arrive.",
            .wire(
                """
                A RST in the window but not at RCV.NXT gets a challenge ACK; a true peer then answers with an exact RST. Outside of the
                window it is dropped (RFC 5961 3.2, RFC 9293 3.10.7.4, second check). Zeek and conntrack may take it for the end.
                Or the number is exact, and the side in whose name it came carries on: nothing is sent after a true abort (RFC 9293 3.10.5).
                A RST before or after all captured segments of its sender, after which neither side carries on, is not
                reported: the segments before it may be missing from the capture.
                """),
            .linux(
                "The state stays. TcpExtTCPChallengeACK rises; one such ACK in tcp_invalid_ratelimit (500 ms) for out-of-window."
            ),
            .causes(
                "A middlebox made the RST with an old number.",
                "Reordering: the RST overtook the data before it.",
                "An attacker tries to break the connection blindly."),
            .remedy(
                "Nothing, if the connection carries on. Otherwise capture on both hosts and compare hop limits: explain middlebox."
            )),
        Explanation(
            .finding, "challenge-ack",
            "A segment that was almost right was answered with an ACK and otherwise ignored.",
            .wire(
                """
                A SYN inside of an open connection (RFC 5961 4.2), or an ACK for data that was never sent (RFC 5961 5.2), then a bare
                ACK with the true numbers. A host that really restarted answers this with a RST.
                """),
            .linux(
                "TcpExtTCPChallengeACK, TCPSYNChallenge. tcp_challenge_ack_limit (no limit by default), tcp_invalid_ratelimit."
            ),
            .causes(
                "A client restarted and took the same port: explain half-open-peer.",
                "A delayed duplicate of the SYN.",
                "A NAT gave the port to another host.",
                "A blind attack."),
            .remedy("Nothing, if it is rare.")),
        Explanation(
            .finding, "mtu-black-hole",
            "Large segments vanish on the path and small ones do not: some link's MTU is smaller, and no router reports it.",
            .wire(
                """
                The handshake and small messages pass; the first full segment is sent again and again, and duplicate ACKs or SACKs show
                that the peer is there; or a smaller piece of it gets through. No ICMP `packet too big` comes (RFC 2923 2.1).
                """),
            .linux(
                """
                `tcptrace sockets -i` (or ss -ti) shows the path MTU unchanged and segments taken for lost. With
                net.ipv4.tcp_mtu_probing = 1 Linux tries smaller segments (RFC 4821) once tcp_retries1 (3) is used up: at the fourth
                timeout, some 3 s later. The default is 0.
                """),
            .causes(
                "A tunnel or overlay (VPN, VXLAN, PPPoE) on the path takes room from each packet, and a firewall drops all ICMP.",
                "A router's ICMP errors come from a private address, or are sent to the wrong one of several balanced servers.",
                "One end's interface has a larger MTU than the rest of its network (jumbo frames)."),
            .remedy(
                """
                Find the limit: ping -M do -s 1372 HOST, smaller or larger. Let ICMP type 3 code 4 and ICMPv6 type 2 through; or have the
                gateway lower the MSS (iptables -j TCPMSS --clamp-mss-to-pmtu); or lower the interface's or the route's MTU.
                """),
            .see("explain PKT_TOO_BIG, explain retransmission, explain middlebox")),
        Explanation(
            .finding, "zero-window-stall", "A receiver kept its window closed while the peer had data for it.",
            .wire(
                """
                ACKs or FINs with win 0, and probes of the sender (RFC 9293 3.8.6.1). Linux probes with no octet at SND.UNA - 1: Wireshark
                calls that a keep-alive. A window update ends it.
                """),
            .linux(
                """
                The receiver's Recv-Q is full, the sender's Send-Q grows, `tcptrace sockets -i` shows a window probe, ss -o
                timer:(persist,...). Probes back off to 120 s at most. As long as they are answered the connection lives
                forever. TcpExtTCPToZeroWindowAdv counts.
                """),
            .causes(
                "The receiving process does not read: blocked, stopped, or slow (a disk, a lock, a full pipe).",
                "It reads on purpose at a limited rate.",
                "Its receive buffer is too small (SO_RCVBUF, tcp_rmem)."),
            .remedy("Look at the receiving process, not at the network."),
            .see("explain unread-text")),
        Explanation(
            .finding, "nagle-delay", "Small segments waited for delayed ACKs: some 40 ms each.",
            .wire(
                """
                A small segment, nothing for 40 ms, its bare ACK (delayed ACK), and at once the next small segment, again and again. The
                sender may not send a second small segment before the first is acknowledged (RFC 9293 3.7.4), and the receiver
                delays its ACK to send it with an answer (RFC 9293 3.8.6.3): it has none, because the request is not complete.
                """),
            .linux(
                """
                An ACK is delayed by 40 ms at least (TCP_DELACK_MIN), not in the first segments of a connection (quick ACKs).
                TcpExtDelayedACKs counts them. TCP_NODELAY switches Nagle's algorithm off, TCP_QUICKACK the delay for a while.
                """),
            .causes(
                "A request or an answer is written in two small parts, a head and a body: write, write, read.",
                "A library flushes after each field."),
            .remedy(
                """
                Write related data in one call (writev, a buffer, MSG_MORE), or set TCP_NODELAY. Reported when the connection is over, from
                the third time on.
                """),
            .see("explain 'delayed ACK'")),
        Explanation(
            .finding, "unread-text", "Octets wait in a receive queue for seconds: the process does not read.",
            .wire(
                """
                A request, its ACK, and no answer. The ACK is the kernel's: it says that the octets arrived, not that a process has read them.
                """),
            .linux(
                """
                Recv-Q counts octets that are acknowledged and not read (ss, `tcptrace sockets`). Live only, and on replay of a file that
                a live trace has written: reported after five seconds in which the process has read none of them.
                """),
            .causes(
                "The process is stopped (Ctrl-Z, SIGSTOP, a debugger; the finding says so), or gets no processor time.",
                "All of its threads are busy or wait for something else: a lock, a database, another socket.",
                "Its event loop forgot the descriptor, or waits for one that it does not watch.",
                "It accepts connections ahead and serves them one after the other."),
            .remedy(
                """
                Look at what the process does: /proc/PID/stack, gdb or its runtime's thread dump, `strace -p PID`. A client needs its own
                timeout: TCP has none for this.
                """),
            .see("explain never-accepted, explain zero-window-stall, explain close-wait-leak")),
        Explanation(
            .finding, "keepalive-dead", "Keep-alives got no answer, and the connection was given up.",
            .wire(
                "Segments with no octet at SND.NXT - 1, at equal pauses, without an answer, then [R.] (RFC 9293 3.8.4)."
            ),
            .linux(
                """
                With SO_KEEPALIVE: after tcp_keepalive_time (7200 s) idle, tcp_keepalive_probes (9) every tcp_keepalive_intvl (75 s).
                The next call fails with ETIMEDOUT. The kernel's reason is TCP_KEEPALIVE_TIMEOUT. From the packets alone it is distinguished from an
                abort by two probes or more, or by a second of waiting for the answer.
                """),
            .causes(
                "The peer lost power or network; its kernel could not say so.",
                "A stateful firewall forgot the connection and drops its packets silently.",
                "A container was paused, a laptop sleeps."),
            .remedy("It did its job. To notice sooner: TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT.")),
        Explanation(
            .finding, "middlebox", "Something between the two ends interfered.",
            .wire(
                """
                A RST whose hop limit is not that of its supposed sender's other segments. Or, live: a RST or FIN that its supposed
                sender's kernel did not send, whose socket lives on.
                """),
            .linux(
                """
                A Linux host sends 64 by default, a RST too. If both values are usual initial ones (64, 128, 255), nothing is
                reported: then there was no router in between.
                """),
            .causes(
                "A firewall, proxy or filter ends the connection in the name of the other end.",
                "A rule of this host does it: iptables -j REJECT --reject-with tcp-reset, nft reject with tcp reset.",
                "A load balancer answers for a server that is gone.",
                "Routes changed in between (then data before and after differ as well)."),
            .remedy(
                "Capture on both hosts: they show which of them did not send this RST. Ask who runs the device at the matching distance."
            )),
        Explanation(
            .finding, "retransmission", "A segment was sent again because its ACK did not come in time.",
            .wire(
                """
                The same sequence numbers again: after three duplicate ACKs or SACK (fast, RFC 5681 3.2), or after the retransmission
                timeout (RFC 9293 3.8.1), which doubles each time (RFC 9293 3.8.2, RFC 6298 5.5). Or a hole that is filled by a segment newer than the data
                behind the hole: its first copy was lost before the point of capture.
                """),
            .linux(
                """
                The timeout is at least 200 ms (tcp_rto_min_us), 1 s for SYNs; tcp_retries2 = 15 ends it after some 15 minutes with
                ETIMEDOUT. TcpRetransSegs, TcpExtTCPTimeouts, TCPFastRetrans; `tcptrace sockets -i` shows
                retransmissions and how often the timeout was doubled.
                """),
            .causes(
                "Loss: a full queue or a bad link on the path.",
                "The ACK was lost or came late: explain spurious-retransmission, explain tail-loss-probe.",
                "The peer is gone or overloaded.",
                "Segments too large for the path, and ICMP filtered: only large ones vanish."),
            .remedy("One in a thousand is normal. If it is more: see which segments (size, direction, time) are lost.")),
        Explanation(
            .finding, "tail-loss-probe",
            "The last segment was sent again early, to see whether it was lost. Most often it was not.",
            .wire(
                """
                The last segment, often the FIN, once more after about two round trips; then an ACK, with a D-SACK if both copies arrived
                (RFC 8985 7.3, RFC 2883 4): nothing was lost then, though Wireshark says retransmission.
                """),
            .linux(
                """
                tcp_early_retrans = 3 (the default). With several segments in flight it comes before a delayed ACK (40 ms): on loopback
                after 5 to 10 ms. With one alone Linux adds 200 ms for that delay (RFC 8985 7.2), but waits no longer than for the timeout:
                then it is shown as (RTO or probe), and usually means a loss. TcpExtTCPLossProbes, TCPLossProbeRecovery, TCPDSACKRecv count.
                """),
            .causes(
                "The peer delays its ACK and the round trip is short: harmless.",
                "The last segment or its ACK was really lost: then the probe saved a timeout."),
            .remedy("Nothing.")),
        Explanation(
            .finding, "spurious-retransmission",
            "A segment was sent again although the peer had acknowledged or received it.",
            .wire("Octets below the peer's ACK once more; a D-SACK comes back (RFC 2883 4). No loss of data."),
            .linux(
                "TcpExtTCPDSACKRecv, TCPSpuriousRTOs. The congestion window is restored (TCPDSACKUndo)."
            ),
            .causes(
                "ACKs were lost or late.",
                "The round trip grew suddenly: a queue filled up, a radio link slept.",
                "Reordering looked like loss: explain reordering.",
                "A tail loss probe: explain tail-loss-probe."),
            .remedy("Nothing, if rare. If frequent: look for queues on the path of the ACKs.")),
        Explanation(
            .finding, "reordering", "Segments came in another order than they were sent.",
            .wire(
                "A hole, SACKs or duplicate ACKs, then the hole is filled by a first copy, not by a second (RFC 5681 3.2)."
            ),
            .linux(
                """
                RACK waits a quarter of a round trip before it takes a hole for a loss (tcp_recovery, RFC 8985 6.2). TcpExtTCPSACKReorder,
                TCPTSReorder, TCPOFOQueue; ss -ti shows reordering:N if it learnt more than tcp_reordering (3).
                """),
            .causes(
                "Several links or queues used at once (bonding by packet, ECMP by packet, RSS changes).",
                "The capture itself: several queues of the card, merged wrongly; the hosts never saw it.",
                "A radio link that repeats by itself."),
            .remedy("Balance by flow, not by packet. If ACKs come before their data, it is the capture.")),
        Explanation(
            .situation, "duplicate-frames", "The capture has the same packet twice. It was not sent twice.",
            .wire(
                """
                Two frames with all the same, IP identification too, mostly within microseconds: no retransmission. Whether the capture saw one
                packet at two places or the network made two of it, the frames do not tell. With another hop limit, interface or
                link header it was seen at two places; a D-SACK for it (-vv) shows that its receiver got both.
                """),
            .linux("-i any sees a segment on each device it passes: bridge, veth, VLAN, container."),
            .causes(
                "A trace on any, or on a bridge and its port.",
                "A mirror port that copies both receipt and sending.",
                "Two capture files of one host merged.",
                "A network that delivers packets twice (a loop, a radio link, a failover)."),
            .remedy("Trace one interface: -i eth0 instead of -i any. If they are there still, look for D-SACKs.")),
        Explanation(
            .finding, "capture-gap", "Frames are missing in the capture. Nothing was lost on the network.",
            .wire(
                "An ACK for octets that the capture does not have, and no retransmission of them. Zeek: g, missed_bytes."
            ),
            .linux(
                "The kernel's count \"packets dropped by kernel\" at the end of a live trace says how many frames did not fit."
            ),
            .causes(
                "The capture's buffer was too small, or its reader too slow.",
                "The capture began late or saw one direction only.",
                "The other frames went through another interface.",
                "The file was cut, or filtered: by flags (SYN, FIN, RST) nothing that only ACKs tell is found."),
            .remedy(
                "-B for a larger buffer, a filter for fewer frames, a small -s; capture on a host, not on a mirror port."
            )),
        Explanation(
            .finding, "segments-dropped",
            "This host's kernel threw segments of the connection away, and nothing else tells what came of it.",
            .wire(
                "Segments that are captured and not answered; or, dropped on their way out, that are not captured at all: the connection"
                    + " just stands still."),
            .linux(
                "skb:kfree_skb names the reason, and its row stands where it happened: explain NETFILTER_DROP. What follows from a"
                    + " loss, such as a late RST, is not counted."),
            .causes(
                "A firewall rule on this host (nftables, iptables), in its input or output chain.",
                "A filter on the socket or the interface, or a security module.",
                "The receive buffer was full, or there was no memory."),
            .remedy("nft list ruleset; nft monitor trace; ss -tm for the buffers."),
            .see("explain state-mismatch, explain retransmission")),
        Explanation(
            .finding, "state-mismatch",
            "The kernel and the packets do not agree about a state, and nothing explains it.",
            .wire(
                "The row has a ! with what the kernel says; a state that was only inferred is the kernel's from then on. Two readings"
                    + " said so, with no segment between. Where the kernel is ahead, for want of segments in the capture, the row says"
                    + " not captured, and both ends follow: explain 'not captured'."),
            .linux(
                "Linux's names differ: FIN_WAIT2, SYN_RECV, and CLOSE for CLOSED. That is not counted as a difference."),
            .causes(
                "A firewall on this host dropped the segment after it was captured.",
                "close() was called, and the FIN does not get out: it is dropped before it is captured. One that only waits behind what the"
                    + " peer has not acknowledged is as it should be, and no finding unless that takes five seconds.",
                "The capture lacks frames: explain capture-gap.",
                "The address belongs to another network namespace, whose table is not this one's."),
            .remedy("nft list ruleset; trace in the right namespace (ip netns exec, nsenter).")),
    ]
}
