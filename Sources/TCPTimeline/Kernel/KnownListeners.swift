// What is known of listening sockets, which are not watched: where each listens, who closed one, and what they refused.

import TCPModel

/// The listeners that events and readings reported.
struct KnownListeners {
    /// Each of the tables below is emptied when it reaches this many entries.
    private static let limit = 4096
    /// How long closing a listener with a full queue may take, in nanoseconds.
    private static let closingTime = 100 * Span.millisecond

    /// Where they listen, by their sockets' addresses in kernel memory.
    private var addresses: [UInt64: SocketAddress] = [:]
    /// Who closed the latest listener of a port, and when.
    private var closings: [UInt16: Closing] = [:]
    /// How many SYNs and handshakes they had refused at the latest reading and at the one before, by inode.
    private var refusals: [UInt64: Refusals] = [:]

    /// The end of a listener.
    struct Closing: BitwiseCopyable {
        var pid: Int32
        var time: Timestamp
        var socket: UInt64
        /// Whether a connection in its queue was reset with it.
        var hasReset = false
        /// Whether its memory was released.
        var isFreed = false
    }

    private struct Refusals: BitwiseCopyable {
        var latest: (time: Timestamp, count: UInt32)
        var earlier: (time: Timestamp, count: UInt32)?
    }

    // MARK: Events

    /// Takes in an event; returns whether it reports that a socket begins to listen, stops listening,
    /// or is released after that.
    mutating func note(_ event: SocketEvent) -> Bool {
        switch event.kind {
        case .transition(.closed, .listen):
            addresses[event.socket] = nil
            learn(event.socket, event.local)
            return true
        case .transition(.listen, .closed):
            addresses[event.socket] = nil
            if closings.count >= Self.limit { closings.removeAll(keepingCapacity: true) }
            closings[event.local.port] = Closing(pid: event.pid, time: event.time, socket: event.socket)
            return true
        case .destroyed:
            guard event.socket != 0, let closing = closings[event.local.port], closing.socket == event.socket,
                !closing.isFreed, closing.pid == event.pid, isJustAfter(closing, event)
            else { return false }
            closings[event.local.port]?.isFreed = true
            return true
        case .transition, .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .socketError, .dropped:
            return false
        }
    }

    /// Notes where the socket at this address in memory listens.
    mutating func learn(_ socket: UInt64, _ address: SocketAddress) {
        if addresses.count >= Self.limit { addresses.removeAll(keepingCapacity: true) }
        if addresses[socket] == nil { addresses[socket] = address }
    }

    /// Where the socket at this address in memory listens, as far as known.
    func address(of socket: UInt64) -> SocketAddress? { addresses[socket] }

    /// The closing of the listener, if a RST was sent by the process that had just closed the listener of its port:
    /// closing resets the connections in the listener's queue, within the same system call.
    mutating func closingCaused(_ event: SocketEvent) -> Closing? {
        guard case .resetSent = event.kind, let closing = closings[event.local.port], closing.pid == event.pid,
            isJustAfter(closing, event)
        else { return nil }
        closings[event.local.port]?.hasReset = true
        return closing
    }

    /// Whether closing this event's listener reset connections that waited in its queue.
    func hasReset(with event: SocketEvent) -> Bool { closings[event.local.port]?.hasReset == true }

    private func isJustAfter(_ closing: Closing, _ event: SocketEvent) -> Bool {
        (0...Self.closingTime).contains(event.time.since(closing.time))
    }

    // MARK: Readings

    /// Compares what listeners have refused with their counts when each connection began. The kernel counts
    /// refusals per listener; in total it counts only overflows. `time` is when the reading was complete:
    /// everything it counted had happened by then.
    mutating func noteRefusals(
        _ ids: [ConnectionID], _ time: Timestamp, _ views: inout KernelViews, _ timeline: borrowing Timeline
    ) {
        var new: [UInt64: UInt32] = [:]
        for id in ids {
            let first = timeline[id].firstTime
            views.update(id, .responder) { view in
                guard let listener = view.listener, let count = listener.drops, listener.inode != 0 else { return }
                new[listener.inode] = max(count, new[listener.inode] ?? 0)
                guard view.listenerDrops.before == nil, let known = refusals[listener.inode] else { return }
                view.listenerDrops.before =
                    known.latest.time <= first
                    ? known.latest.count : known.earlier.flatMap { $0.time <= first ? $0.count : nil }
            }
        }
        if refusals.count + new.count > Self.limit { refusals.removeAll(keepingCapacity: true) }
        for (inode, count) in new {
            let before = refusals[inode]?.latest
            // A view that this reading does not cover has an older count.
            if let before, before.count > count { continue }
            refusals[inode] = Refusals(latest: (time, count), earlier: before)
        }
    }
}

extension SocketAddress {
    /// Whether a listener at this address takes a SYN for `target`.
    func takes(_ target: SocketAddress) -> Bool {
        port == target.port && (address == target.address || address == .anyV4 || address == .anyV6)
    }
}
