// The names of all findings. Each stands for one cause; `tcptrace explain CODE` explains it in a page.

/// What can be found out about a connection. The raw value is the name in NDJSON, in text and for `--fail-on`.
public enum FindingCode: String, CaseIterable, Sendable {
    /// A RST answered the SYN: no process listens.
    case refused
    /// Nothing answered the SYN.
    case synUnanswered = "syn-unanswered"
    /// The server answered the SYN, but the client keeps sending it: the answer does not arrive.
    case synAckLost = "syn-ack-lost"
    /// The SYN got no answer because the listener's accept queue is full.
    case acceptQueueFull = "accept-queue-full"
    /// The connection is open, but no process has called accept() for it.
    case neverAccepted = "never-accepted"
    /// The listener waits for the client's first octets (TCP_DEFER_ACCEPT).
    case acceptDeferred = "accept-deferred"
    /// A process called accept() for the connection, but late.
    case acceptedLate = "accepted-late"
    /// The peer closed long ago, and this side has not.
    case closeWaitLeak = "close-wait-leak"
    /// One side knows nothing of the connection that the other one still has.
    case halfOpenPeer = "half-open-peer"
    /// A RST in the middle, and neither the wire nor the kernel shows why.
    case reset
    /// close() with octets received and not read.
    case resetUnreadData = "reset-unread-data"
    /// close() with SO_LINGER 0.
    case resetLinger = "reset-linger"
    /// The listener was closed with connections waiting in its queue.
    case resetListenerClosed = "reset-listener-closed"
    /// The process ended, or its socket was destroyed.
    case resetKilled = "reset-killed"
    /// Text for a side that had already closed.
    case resetAfterClose = "reset-after-close"
    /// A RST that its receiver ignores (RFC 5961).
    case rstIgnored = "rst-ignored"
    /// FIN_WAIT_2 without an owner: a timer ends it, and the peer learns nothing.
    case orphanFinWait2 = "orphan-fin-wait-2"
    /// One side closed its direction, and the other continued to send.
    case halfClose = "half-close"
    /// TIME_WAIT holds so many of the ports toward a destination that they may run out.
    case timeWaitHeld = "time-wait-held"
    /// A RST ended TIME_WAIT before its time (RFC 1337).
    case timeWaitAssassination = "time-wait-assassination"
    /// The same ports again, soon after.
    case portReused = "port-reused"
    /// One socket is connected to itself.
    case selfConnect = "self-connect"
    /// Both sides sent a SYN.
    case simultaneousOpen = "simultaneous-open"
    /// A receiver kept its window closed.
    case zeroWindowStall = "zero-window-stall"
    /// Small segments waited for delayed ACKs.
    case nagleDelay = "nagle-delay"
    /// Text waits in a receive queue, and the process does not read.
    case unreadText = "unread-text"
    /// Octets were lost and retransmitted.
    case retransmission
    /// The last segment was retransmitted to provoke an ACK; nothing was lost.
    case tailLossProbe = "tail-loss-probe"
    /// Octets were retransmitted although they had arrived.
    case spuriousRetransmission = "spurious-retransmission"
    /// Segments arrived in another order than they were sent in.
    case reordering
    /// Keep-alives got no answer, and the kernel gave up the connection.
    case keepaliveDead = "keepalive-dead"
    /// A segment that could be an attack, or belongs to an older connection, was answered with an ACK (RFC 5961).
    case challengeAck = "challenge-ack"
    /// The kernel ended it, and no packet showed that.
    case silentClose = "silent-close"
    /// This host's kernel dropped segments, and no other finding covers the consequences.
    case segmentsDropped = "segments-dropped"
    /// The kernel and the wire disagree, and nothing explains it.
    case stateMismatch = "state-mismatch"
    /// Frames are missing from the capture.
    case captureGap = "capture-gap"
    /// The listener answered with SYN cookies.
    case synCookies = "syn-cookies"
    /// Text in the SYN (TCP Fast Open).
    case fastOpen = "fast-open"
    /// Large segments vanish on the way and small ones do not, and no ICMP error reports that they are too big.
    case mtuBlackHole = "mtu-black-hole"
    /// Something between the two ends interfered.
    case middlebox

    /// How bad it is.
    public var severity: Severity {
        switch self {
        case .halfClose, .portReused, .simultaneousOpen, .fastOpen, .challengeAck, .captureGap, .tailLossProbe,
            .spuriousRetransmission, .reordering, .acceptDeferred, .timeWaitAssassination:
            .info
        case .refused, .reset, .resetAfterClose, .rstIgnored, .orphanFinWait2, .selfConnect, .zeroWindowStall,
            .silentClose, .stateMismatch, .middlebox, .resetLinger, .resetKilled, .retransmission, .synCookies,
            .timeWaitHeld, .acceptedLate, .unreadText, .nagleDelay, .segmentsDropped:
            .warning
        case .synUnanswered, .synAckLost, .acceptQueueFull, .neverAccepted, .closeWaitLeak, .halfOpenPeer,
            .keepaliveDead, .mtuBlackHole, .resetUnreadData, .resetListenerClosed:
            .error
        }
    }
}

extension FindingCode {
    /// The codes that a user's word stands for: one by its name, in any case and with `_` for `-`; those of a severity
    /// and worse; or all. Nil if it stands for none.
    public static func named(_ text: String) -> Set<FindingCode>? {
        let folded = String(text.lowercased().map { $0 == "_" ? "-" : $0 })
        if let code = FindingCode(rawValue: folded) { return [code] }
        let least: Severity
        switch folded {
        case "any", "note", "info": least = .info
        case "warning", "warn": least = .warning
        case "error": least = .error
        default: return nil
        }
        return Set(allCases.filter { $0.severity >= least })
    }
}

/// How bad a finding is.
public enum Severity: UInt8, Comparable, Sendable {
    /// Worth knowing; nothing is wrong.
    case info
    /// Something did not go as one of the two programs intended.
    case warning
    /// A program loses data, waits in vain, or leaks.
    case error

    /// The name for programs.
    public var name: StaticString {
        switch self {
        case .info: "info"
        case .warning: "warn"
        case .error: "error"
        }
    }

    /// The name for people, as compilers put it.
    public var displayName: StaticString {
        switch self {
        case .info: "note"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// Whether the left one is less severe.
    public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
}
