// What became of a connection, in one plain word.

import TCPMachine
import TCPModel

/// What became of a connection. The names are those of the NDJSON `outcome`.
public enum Outcome: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// Both sides closed with FIN.
    case closed
    /// A RST ended it.
    case reset
    /// A RST answered the SYN.
    case refused
    /// Nothing answered the SYN.
    case noAnswer
    /// SYN and SYN-ACK, but the handshake never completed. Not RFC 9293's half-open connection (3.5.1), which one end
    /// knows nothing of: that is the finding `halfOpenPeer`.
    case halfOpen
    /// One side sent its FIN, and the other never did.
    case halfClosed
    /// Open when the capture ended.
    case open
    /// Neither a SYN nor an end was seen.
    case partial

    /// The name for programs, and for `--outcome`.
    public var name: StaticString {
        switch self {
        case .closed: "closed"
        case .reset: "reset"
        case .refused: "refused"
        case .noAnswer: "no_answer"
        case .halfOpen: "half_open"
        case .halfClosed: "half_closed"
        case .open: "open"
        case .partial: "partial"
        }
    }

    /// The name for people.
    public var displayName: StaticString {
        switch self {
        case .noAnswer: "no answer"
        case .halfOpen: "half-open"
        case .halfClosed: "half-closed"
        case .closed, .reset, .refused, .open, .partial: name
        }
    }

    /// The outcome that a user named, with `-`, `_` or a space between words; nil if there is none of that name.
    public init?(named text: String) {
        let folded = String(text.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
        guard let match = Self.allCases.first(where: { "\($0.name)" == folded }) else { return nil }
        self = match
    }
}

extension Connection {
    /// What became of it, as far as segments or the kernel show.
    public var outcome: Outcome { hot.outcome }

    /// Whether the outcome rests on the kernel's reports, and not on captured segments alone.
    public var isOutcomeKernels: Bool { hot.endpoints[0].isLedByKernel || hot.endpoints[1].isLedByKernel }

    /// Whether a program wanted it and did not get it, or lost it: refused, reset, unanswered,
    /// or given up before it was open.
    public var hasFailed: Bool {
        switch outcome {
        case .refused, .reset, .noAnswer: true
        case .halfOpen: originator.state == .closed
        case .closed, .halfClosed, .open, .partial: false
        }
    }

    /// Zeek's conn_state.
    public var zeekConnectionState: StaticString { hot.zeekConnectionState }

    /// Whether its single SYN may have been answered, in a capture that has no answer to any SYN, so that nothing shows
    /// it was not. A client that retransmits its SYN had no answer, and the kernel of either side would tell.
    public func mayLackAnswer(_ kernel: KernelView?) -> Bool {
        guard outcome == .noAnswer, counters[0].packets == 1, counters[1].packets == 0, icmpKind == nil,
            !facts.contains(.replaced)
        else { return false }
        return kernel?.originator.isLocal != true && kernel?.responder.isLocal != true
    }
}

// Inlined, so that they are read in the table and not copied.
extension HotPart {
    /// What became of it, as far as segments or the kernel show.
    @inline(__always) var outcome: Outcome {
        if facts.contains(.refused) { return .refused }
        if facts.contains(.reset) { return .reset }
        if facts.contains([.originatorFin, .responderFin]) { return .closed }
        if !facts.contains(.synSeen) && !facts.contains(.synAckSeen) {
            return facts.intersection([.originatorFin, .responderFin]).isEmpty ? .partial : .halfClosed
        }
        if isUnanswered { return .noAnswer }
        if !facts.intersection([.originatorFin, .responderFin]).isEmpty { return .halfClosed }
        let (originator, responder) = (endpoints[0].state, endpoints[1].state)
        if wasOpenUncaptured { return .open }
        if responder == .synReceived || originator == .synSent || originator == .synReceived { return .halfOpen }
        // The kernel shows that the listener kept nothing of it.
        if responder == .listen && facts.contains([.synSeen, .synAckSeen]) { return .halfOpen }
        // The kernel gave up on SYN-RECEIVED, by itself or because of an ICMP error.
        let isOffered = facts.contains([.synSeen, .synAckSeen]) && !facts.contains(.originatorMoreThanSyn)
        return isOffered && (responder == .closed || responder == .listen) ? .halfOpen : .open
    }

    /// Whether nothing came back for the SYN, except perhaps RSTs that do not answer it. An originator that continued
    /// was answered: those frames were not captured.
    @inline(__always) private var isUnanswered: Bool {
        guard facts.contains(.synSeen), !isSelfConnect, !wasOpenUncaptured else { return false }
        let isAsking = endpoints[0].state == .synSent
        if sides[1].packets == 0 { return isAsking || !facts.contains(.originatorMoreThanSyn) }
        return isAsking && endpoints[1].state == .closed && !facts.contains(.synAckSeen)
    }

    /// Whether the kernel shows that it was open, but no segment does.
    @inline(__always) private var wasOpenUncaptured: Bool {
        endpoints[0].wasOpenUncaptured || endpoints[1].wasOpenUncaptured
    }

    /// Zeek's conn_state.
    @inline(__always) var zeekConnectionState: StaticString {
        zeek.connectionState(
            noData: sides[0].uniqueBytes == 0 && sides[1].uniqueBytes == 0,
            synThenReset: facts.contains(.synSeen) && !facts.contains(.originatorMoreThanSyn))
    }
}
