// Which processes cannot act on their connections although they should: they are stopped, or out of descriptors.

public import TCPModel

extension KernelJoin {
    /// The processes for which something waits: text, a FIN, or a connection to accept.
    /// The lowest pids, at most `limit`.
    public func processesToWaitFor(limit: Int) -> [Int32] {
        var pids: Set<Int32> = []
        for id in watched {
            _ = look(id) { view in
                for side in [view.originator, view.responder] {
                    if side.hasWaiting { pids.formUnion(side.processesToWaitFor.map(\.pid)) }
                }
            }
        }
        return Array(pids.sorted().prefix(limit))
    }

    /// The listening sockets of these processes at which connections wait to be accepted, by process;
    /// without those that are known to have other holders.
    public func listeners(of pids: Set<Int32>) -> [Int32: Set<UInt64>] {
        var listeners: [Int32: Set<UInt64>] = [:]
        for id in watched {
            _ = look(id) { view in
                let side = view.responder
                guard side.process == nil, side.listenerSharers.isEmpty, let pid = side.listenerProcess?.pid,
                    pids.contains(pid),
                    let listener = side.listener
                else { return }
                listeners[pid, default: []].insert(listener.inode)
            }
        }
        return listeners
    }

    /// Takes in which of them are in trouble; about all others that is no longer known. Returns whether that is news.
    @discardableResult public mutating func assign(troubled: [Int32: ProcessTrouble]) -> Bool {
        guard troubled != self.troubled else { return false }
        self.troubled = troubled
        noteTroubles(watched)
        return true
    }

    /// Updates these views with what is known of their processes.
    mutating func noteTroubles(_ ids: [ConnectionID]) {
        let troubled = troubled
        for id in ids {
            for side in [Side.originator, .responder] {
                update(id, side) { view in
                    // A process that shares the socket can act as well.
                    let isShared = !(view.process == nil ? view.listenerSharers : view.sharers).isEmpty
                    let all = view.processesToWaitFor
                    view.trouble = isShared ? nil : all.first.flatMap { troubled[$0.pid] }
                    view.troubledSharers =
                        isShared && view.process == nil
                        ? all.compactMap { process in troubled[process.pid].map { (process, $0) } } : []
                }
            }
        }
    }
}

extension KernelSideView {
    /// The processes that should read, close or accept: the one that has the socket or, before there is one,
    /// those that have the listener.
    fileprivate var processesToWaitFor: [ProcessIdentity] {
        if let process { return [process] }
        return listenerProcess.map { [$0] + listenerSharers.map(\.process) } ?? []
    }

    /// Whether something waits for its process.
    var hasWaiting: Bool {
        // Connections that have not been answered wait, too, behind a full queue.
        guard isPresent, let socket else { return listener?.receiveQueue ?? 0 > 0 }
        return socket.receiveQueue > 0 || socket.state == .closeWait || unacceptedSince != nil
    }
}
