// The pages of the eleven states. The transitions into and out of each state are generated from the machine's own
// diagram.

import TCPMachine
import TCPModel

extension Explanation {
    static func page(of state: TCPState) -> Explanation? {
        guard let text = texts[state] else { return nil }
        let entered = TransitionDiagram.rfcEdges.filter { $0.to == state }.map {
            "\($0.from.displayName): \(words($0))"
        }
        let left = TransitionDiagram.rfcEdges.filter { $0.from == state }.map {
            "\($0.to.displayName): \(words($0))"
        }
        let end = [reset(state), silence(state)].compactMap { $0 }
        var sections: [Section] = []
        if !entered.isEmpty { sections.append(Section("Entered from", entered)) }
        if state == .closed {
            sections.append(Section("From any state with a connection", [aReset, RFCRule.kernelClosed.words]))
        }
        if !(left + end).isEmpty { sections.append(Section("Left for", left + end)) }
        sections.append(Section("Who waits", [text.waits]))
        sections.append(.linux(text.linux))
        sections.append(Section("If many sockets are in it", [text.many]))
        return Explanation(.state, "\(state.displayName)", text.summary, sections: sections)
    }

    /// What triggers a transition. In SYN_SENT there is no peer yet that would have to be informed of an abort.
    private static func words(_ edge: TransitionDiagram.Edge) -> String {
        edge.from == .synSent && edge.rule == .abort
            ? "close() or abort: nothing is sent (RFC 9293 3.10.4, RFC 9293 3.10.5)" : edge.rule.words
    }

    private static let aReset = "a RST, sent or received (RFC 9293 3.10.5, RFC 9293 3.10.7.4)"

    /// How a RST ends the state, beyond the diagram's transitions.
    private static func reset(_ state: TCPState) -> String? {
        guard TransitionDiagram.resetEdges.contains(where: { $0.from == state && $0.to == .closed }) else { return nil }
        // In these states both FINs have been exchanged, so an abort has no one to inform.
        if [.closing, .lastAck, .timeWait].contains(state) {
            return "CLOSED: a RST received (RFC 9293 3.10.7.4); abort: nothing is sent (RFC 9293 3.10.5)"
        }
        let isReceivedTold = TransitionDiagram.rfcEdges.contains { $0.from == state && $0.rule == .synReceivedReset }
        return isReceivedTold ? "CLOSED: \(RFCRule.abort.words)" : "CLOSED: \(aReset)"
    }

    /// How the state ends without a segment.
    private static func silence(_ state: TCPState) -> String? {
        let isGivenUp = TransitionDiagram.knowledgeEdges.contains { $0.from == state && $0.rule == .kernelClosed }
        return isGivenUp ? "CLOSED: \(RFCRule.kernelClosed.words)" : nil
    }

