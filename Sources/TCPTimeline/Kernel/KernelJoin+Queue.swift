// The accept queue: which connections wait there, in which order, and when they were taken out.
//
// No event tells of accept(). Readings show a child socket without an inode until somebody has it, and a system call of its
// owner (close, shutdown) proves that he had it by then: so the moment lies between two known ones.

import TCPModel

/// How many SYNs and handshakes a listener had refused at two moments.
struct ListenerDrops: BitwiseCopyable {
    var latest: (time: Timestamp, count: UInt32)
    var earlier: (time: Timestamp, count: UInt32)?
}

extension KernelJoin {
    /// Compares what listeners have refused with what they had when each connection began: the kernel counts it a listener, and
    /// only its overflows for all of them. `time` is when the reading was complete: what it counted had happened by then.
    mutating func noteListenerDrops(_ ids: [ConnectionID], _ time: Timestamp, _ timeline: borrowing Timeline) {
        var new: [UInt64: UInt32] = [:]
        let all = listenerDrops
        for id in ids {
            let first = timeline[id].firstTime
            update(id, .responder) { view in
                guard let listener = view.listener, let count = listener.drops, listener.inode != 0 else { return }
                new[listener.inode] = max(count, new[listener.inode] ?? 0)
                guard view.listenerDrops.before == nil, let known = all[listener.inode] else { return }
                view.listenerDrops.before =
                    known.latest.time <= first
                    ? known.latest.count : known.earlier.flatMap { $0.time <= first ? $0.count : nil }
            }
        }
        if listenerDrops.count + new.count > Self.listenerLimit { listenerDrops.removeAll(keepingCapacity: true) }
        for (inode, count) in new {
            let before = listenerDrops[inode]?.latest
            // A view that was not read now has an older count.
            if let before, before.count > count { continue }
            listenerDrops[inode] = ListenerDrops(latest: (time, count), earlier: before)
        }
    }

    /// Takes in who listens: of several the one that a SYN without an answer may have met full. What waits to be accepted is with the
    /// only one in whose queue something is.
    static func noteListeners(
        _ all: [KernelSocket], _ socket: KernelSocket?, isUnanswered: Bool, _ view: inout KernelSideView
    ) {
        // Whoever listens once its socket has gone has had nothing to do with it.
        guard socket != nil || view.socket == nil else { return }
        guard var listener = all.first(where: \.isFull) ?? all.first else { return }
        let busy = all.filter { $0.receiveQueue > 0 }
        if let socket, socket.isUnaccepted, busy.count == 1 {
            listener = busy[0]
            view.listenerCount = 1
        } else if socket != nil, view.listenerCount > 1, let known = view.listener {
            // One of them has taken it, and what the others do from now on is nothing to it.
            listener = all.first { $0.inode == known.inode } ?? known
        } else {
            view.listenerCount = all.count
        }
        // What has no answer met the full queue that refused it, not the room that there is by now.
        view.hadFullQueue = false
        if isUnanswered, !listener.isFull, let known = view.listener, known.isFull,
            let now = all.first(where: { $0.inode == known.inode }), Self.hasRefused(now, view)
        {
            listener = now
            listener.receiveQueue = known.receiveQueue
            view.hadFullQueue = true
        }
        if listener.inode != view.listener?.inode {
            view.listenerProcess = nil
            view.listenerSharers = []
            view.listenerSharerCount = 0
            view.listenerHoldersSought = nil
            view.listenerDrops = (nil, nil, nil)
        }
        view.listener = listener
        view.listenerDrops.first = view.listenerDrops.first ?? listener.drops
        view.listenerDrops.now = listener.drops
    }

    /// Whether a listener has refused anything since the connection's first segment, or does not tell.
    private static func hasRefused(_ listener: KernelSocket, _ view: KernelSideView) -> Bool {
        guard let drops = listener.drops, let before = view.listenerDrops.before ?? view.listenerDrops.first else {
            return true
        }
        return drops > before
    }

    /// A server's socket that is open without an inode has not been accepted; with one, it has.
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
            if !view.reportedUnaccepted && snapshot.end.since(since) >= Self.patience {
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

    /// A process had the socket at this moment.
    static func noteAccepted(_ time: Timestamp, _ view: inout KernelSideView) {
        if view.firstAccepted.map({ time < $0 }) ?? true { view.firstAccepted = time }
    }

    /// Whether an event shows that a process has the socket: shutdown() or close() before its end. A child that is thrown away
    /// with its listener is closed in a system call, too, but never leaves its state by a FIN.
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

    /// Gives those that wait their places: the kernel hands out what was open first.
    mutating func placeInQueues(_ ids: [ConnectionID], _ timeline: borrowing Timeline) {
        var waiting: [SocketAddress: [(id: ConnectionID, open: Timestamp)]] = [:]
        for id in ids where look(id, { $0.responder.unacceptedSince != nil }) == true {
            let connection = timeline[id]
            guard connection.openDelay >= 0 else { continue }
            waiting[connection.tuple.destination, default: []].append(
                (id, connection.firstTime.advanced(by: connection.openDelay)))
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

extension KernelSocket {
    /// Whether it is open, and in a queue: no process has it.
    fileprivate var isUnaccepted: Bool { inode == 0 && (state == .established || state == .closeWait) }
}
