// connect() calls on this host of which no segment was captured, as the kernel's events show them.

public import TCPModel

/// One such call.
public struct UnseenCall: Sendable {
    /// When it began.
    public let began: Timestamp
    /// The calling process; nil if it must not be disclosed, or was not reported.
    public let process: ProcessIdentity?
    /// The address that it called.
    public let remote: SocketAddress
    /// Its own end; the port is 0 until one is reported.
    public internal(set) var local: SocketAddress
    /// The socket's state.
    public internal(set) var state = TCPState.synSent
    /// When it entered that state.
    public internal(set) var since: Timestamp
    /// Whether it was answered: it was in another state than SYN-SENT and CLOSED.
    public internal(set) var isAnswered = false
    /// The error that the call failed with, if the kernel reported one.
    public internal(set) var errno: LinuxErrno?
    /// Why the kernel dropped a packet of it, if it did.
    public internal(set) var dropReason: KernelWord?
    /// The socket's address in kernel memory.
    let socket: UInt64

    /// Whether it failed before its socket had a port, and so before any SYN: EADDRNOTAVAIL.
    public var hadNoPort: Bool { state == .closed && local.port == 0 }

    /// Whether it failed without an answer, and the kernel reported why.
    public var hasFailed: Bool { !isAnswered && (errno != nil || dropReason != nil) }

    init(_ event: SocketEvent) {
        began = event.time
        since = event.time
        process = event.isProcessContext ? event.process : nil
        (local, remote, socket) = (event.local, event.remote, event.socket)
    }
}

/// Collects such calls from events that have waited long enough for a connection.
struct UnseenCalls {
    /// The most calls, and the most remarks, that are kept.
    static let most = 256
    private var calls: [UnseenCall] = []
    /// Errors and dropped packets whose call is found once its own end is known. Only the latest are kept.
    private var remarks: [SocketEvent] = []
    private var next = 0

    /// Notes one socket's events, in time order.
    mutating func note(_ events: [SocketEvent]) {
        for event in events { note(event) }
    }

    /// Notes an event of no captured connection.
    mutating func note(_ event: SocketEvent) {
        switch event.kind {
        case .transition(from: .closed, to: .synSent):
            if calls.count < Self.most {
                calls.append(UnseenCall(event))
            } else if let place = calls.firstIndex(where: \.isAnswered) {
                // An answered call merely takes another route than the traced one.
                calls[place] = UnseenCall(event)
            }
        case .transition(_, let to):
            guard let place = place(of: event) else { return }
            calls[place].state = to
            calls[place].since = event.time
            if to != .closed { calls[place].isAnswered = true }
            if event.local.port != 0 { calls[place].local = event.local }
        case .socketError(errno: 1...), .dropped: keep(event)
        case .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .socketError, .destroyed: break
        }
    }

    /// The call of this event's socket that is not over.
    private func place(of event: SocketEvent) -> Int? {
        calls.lastIndex { call in
            call.socket == event.socket && call.state != .closed && call.began <= event.time
                && (call.local.port == 0 || event.local.port == 0 || call.local == event.local)
        }
    }

    private mutating func keep(_ event: SocketEvent) {
        // A packet whose ends are not reported cannot be attributed.
        guard event.local.port != 0, event.remote.port != 0 else { return }
        if remarks.count < Self.most {
            remarks.append(event)
        } else {
            remarks[next] = event
            next = (next + 1) % Self.most
        }
    }

    /// All calls in time order, with the errors and drops that concern them.
    func complete() -> [UnseenCall] {
        var calls = calls.sorted { $0.began < $1.began }
        for remark in remarks {
            // A packet dropped on its way out was going to the other end.
            let ends = [(remark.local, remark.remote), (remark.remote, remark.local)]
            let place = calls.lastIndex { call in
                call.began <= remark.time.advanced(by: SocketTracks.clockError)
                    && ends.contains { local, remote in
                        call.remote == remote
                            && (call.local == local || call.local.port == 0 && call.state != .closed)
                    }
            }
            guard let place else { continue }
            switch remark.kind {
            case .socketError(let code): calls[place].errno = LinuxErrno(rawValue: code)
            case .dropped(let reason): calls[place].dropReason = reason
            default: break
            }
        }
        return calls
    }
}