    private static let texts: [TCPState: (summary: String, waits: String, linux: String, many: String)] = [
        .closed: (
            "No connection at all; a fiction, as there is no socket (RFC 9293 3.3.2).",
            "Nobody. Segments for it are answered with RST (RFC 9293 3.10.7.1).",
            "TCP_CLOSE is a socket that is not connected yet or not any more. ss and /proc list none of them. listen() takes it to LISTEN, close() takes a listener back; no segment shows either.",
            "That cannot be seen. Still, a process may hold many unconnected sockets as descriptors."
        ),
        .listen: (
            "A server waits for connections: listen() was called.",
            "It waits for a SYN from any host. A listener stays in LISTEN; Linux makes a new socket for each connection.",
            """
            Recv-Q is the number of connections that wait for accept(). Send-Q is the limit, min(backlog, somaxconn), in ss only: netstat and
            `tcptrace sockets` have 0 there, and `tcptrace sockets -i` the limit. The queue takes one more. No timer. listen()
            enters LISTEN and close() leaves it for CLOSED: neither is a segment, so the edges above name none.
            """,
            "Many services, or one with SO_REUSEPORT. If Recv-Q stays above 0: explain accept-queue-full."
        ),
        .synSent: (
            "A SYN was sent; connect() waits.",
            "It waits for the server's SYN-ACK.",
            """
            Timer on. The SYN is sent again after 1, 1, 1, 1, 1, 2, 4, 8, 16 and 32 s: tcp_syn_linear_timeouts (4) + tcp_syn_retries (6) =
            10 times; ETIMEDOUT after 131 s (before Linux 6.5: 6 times, 127 s).
            """,
            "Servers that do not answer: firewalls, dead hosts, full queues. See explain syn-unanswered."
        ),
        .synReceived: (
            "A SYN came and was answered with SYN-ACK.",
            "The server waits for the third segment of the handshake.",
            """
            Linux says SYN_RECV, and keeps a small request, not a socket: no inode, no owner. The SYN-ACK repeats tcp_synack_retries
            (5) times; gone after 63 s. The tracepoint shows it only when the last ACK comes. With SYN cookies there is none.
            """,
            "A SYN flood, or clients whose third segment is lost (asymmetric firewalls). See explain syn-cookies."
        ),
        .established: (
            "The connection is open: data flows both ways.",
            "Neither side has to wait for anything. Being idle for years is legal (RFC 9293 3.8.4).",
            """
            No timer by itself. With data under way: retransmission, up to tcp_retries2 (15). With SO_KEEPALIVE: after 7200 s.
            With inode 0 no process has accepted it yet.
            """,
            "Normal for a pool. If the peers are gone: half-open connections; explain half-open-peer, keepalive-dead."
        ),
        .finWait1: (
            "This side closed first; its FIN is not acknowledged yet.",
            """
            It waits for the peer's kernel, not for its process. Where the peer closes at once, one FIN,ACK does both: TIME_WAIT follows,
            and there is no FIN_WAIT_2 (RFC 9293 3.3.2).
            """,
            """
            Usually a round trip, or 40 ms if the peer delays its ACK. As an orphan it repeats the FIN tcp_orphan_retries times (0 means 8), or probes a closed window. Linux calls
            it FIN_WAIT1.
            """,
            "Peers that vanished or do not read (zero window), and much unsent data. tcp_max_orphans limits it."
        ),
        .finWait2: (
            "This side closed, and the peer's kernel knows it; the peer's process has not closed.",
            "It waits for the peer's process to call close().",
            """
            After shutdown(SHUT_WR): an owner, no timer, may read on. After close(): an orphan, inode 0, dropped silently after
            tcp_fin_timeout (60 s). Linux calls it FIN_WAIT2.
            """,
            "The peers leak CLOSE_WAIT, or answer slowly. See explain orphan-fin-wait-2."
        ),
        .closeWait: (
            "The peer closed; this side's process has not.",
            "All wait for this side's process to call close(). No packet but a RST can end it.",
            "No timer but that of SO_KEEPALIVE: it can last forever. Recv-Q counts the FIN as one octet until it is read. inode 0: never accepted.",
            "A bug in the program that holds them. See explain close-wait-leak."
        ),
        .closing: (
            "Both closed at once: the FINs crossed; our own is not acknowledged yet.",
            "It waits for the peer's kernel to acknowledge the FIN.",
            "Microseconds to a round trip; the FIN repeats. Hard to catch with ss. A self-connect goes through it.",
            "Very rare: the last ACKs are lost."
        ),
        .lastAck: (
            "The peer closed first, then this side; its FIN is not acknowledged yet.",
            "It waits for the last ACK of the peer's kernel.",
            "After close() no owner, after shutdown() it stays. The FIN repeats (tcp_orphan_retries, 0 means 8). Then it is gone, without TIME_WAIT.",
            "Peers that forgot the connection, behind a firewall that drops FINs or their ACKs."
        ),
        .timeWait: (
            "Both sides have closed; the side that closed first waits until old segments have died out.",
            """
            It waits for time to pass: 2 MSL (RFC 9293 3.6.1). A repeated FIN is answered, and the time starts again. From FIN_WAIT_1 it
            comes in one step if the peer's FIN acknowledges ours (RFC 9293 3.3.2).
            """,
            """
            60 s, fixed; no setting changes it. No owner, inode 0, a few hundred octets. tcp_tw_reuse = 2: loopback only. tcp_max_tw_buckets
            limits their number. The tracepoint never shows it: it says CLOSE.
            """,
            """
            Normal for a side that closes many short connections first. Harmful only when the ports towards one server run out: explain
            port-exhaustion.
            """
        ),
    ]
}

extension RFCRule {
    /// What triggers the transition, in plain words, with the section of the RFC.
    var words: String {
        switch self {
        case .activeOpen: "connect(): a SYN is sent (RFC 9293 3.10.1)"
        case .listenSyn: "a SYN came; SYN-ACK is sent (RFC 9293 3.10.7.2)"
        case .synSentSynAck: "the SYN-ACK came; ACK is sent (RFC 9293 3.10.7.3)"
        case .synSentSyn: "a SYN came: simultaneous open (RFC 9293 3.10.7.3)"
        case .synSentReset: "a RST came: refused (RFC 9293 3.10.7.3)"
        case .synReceivedReset: "a RST came (RFC 9293 3.10.7.4)"
        case .reset: "a RST came (RFC 9293 3.10.7.4)"
        case .synReceivedAck: "the ACK of the SYN came (RFC 9293 3.10.7.4)"
        case .finWait1Ack, .closingAck, .lastAckAck: "the ACK of the FIN came (RFC 9293 3.10.7.4)"
        case .fin: "the peer's FIN came (RFC 9293 3.10.7.4)"
        case .closeCall: "close() or shutdown(): a FIN is sent (RFC 9293 3.10.4)"
        case .abort: "abort: a RST is sent (RFC 9293 3.10.5)"
        case .timeWaitTimeout: "the time ran out (RFC 9293 3.10.8)"
        case .icmpError: "an ICMP error came (what Linux does; RFC 9293 3.9.2.2 allows it for hard errors only)"
        case .kernelClosed: "its kernel gives it up silently, because a timer ran out (RFC 9293 3.10.8)"
        case .midstream: "the capture began too late to see it"
        case .evidence: "a later segment proves it"
        case .retraction: "a later segment proves that it has not happened"
        }
    }
}
