// All processes that hold a socket, besides the named one or instead of it.
//
// fork(2) gives a child every descriptor of its parent. A server that forks for each connection closes its own copy,
// and only the child's is left; if it forgets to, its connections stay open after the child has closed them.

public import TCPModel

extension KernelJoin {
    /// The most other holders of a socket that are kept.
    public static let sharerLimit = 8

    /// A socket in CLOSE_WAIT waits until all its holders have closed it. No event reports which of them has closed its
    /// copy, so the holders are looked up again after this many nanoseconds.
    static let closingInterval = 2 * Span.second

    /// Sockets whose process is known and whose holders have not been looked up since their state changed, by process,
    /// each with its descriptor if that is known. At most `limit` sockets, each only once, of these connections (nil =
    /// all), and only of connections older than `youth` nanoseconds: most end before that.
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

    /// The listeners at which something waits for accept(), by inode, each with its named process;
    /// without those whose holders were looked up just now. Only for these connections (nil = all),
    /// and only if older than `youth` nanoseconds.
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

    /// The named processes of these connections (nil = all) that others may replace.
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

    /// These processes have ended: their sockets' present holders must be looked up.
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

    /// Takes in the holders of a process's sockets, by inode, the lowest pid first. An empty list means that neither
    /// the process nor any that may have got the socket from it holds it. A process that no longer holds its socket
    /// gives way to one that does, unless it keeps its place.
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
                    // The same process may have run another program since (execve(2)).
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
    /// Whether its holders must be looked up.
    fileprivate func needsHolders(at now: Timestamp) -> Bool {
        guard let holdersSought else { return true }
        return socket?.state == .closeWait && now.since(holdersSought) >= KernelJoin.closingInterval
    }

    /// Whether the listener's holders must be looked up, while something waits for accept(): a process that forks
    /// workers, or starts a program with a listener, need not accept itself.
    fileprivate func needsListenerHolders(at now: Timestamp) -> Bool {
        guard process == nil, hasWaiting else { return false }
        return listenerHoldersSought.map { now.since($0) >= KernelJoin.closingInterval } ?? true
    }

    /// Takes in the holders of a process's listener, if it is this side's;
    /// returns whether another process is now named for it.
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

    /// Whether the named process stays, whoever holds the socket: once this side has closed, the process reported by an
    /// event acted for it. Before that, a process that no longer holds the socket can do nothing for it.
    var keepsProcess: Bool {
        guard trace.isOwnerExact, let state = socket?.state else { return false }
        return state != .established && state != .closeWait
    }
}
