// connect() calls of this host of which no segment was captured: what the kernel's events tell of them all the same.

public import TCPModel

/// One such call.
public struct UnseenCall: Sendable {
    /// When it began.
    public let began: Timestamp
    /// Who called; nil if that is not to be known, or was not told.
    public let process: ProcessIdentity?
    /// Where to.
    public let remote: SocketAddress
    /// Its own end; the port is 0 as long as none was told.
    public internal(set) var local: SocketAddress
    /// The socket's state, and since when.
    public internal(set) var state = TCPState.synSent
    /// When it entered that state.
    public internal(set) var since: Timestamp
    /// Whether it was answered: it was in another state than SYN-SENT and CLOSED.
    public internal(set) var isAnswered = false
    /// What the call failed with, if the kernel told.
    public internal(set) var errno: LinuxErrno?
    /// Why the kernel threw away a packet of it, if it did.
    public internal(set) var dropReason: KernelWord?
    /// The kernel's address of the socket.
    let socket: UInt64

    /// Whether it failed before its socket had a port, and so before any SYN: EADDRNOTAVAIL.
    public var hadNoPort: Bool { state == .closed && local.port == 0 }

    /// Whether it failed without an answer, and the kernel told why.
    public var hasFailed: Bool { !isAnswered && (errno != nil || dropReason != nil) }

    init(_ event: SocketEvent) {
        began = event.time
        since = event.time
        process = event.isProcessContext ? event.process : nil
        (local, remote, socket) = (event.local, event.remote, event.socket)
    }
}

/// Gathers them from events that have waited for a connection long enough.
struct UnseenCalls {
    /// More are not kept.
    static let most = 256
    private var calls: [UnseenCall] = []
    /// Errors and dropped packets of nobody: whose they are is known when the call's own end is. The latest ones.
    private var remarks: [SocketEvent] = []
    private var next = 0

    /// One socket's events in the order of time.
    mutating func note(_ events: [SocketEvent]) {
        for event in events { note(event) }
    }

    /// An event of no connection that was captured.
    mutating func note(_ event: SocketEvent) {
        switch event.kind {
        case .transition(from: .closed, to: .synSent):
            if calls.count < Self.most {
                calls.append(UnseenCall(event))
            } else if let place = calls.firstIndex(where: \.isAnswered) {
                // That one only goes another way than what is traced.
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

    /// The call of a socket that is not over.
    private func place(of event: SocketEvent) -> Int? {
        calls.lastIndex { call in
            call.socket == event.socket && call.state != .closed && call.began <= event.time
                && (call.local.port == 0 || event.local.port == 0 || call.local == event.local)
        }
    }

    private mutating func keep(_ event: SocketEvent) {
        // Of a packet whose ends are not told nobody knows whose it was.
        guard event.local.port != 0, event.remote.port != 0 else { return }
        if remarks.count < Self.most {
            remarks.append(event)
        } else {
            remarks[next] = event
            next = (next + 1) % Self.most
        }
    }

    /// All of them in the order of time, with what was said of their packets.
    func complete() -> [UnseenCall] {
        var calls = calls.sorted { $0.began < $1.began }
        for remark in remarks {
            // A packet that is dropped on its way out was going to the other end.
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
