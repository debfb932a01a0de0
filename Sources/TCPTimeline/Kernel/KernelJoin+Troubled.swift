// Which processes that ought to do something for their connections cannot: they are stopped, or out of descriptors.

public import TCPModel

extension KernelJoin {
    /// The processes for which something waits: text, a FIN, or a connection to be accepted. The lowest pids, at most `limit`.
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

    /// The listening sockets of these processes at which connections wait to be accepted, by process; but for those of which others are
    /// known that hold them.
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

    /// Takes in which of them are troubled; of all others that is not known any more. Returns whether that is news.
    @discardableResult public mutating func assign(troubled: [Int32: ProcessTrouble]) -> Bool {
        guard troubled != self.troubled else { return false }
        self.troubled = troubled
        noteTroubles(watched)
        return true
    }

    /// Views have what is known of their processes by now.
    mutating func noteTroubles(_ ids: [ConnectionID]) {
        let troubled = troubled
        for id in ids {
            for side in [Side.originator, .responder] {
                update(id, side) { view in
                    // Who shares the socket can do it as well.
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
    /// Who is to read, close or accept: the process that has the socket, or those that have the listener before somebody has it.
    fileprivate var processesToWaitFor: [ProcessIdentity] {
        if let process { return [process] }
        return listenerProcess.map { [$0] + listenerSharers.map(\.process) } ?? []
    }

    /// Whether something waits for it.
    var hasWaiting: Bool {
        // Those that are still to be answered do, too, behind a queue that is full.
        guard isPresent, let socket else { return listener?.receiveQueue ?? 0 > 0 }
        return socket.receiveQueue > 0 || socket.state == .closeWait || unacceptedSince != nil
    }
}
