// The accept queue: which connections wait there, in which order, and when they were taken out.
//
// No event reports accept(). Readings show a child socket without an inode until a process has it, and a
// system call by its owner (close, shutdown), or its first text, proves that the process had it by then:
// so the moment lies between two known ones.

public import TCPModel

extension KernelJoin {
    /// How long a socket may lack an owner before that is reported, in nanoseconds: accept() usually follows at once.
    private static let acceptPatience = 100 * Span.millisecond

    /// A server's open socket without an inode has not been accepted; one with an inode has.
    static func noteAcceptance(
        _ socket: KernelSocket?, _ side: Side, _ connection: Connection, _ view: inout KernelSideView,
        _ snapshot: some KernelSnapshot, _ news: inout [KernelEvent.Kind]
    ) {
        guard side == .responder, view.listener != nil, let socket else { return }
        guard socket.state == .established || socket.state == .closeWait else { return }
        if socket.isUnaccepted && view.process == nil {
            let since = view.unacceptedSince ?? snapshot.end
            view.unacceptedSince = since
            view.lastUnaccepted = snapshot.begin
            if !view.reportedUnaccepted && snapshot.end.since(since) >= Self.acceptPatience {
                view.reportedUnaccepted = true
                news.append(.notAccepted(since: since))
            }
        } else if socket.inode != 0 {
            noteAccepted(snapshot.end, &view)
            guard view.unacceptedSince != nil else { return }
            view.unacceptedSince = nil
            view.queuePlace = nil
            if view.reportedUnaccepted, let delay = view.acceptDelay(connection), let most = delay.most {
                news.append(.accepted(least: delay.least, most: most))
            }
        }
    }

    /// The responder's first text or FIN was captured at this moment.
    public mutating func noteAnswer(_ id: ConnectionID, _ time: Timestamp) {
        update(id, .responder) { $0.firstAnswer = min($0.firstAnswer ?? time, time) }
    }

    /// A process is known to have had the socket at this moment.
    static func noteAccepted(_ time: Timestamp, _ view: inout KernelSideView) {
        if view.firstAccepted.map({ time < $0 }) ?? true { view.firstAccepted = time }
    }

    /// Whether an event shows that a process has the socket: shutdown() or close() while it was connected. A child that
    /// is discarded with its listener is closed in a system call, too, but never leaves its state by a FIN.
    static func showsAcceptance(_ event: SocketEvent) -> Bool {
        guard event.isProcessContext else { return false }
        return switch event.kind {
        case .transition(.established, .finWait1), .transition(.synReceived, .finWait1),
            .transition(.closeWait, .lastAck):
            true
        case .transition, .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .socketError, .destroyed,
            .dropped:
            false
        }
    }

    /// Gives the waiting connections their places: the kernel hands out first what opened first.
    mutating func placeInQueues(_ ids: [ConnectionID], _ timeline: borrowing Timeline) {
        var waiting: [SocketAddress: [(id: ConnectionID, open: Timestamp)]] = [:]
        for id in ids where look(id, { $0.responder.unacceptedSince != nil }) == true {
            let connection = timeline[id]
            let opened = look(id, { $0.responder.trace.openedTime }) ?? nil
            guard let open = opened ?? connection.surelyOpenTime else { continue }
            waiting[connection.tuple.destination, default: []].append((id, open))
        }
        for queue in waiting.values {
            for (index, entry) in queue.sorted(by: { $0.open < $1.open }).enumerated() {
                update(entry.id, .responder) { view in
                    view.queuePlace = UInt32(clamping: index + 1)
                    view.queueTraced = UInt32(clamping: queue.count)
                }
            }
        }
    }
}

extension KernelSideView {
    /// Whether it was destroyed with its listener, whose queue it had not left: the process that closed the listener
    /// never had this socket. The reason is then `TCP_STATE` (`inet_child_forget`, `tcp_disconnect`); a process that
    /// has the socket and leaves octets unread causes another one.
    var wentWithListener: Bool {
        trace.resetWithListener && trace.resetReason == .tcpState && firstAccepted == nil && !hasAnswered
            && socket?.inode ?? 0 == 0
    }
}

extension KernelSocket {
    /// Whether it is open and still in a queue: no process has it.
    var isUnaccepted: Bool { inode == 0 && (state == .established || state == .closeWait) }
}
