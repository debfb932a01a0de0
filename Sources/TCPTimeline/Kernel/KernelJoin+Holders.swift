// All processes that hold a socket: who has it besides the one that is named, or instead of it.
//
// fork(2) gives a child every descriptor of its parent. A server that forks for each connection closes its own copy, and only the child
// is left; one that forgets to has its connections open after the child has closed them.

public import TCPModel

extension KernelJoin {
    /// The most other holders of a socket that are kept.
    public static let sharerLimit = 8

    /// A socket in CLOSE_WAIT waits for all who hold it to close: which of them has closed its copy no event tells, so that they are
    /// looked up again after so many nanoseconds.
    static let closingInterval = 2 * Span.second

    /// Sockets whose process is known and whose holders have not been looked up since their state changed, by process, each with its
    /// descriptor if that is known: at most `limit`; each is named once. Of these connections (nil = all), and only of those older
    /// than `youth` nanoseconds: most are over before that.
    public mutating func socketsToLookUp(
        of ids: [ConnectionID]? = nil, youth: Int64, at now: Timestamp, limit: Int, _ timeline: borrowing Timeline
    ) -> [Int32: [UInt64: Int32?]] {
        var wanted: [Int32: [UInt64: Int32?]] = [:]
        var count = 0
        for id in ids ?? watched where count < limit {
            guard now.since(timeline.firstTime(of: id)) >= youth else { continue }
            for side in [Side.originator, .responder] {
                update(id, side) { view in
                    guard view.isOwned, view.needsHolders(at: now), let socket = view.socket, let process = view.process
                    else { return }
                    view.holdersSought = now
                    wanted[process.pid, default: [:]].updateValue(view.descriptor, forKey: socket.inode)
                    count += 1
                }
            }
        }
        return wanted
    }

    /// The listeners at which something waits for accept(), by inode, each with the process that is named for it; unless their holders
    /// have just been looked up. Of these connections (nil = all), and only of those older than `youth` nanoseconds.
    public mutating func listenersToLookUp(
        of ids: [ConnectionID]? = nil, youth: Int64, at now: Timestamp, _ timeline: borrowing Timeline
    ) -> [UInt64: Int32] {
        var wanted: [UInt64: Int32] = [:]
        for id in ids ?? watched where now.since(timeline.firstTime(of: id)) >= youth {
            update(id, .responder) { view in
                guard view.needsListenerHolders(at: now), let listener = view.listener, listener.inode != 0,
                    let process = view.listenerProcess
                else { return }
                view.listenerHoldersSought = now
                wanted[listener.inode] = process.pid
            }
        }
        return wanted
    }

    /// The processes of these connections (nil = all) that are named, and could make room for others.
    public func namedProcesses(of ids: [ConnectionID]? = nil) -> Set<Int32> {
        var pids: Set<Int32> = []
        for id in ids ?? watched {
            _ = look(id) { view in
                for side in [view.originator, view.responder] where side.isOwned && !side.keepsProcess {
                    if let process = side.process { pids.insert(process.pid) }
                }
            }
        }
        return pids
    }

    /// These processes have ended: whoever has their sockets now is to be looked for.
    public mutating func noteGone(_ pids: Set<Int32>, of ids: [ConnectionID]? = nil) {
        guard !pids.isEmpty else { return }
        for id in ids ?? watched {
            for side in [Side.originator, .responder] {
                update(id, side) { view in
                    guard view.isOwned, !view.keepsProcess, let process = view.process, pids.contains(process.pid)
                    else { return }
                    view.isProcessStale = true
                }
            }
        }
    }

    /// Takes in who holds sockets of a process, by inode, the lowest pid first: nobody means neither the process nor whoever may have it
    /// from there. A process that holds its socket no more makes room for one that does, unless it keeps its place.
    public mutating func assign(
        holders: [UInt64: [SocketHolder]], of pid: Int32, _ ids: [ConnectionID]? = nil, time: Timestamp,
        source: KernelSource = .proc
    ) -> [KernelEvent] {
        var events: [KernelEvent] = []
        for id in ids ?? watched {
            for side in [Side.originator, .responder] {
                var isFound = false
                update(id, side) { view in
                    isFound = view.takeListenerHolders(holders, of: pid)
                    guard view.process?.pid == pid, view.isOwned, let socket = view.socket,
                        let all = holders[socket.inode]
                    else { return }
                    let own = all.first { $0.process.pid == pid }
                    let isKept = view.keepsProcess
                    let holder = own ?? (isKept ? nil : all.first)
                    let others = all.filter { $0.process.pid != holder?.process.pid }
                    view.sharers = Array(others.prefix(Self.sharerLimit))
                    view.sharerCount = others.count
                    guard let holder else {
                        view.isProcessStale = !isKept
                        return
                    }
                    view.descriptor = holder.descriptor
                    // The same one may have run another program since (execve(2)).
                    guard holder.process != view.process else { return }
                    view.process = holder.process
                    isFound = true
                    events.append(
                        KernelEvent(
                            connection: id, side: side, time: time, kind: .owner(holder.process), socket: socket,
                            process: holder.process, source: source))
                }
                if isFound { noteProcess(id, side) }
            }
        }
        return events
    }
}

extension KernelSideView {
    /// Whether its holders are to be looked up.
    fileprivate func needsHolders(at now: Timestamp) -> Bool {
        guard let holdersSought else { return true }
        return socket?.state == .closeWait && now.since(holdersSought) >= KernelJoin.closingInterval
    }

    /// The same of the listener's, while something waits for accept(): who forks workers need not accept itself, nor who starts a
    /// program with a listener.
    fileprivate func needsListenerHolders(at now: Timestamp) -> Bool {
        guard process == nil, hasWaiting else { return false }
        return listenerHoldersSought.map { now.since($0) >= KernelJoin.closingInterval } ?? true
    }

    /// Takes in who holds the listener of a process, if that is this side's; returns whether another process is named for it now.
    fileprivate mutating func takeListenerHolders(_ holders: [UInt64: [SocketHolder]], of pid: Int32) -> Bool {
        guard listenerProcess?.pid == pid, let listener, let all = holders[listener.inode],
            let named = all.first(where: { $0.process.pid == pid }) ?? all.first
        else { return false }
        let others = all.filter { $0.process.pid != named.process.pid }
        listenerSharers = Array(others.prefix(KernelJoin.sharerLimit))
        listenerSharerCount = others.count
        defer { listenerProcess = named.process }
        return listenerProcess != named.process
    }

    /// Whether the process that is named stays that, whoever has the socket: once this side has closed, the one that an event told
    /// acted for it. Before, who has it no more can do nothing for it.
    var keepsProcess: Bool {
        guard trace.isOwnerExact, let state = socket?.state else { return false }
        return state != .established && state != .closeWait
    }
}
