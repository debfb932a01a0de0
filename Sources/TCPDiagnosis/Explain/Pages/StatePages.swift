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
            "No connection at all: a fictional state, as there is no socket (RFC 9293 3.3.2).",
            "Neither side. Segments for it are answered with RST (RFC 9293 3.10.7.1).",
            "TCP_CLOSE is a socket that is not connected yet, or no longer. ss and /proc list none of them. listen() moves it to LISTEN, and close() moves a listener back; no segment shows either.",
            "They cannot be seen, but a process may hold many descriptors of unconnected sockets."
        ),
        .listen: (
            "A server is waiting for connections: it has called listen().",
            "It waits for a SYN from any host. A listener stays in LISTEN; Linux creates a new socket for each connection.",
            """
            Recv-Q is the number of connections that wait for accept(). Send-Q is its limit, min(backlog, somaxconn), in ss only: netstat and
            `tcptrace sockets` show 0 there, and `tcptrace sockets -i` shows the limit. The queue takes one more. No timer. listen()
            enters LISTEN and close() leaves it for CLOSED: neither sends a segment, so the transitions above name none.
            """,
            "There are many services, or one that uses SO_REUSEPORT. If Recv-Q stays above 0: explain accept-queue-full."
        ),
        .synSent: (
            "A SYN was sent; connect() is waiting.",
            "It waits for the server's SYN-ACK.",
            """
            Its timer runs. The SYN is retransmitted after 1, 1, 1, 1, 1, 2, 4, 8, 16 and 32 s: tcp_syn_linear_timeouts (4) + tcp_syn_retries (6) =
            10 times; ETIMEDOUT after 131 s (before Linux 6.5: 6 times, 127 s).
            """,
            "Servers are not answering: firewalls, dead hosts, full queues. See explain syn-unanswered."
        ),
        .synReceived: (
            "A SYN arrived and was answered with a SYN-ACK.",
            "The server waits for the handshake's last ACK.",
            """
            Linux calls it SYN_RECV and keeps a small request, not a socket: no inode, no owner. The SYN-ACK is repeated tcp_synack_retries
            (5) times; the request is gone after 63 s. The tracepoint shows it only when the last ACK arrives. With SYN cookies there is none.
            """,
            "A SYN flood, or clients whose last ACK of the handshake is lost (asymmetric firewalls). See explain syn-cookies."
        ),
        .established: (
            "The connection is open: data can flow both ways.",
            "Neither side has to wait for anything. Being idle for years is legal (RFC 9293 3.8.4).",
            """
            No timer of its own. With data in flight: retransmission, up to tcp_retries2 (15). With SO_KEEPALIVE: a probe after 7200 s.
            With inode 0 no process has accepted it yet.
            """,
            "Normal for a connection pool. If the peers are gone, the connections are half-open: explain half-open-peer, keepalive-dead."
        ),
        .finWait1: (
            "This side closed first; its FIN is not acknowledged yet.",
            """
            It waits for the peer's kernel, not for its process. If the peer closes at once, a single FIN,ACK does both: TIME_WAIT follows,
            and there is no FIN_WAIT_2 (RFC 9293 3.3.2).
            """,
            """
            It usually lasts a round trip, or 40 ms if the peer delays its ACK. An orphan repeats the FIN tcp_orphan_retries times (0 means 8), or probes a closed window. Linux calls
            it FIN_WAIT1.
            """,
            "The peers vanished or are not reading (zero window), and much data is unsent. tcp_max_orphans limits their number."
        ),
        .finWait2: (
            "This side closed and the peer's kernel knows it, but the peer's process has not closed.",
            "It waits for the peer's process to call close().",
            """
            After shutdown(SHUT_WR) it has an owner, which may keep reading, and no timer. After close() it is an orphan: inode 0, dropped silently after
            tcp_fin_timeout (60 s). Linux calls it FIN_WAIT2.
            """,
            "The peers leak sockets in CLOSE_WAIT, or answer slowly. See explain orphan-fin-wait-2."
        ),
        .closeWait: (
            "The peer closed; this side's process has not.",
            "Everything waits for this side's process to call close(). No packet but a RST can end the state.",
            "No timer but that of SO_KEEPALIVE: it can last forever. Recv-Q counts the FIN as one octet until it is read. With inode 0 it was never accepted.",
            "The program that holds them has a bug. See explain close-wait-leak."
        ),
        .closing: (
            "Both sides closed at once: the FINs crossed, and this side's own is not acknowledged yet.",
            "It waits for the peer's kernel to acknowledge the FIN.",
            "It lasts from microseconds to a round trip; the FIN is retransmitted. Hard to catch with ss. A self-connect goes through it.",
            "Very rare: the last ACKs were lost."
        ),
        .lastAck: (
            "The peer closed first, then this side; its FIN is not acknowledged yet.",
            "It waits for the last ACK from the peer's kernel.",
            "After close() it has no owner, after shutdown() it keeps it. The FIN is retransmitted (tcp_orphan_retries, 0 means 8). Then the socket is gone, without TIME_WAIT.",
            "The peers forgot the connection, or a firewall drops FINs or their ACKs."
        ),
        .timeWait: (
            "Both sides have closed; the side that closed first waits until old segments have died out.",
            """
            It waits for time to pass: 2 MSL (RFC 9293 3.6.1). A retransmitted FIN is answered and restarts the time. FIN_WAIT_1 leads here
            in one step if the peer's FIN acknowledges this side's (RFC 9293 3.3.2).
            """,
            """
            It lasts 60 s; no setting changes that. No owner, inode 0, a few hundred octets. tcp_tw_reuse = 2: on loopback only. tcp_max_tw_buckets
            limits their number. The tracepoint never shows the state: it reports CLOSE.
            """,
            """
            Normal for a side that is the first to close many short connections. Harmful only if the ports towards one server run out: explain
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
        case .listenSyn: "a SYN arrives; a SYN-ACK is sent (RFC 9293 3.10.7.2)"
        case .synSentSynAck: "the SYN-ACK arrives; an ACK is sent (RFC 9293 3.10.7.3)"
        case .synSentSyn: "a SYN arrives: simultaneous open (RFC 9293 3.10.7.3)"
        case .synSentReset: "a RST arrives: refused (RFC 9293 3.10.7.3)"
        case .synReceivedReset: "a RST arrives (RFC 9293 3.10.7.4)"
        case .reset: "a RST arrives (RFC 9293 3.10.7.4)"
        case .synReceivedAck: "the ACK of the SYN arrives (RFC 9293 3.10.7.4)"
        case .finWait1Ack, .closingAck, .lastAckAck: "the ACK of the FIN arrives (RFC 9293 3.10.7.4)"
        case .fin: "the peer's FIN arrives (RFC 9293 3.10.7.4)"
        case .closeCall: "close() or shutdown(): a FIN is sent (RFC 9293 3.10.4)"
        case .abort: "abort: a RST is sent (RFC 9293 3.10.5)"
        case .timeWaitTimeout: "the timer expires (RFC 9293 3.10.8)"
        case .icmpError: "an ICMP error arrives (Linux does this; RFC 9293 3.9.2.2 allows it for hard errors only)"
        case .kernelClosed: "its kernel gives it up silently, because a timer expires (RFC 9293 3.10.8)"
        case .midstream: "the capture began too late to see it"
        case .evidence: "a later segment proves it"
        case .retraction: "a later segment proves that it has not happened"
        }
    }
}
