// The pages of findings about an open connection, and about the capture itself.

extension Explanation {
    static let flowFindings: [Explanation] = [
        Explanation(
            .finding, "half-open-peer", "One side no longer has the connection that the other considers open.",
            .wire(
                """
                Data or a keep-alive, then [R] without ACK, whose number is the segment's ACK (RFC 9293 3.5.1, RFC 9293
                3.10.7.1); a side that had acknowledged that segment does have the connection: explain reset. Or at the opening: SYN, an ACK with old numbers, [R] from the client, the SYN again (RFC 9293 3.5.1, figure 9).
                """),
            .linux(
                """
                The kernel's reason is NO_SOCKET. The sender's read() fails with ECONNRESET, or ETIMEDOUT if no RST comes. In the second form
                TcpExtTCPChallengeACK rises, the reason is TCP_INVALID_ACK_SEQUENCE, and the SYN is repeated after two ticks of the
                kernel's clock (about 10 ms), not after a second. A TIME_WAIT answers this way too, but is no half-open connection: explain
                port-reused.
                """),
            .causes(
                "The host was restarted, or its container was replaced.",
                "The socket was dropped silently: explain silent-close, explain orphan-fin-wait-2.",
                "A NAT forgot the connection after an idle time (conntrack timeouts), or a NAT or load balancer sent the segment to another host.",
                "The ports of a leaked CLOSE_WAIT were reused.",
                "Right after the handshake: the accept queue was full (net.ipv4.tcp_abort_on_overflow), or the listener was closed."
            ),
            .remedy("Shorten the keep-alive time, and retry in the client. Compare the idle timeouts on the path.")),
        Explanation(
            .finding, "rst-ignored",
            "A RST that its receiver ignores: its number is not exactly the next one expected, or it did not arrive.",
            .wire(
                """
                A RST in the window but not at RCV.NXT gets a challenge ACK, which a genuine peer answers with an exact RST. Outside the
                window it is dropped (RFC 5961 3.2, RFC 9293 3.10.7.4, second check). Zeek and conntrack may mistake it for the end.
                Or the number is exact, but the side in whose name it came carries on: nothing is sent after a real abort (RFC 9293 3.10.5).
                A RST before or after all captured segments of its sender, after which neither side carries on, is not
                reported: the segments before it may be missing from the capture.
                """),
            .linux(
                "The state does not change. TcpExtTCPChallengeACK rises; for out-of-window RSTs, one such ACK per tcp_invalid_ratelimit (500 ms)."
            ),
            .causes(
                "A middlebox generated the RST with an old number.",
                "Reordering: the RST overtook the data before it.",
                "An attacker tries blindly to break the connection."),
            .remedy(
                "Nothing, if the connection carries on. Otherwise capture on both hosts and compare hop limits: explain middlebox."
            )),
        Explanation(
            .finding, "challenge-ack",
            "A segment that was almost acceptable was answered with an ACK and otherwise ignored.",
            .wire(
                """
                A SYN on an open connection (RFC 5961 4.2), or an ACK for data that was never sent (RFC 5961 5.2), then a bare
                ACK with the true numbers. A host that really restarted answers that ACK with a RST.
                """),
            .linux(
                "TcpExtTCPChallengeACK and TCPSYNChallenge count. Limits: tcp_challenge_ack_limit (none by default), tcp_invalid_ratelimit."
            ),
            .causes(
                "A client restarted and got the same port: explain half-open-peer.",
                "A delayed duplicate of the SYN.",
                "A NAT gave the port to another host.",
                "A blind attack."),
            .remedy("Nothing, if it is rare.")),
        Explanation(
            .finding, "mtu-black-hole",
            "Large segments vanish on the path, small ones do not: some link has a smaller MTU, and no router reports it.",
            .wire(
                """
                The handshake and small messages get through; the first full segment is retransmitted again and again, and duplicate ACKs or SACKs show
                that the peer is there, or a smaller piece of it gets through. No ICMP `packet too big` arrives (RFC 2923 2.1).
                """),
            .linux(
                """
                `tcptrace sockets -i` (or ss -ti) shows an unchanged path MTU and segments marked as lost. With
                net.ipv4.tcp_mtu_probing = 1, Linux tries smaller segments (RFC 4821) once tcp_retries1 (3) is used up: at the fourth
                timeout, about 3 s later. The default is 0.
                """),
            .causes(
                "A tunnel or overlay on the path (VPN, VXLAN, PPPoE) takes space from each packet, and a firewall drops all ICMP.",
                "A router's ICMP errors come from a private address, or go to the wrong one of several load-balanced servers.",
                "One end's interface has a larger MTU than the rest of its network (jumbo frames)."),
            .remedy(
                """
                Find the limit with ping -M do -s 1372 HOST, trying other sizes. Let ICMP type 3 code 4 and ICMPv6 type 2 pass; or have the
                gateway lower the MSS (iptables -j TCPMSS --clamp-mss-to-pmtu); or lower the interface's or the route's MTU.
                """),
            .see("explain PKT_TOO_BIG, explain retransmission, explain middlebox")),
        Explanation(
            .finding, "zero-window-stall", "A receiver kept its window closed while the peer had data for it.",
            .wire(
                """
                ACKs or FINs with win 0, and probes from the sender (RFC 9293 3.8.6.1). Linux probes with no octet at SND.UNA - 1, which Wireshark
                calls a keep-alive. A window update ends the stall. Reported after a second, or after several pieces that add up to
                a second and to half of the time.
                """),
            .linux(
                """
                The receiver's Recv-Q is full, the sender's Send-Q grows, `tcptrace sockets -i` shows a window probe, and ss -o
                timer:(persist,...). Probes back off to at most 120 s. As long as they are answered, the connection lives
                forever. TcpExtTCPToZeroWindowAdv counts closed windows.
                """),
            .causes(
                "The receiving process is not reading: it is blocked, stopped, or slow (a disk, a lock, a full pipe).",
                "It deliberately reads at a limited rate.",
                "Its receive buffer is too small (SO_RCVBUF, tcp_rmem)."),
            .remedy("Look at the receiving process, not at the network."),
            .see("explain unread-text")),
        Explanation(
            .finding, "nagle-delay", "Small segments waited for delayed ACKs: about 40 ms each.",
            .wire(
                """
                A small segment, nothing for 40 ms, its bare ACK (delayed ACK), at once the next small segment, and so on. The
                sender may not send a second small segment before the first is acknowledged (RFC 9293 3.7.4), and the receiver
                delays its ACK to send it along with an answer (RFC 9293 3.8.6.3): it has none yet, because the request is not complete.
                """),
            .linux(
                """
                An ACK is delayed by at least 40 ms (TCP_DELACK_MIN), except at the start of a connection (quick ACKs).
                TcpExtDelayedACKs counts them. TCP_NODELAY turns Nagle's algorithm off; TCP_QUICKACK turns the delay off for a while.
                """),
            .causes(
                "A request or an answer is written in two small parts, a header and a body: write, write, read.",
                "A library flushes after each field."),
            .remedy(
                """
                Write related data with one call (writev, a buffer, MSG_MORE), or set TCP_NODELAY. Reported when the connection is over, from
                the third occurrence on.
                """),
            .see("explain 'delayed ACK'")),
        Explanation(
            .finding, "unread-text", "Octets have waited in a receive queue for seconds: the process is not reading.",
            .wire(
                """
                A request, its ACK, and no answer. The ACK comes from the kernel: it says that the octets arrived, not that a process read them.
                """),
            .linux(
                """
                Recv-Q counts octets that are acknowledged but not read (ss, `tcptrace sockets`). Reported in live traces, and on replay of a file that
                a live trace wrote, after five seconds in which the process has read none of them.
                """),
            .causes(
                "The process is stopped (by Ctrl-Z, SIGSTOP or a debugger; the finding says so), or it gets no processor time.",
                "All of its threads are busy, or wait for something else: a lock, a database, another socket.",
                "Its event loop lost track of the descriptor, or does not watch it.",
                "It accepts connections in advance and serves them one after the other."),
            .remedy(
                """
                See what the process is doing: /proc/PID/stack, gdb or its runtime's thread dump, `strace -p PID`. A client needs its own
                timeout: TCP has none for this.
                """),
            .see("explain never-accepted, explain zero-window-stall, explain close-wait-leak")),
        Explanation(
            .finding, "keepalive-dead", "Keep-alives got no answer, so the kernel gave up the connection.",
            .wire(
                "Segments without octets at SND.NXT - 1, at equal intervals and without an answer, then [R.] (RFC 9293 3.8.4)."
            ),
            .linux(
                """
                With SO_KEEPALIVE: after tcp_keepalive_time (7200 s) of idleness, tcp_keepalive_probes (9), one every tcp_keepalive_intvl (75 s).
                The next call fails with ETIMEDOUT. The kernel's reason is TCP_KEEPALIVE_TIMEOUT. In the packets alone, it differs from an
                abort by two or more probes, or by a second of waiting for the answer.
                """),
            .causes(
                "The peer lost power or its network, so its kernel could not say so.",
                "A stateful firewall forgot the connection and drops its packets silently.",
                "A container was paused, or a laptop is asleep."),
            .remedy(
                "Nothing: keep-alives did their job. To notice sooner: TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT."
            )),
        Explanation(
            .finding, "middlebox", "A device between the two ends interfered.",
            .wire(
                """
                A RST whose hop limit differs from that of its supposed sender's other segments. Or, in a live trace, a RST or FIN that the supposed
                sender's kernel did not send: its socket lives on.
                """),
            .linux(
                """
                A Linux host sends 64 by default, also in a RST. If both values are common initial ones (64, 128, 255), nothing is
                reported: there was no router in between.
                """),
            .causes(
                "A firewall, proxy or filter ends the connection in the name of the other end.",
                "A rule on this host does it: iptables -j REJECT --reject-with tcp-reset, nft reject with tcp reset.",
                "A load balancer answers for a server that is gone.",
                "The route changed in between (then the hop limits of data before and after differ, too)."),
            .remedy(
                "Capture on both hosts to see which of them did not send this RST. Ask who runs the device at the matching distance."
            )),
        Explanation(
            .finding, "retransmission", "A segment was retransmitted because its ACK did not come in time.",
            .wire(
                """
                The same sequence numbers again: after three duplicate ACKs or a SACK (fast, RFC 5681 3.2), or after the retransmission
                timeout (RFC 9293 3.8.1), which doubles each time (RFC 9293 3.8.2, RFC 6298 5.5). Or a hole filled by a segment that is newer than the data
                behind the hole: its first copy was lost before the capture point.
                """),
            .linux(
                """
                The timeout is at least 200 ms (tcp_rto_min_us), 1 s for SYNs; tcp_retries2 = 15 ends the connection after about 15 minutes with
                ETIMEDOUT. TcpRetransSegs, TcpExtTCPTimeouts, TCPFastRetrans; `tcptrace sockets -i` shows
                retransmissions and how often the timeout was doubled.
                """),
            .causes(
                "Loss: a full queue or a bad link on the path.",
                "The ACK was lost or came late: explain spurious-retransmission, explain tail-loss-probe.",
                "The peer is gone or overloaded.",
                "Segments too large for the path, and ICMP filtered: only large ones vanish."),
            .remedy(
                "One in a thousand is normal. If there are more, see which segments (size, direction, time) are lost.")),
        Explanation(
            .finding, "tail-loss-probe",
            "The last segment was retransmitted early, to see whether it was lost. Usually it was not.",
            .wire(
                """
                The last segment, often the FIN, once more after about two round trips; then an ACK, with a D-SACK if both copies arrived
                (RFC 8985 7.3, RFC 2883 4): then nothing was lost, although Wireshark says retransmission.
                """),
            .linux(
                """
                tcp_early_retrans = 3 (the default). With several segments in flight, the probe comes before a delayed ACK (40 ms): on loopback
                after 5 to 10 ms. With only one, Linux adds 200 ms for that delay (RFC 8985 7.2), but waits no longer than the timeout:
                then it is shown as (RTO or probe), and usually means a loss. TcpExtTCPLossProbes, TCPLossProbeRecovery and TCPDSACKRecv count.
                """),
            .causes(
                "The peer delays its ACK and the round-trip time is short: harmless.",
                "The path delayed the last segment: a capture near the receiver shows it just before the probe.",
                "The last segment or its ACK was really lost: the probe saved waiting for a timeout."),
            .remedy("Nothing.")),
        Explanation(
            .finding, "spurious-retransmission",
            "A segment was retransmitted although the peer had acknowledged or received it.",
            .wire("Octets below the peer's ACK, once more; a D-SACK comes back (RFC 2883 4). No data is lost."),
            .linux(
                "TcpExtTCPDSACKRecv and TCPSpuriousRTOs count. The congestion window is restored (TCPDSACKUndo)."
            ),
            .causes(
                "ACKs were lost or late.",
                "The round-trip time grew suddenly: a queue filled up, a radio link slept.",
                "Reordering looked like loss, and caused a fast retransmission: explain reordering.",
                "A tail loss probe: explain tail-loss-probe."),
            .remedy("Nothing, if it is rare. If it is frequent, look for queues on the path of the ACKs.")),
        Explanation(
            .finding, "reordering", "Segments arrived in a different order than they were sent.",
            .wire(
                "A hole, SACKs or duplicate ACKs, then a first copy, not a second one, fills the hole (RFC 5681 3.2)."
            ),
            .linux(
                """
                RACK waits a quarter of a round trip before it treats a hole as a loss (tcp_recovery, RFC 8985 6.2). TcpExtTCPSACKReorder,
                TCPTSReorder and TCPOFOQueue count; ss -ti shows reordering:N if the sender learned of more than tcp_reordering (3).
                """),
            .causes(
                "Several links or queues used at once (bonding by packet, ECMP by packet, RSS changes).",
                "The capture itself: it merged several queues of the card wrongly, and the hosts never saw any reordering.",
                "A radio link that retransmits frames itself."),
            .remedy("Balance by flow, not by packet. If ACKs come before the data they acknowledge, it is the capture.")
        ),
        Explanation(
            .situation, "duplicate-frames", "The capture has the same packet twice. Its sender sent it once.",
            .wire(
                """
                Two frames alike in everything, IP identification included, usually within microseconds: no retransmission. The frames do not show whether the capture saw one
                packet in two places or the network duplicated it. If hop limit, interface or
                link header differ, it was seen in two places; a D-SACK for it (-vv) shows that its receiver got both.
                """),
            .linux("-i any sees a segment on each device that it passes: bridge, veth, VLAN, container."),
            .causes(
                "A trace with -i any, or on a bridge and its port.",
                "A mirror port that copies both incoming and outgoing packets.",
                "Two capture files of one host merged.",
                "A network that delivers packets twice (a loop, a radio link, a failover)."),
            .remedy("Trace one interface: -i eth0 instead of -i any. If duplicates remain, look for D-SACKs.")),
        Explanation(
            .finding, "capture-gap", "Frames are missing from the capture. Nothing was lost on the network.",
            .wire(
                "An ACK for octets that the capture does not have, and no retransmission of them. Zeek: g, missed_bytes."
            ),
            .linux(
                "The kernel's count \"packets dropped by kernel\" at the end of a live trace is the number of frames for which there was no room."
            ),
            .causes(
                "The capture buffer was too small, or its reader too slow.",
                "The capture began late or saw one direction only.",
                "The other frames went through another interface.",
                "The file was cut or filtered: with a filter on flags (SYN, FIN, RST), nothing that only ACKs show is found."
            ),
            .remedy(
                "Use -B for a larger buffer, a filter for fewer frames, a smaller -s; capture on a host, not on a mirror port."
            )),
        Explanation(
            .finding, "segments-dropped",
            "This host's kernel dropped segments of the connection, and no other finding reports the consequences.",
            .wire(
                "Segments that are captured but not answered; or segments dropped on their way out, which are not captured at all: the connection"
                    + " simply stalls."),
            .linux(
                "skb:kfree_skb gives the reason, and its row stands where it happened: explain NETFILTER_DROP. Drops that follow from a"
                    + " loss, such as that of a late RST, are not counted."),
            .causes(
                "A firewall rule on this host (nftables, iptables), in its input or output chain.",
                "A filter on the socket or the interface, or a security module.",
                "The receive buffer was full, or there was no memory."),
            .remedy("See nft list ruleset, nft monitor trace, and ss -tm for the buffers."),
            .see("explain state-mismatch, explain retransmission")),
        Explanation(
            .finding, "state-mismatch",
            "The kernel and the packets disagree about a state, and nothing explains the difference.",
            .wire(
                "The row has a ! and what the kernel says; a state that was only inferred becomes the kernel's. Two readings"
                    + " agreed, with no segment in between. If the kernel is ahead because the capture lacks segments, the row says"
                    + " not captured, and both ends follow the kernel: explain 'not captured'."),
            .linux(
                "Linux has other names: FIN_WAIT2, SYN_RECV, and CLOSE for CLOSED. Those do not count as a difference."),
            .causes(
                "A firewall on this host dropped the segment after it was captured.",
                "close() was called, but the FIN does not leave: it is dropped before it is captured. A FIN that only waits behind data that the"
                    + " peer has not acknowledged is normal, and reported only after five seconds.",
                "The capture lacks frames: explain capture-gap.",
                "The address belongs to another network namespace, which has a table of its own."),
            .remedy("See nft list ruleset; trace in the right namespace (ip netns exec, nsenter).")),
    ]
}
