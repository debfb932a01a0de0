// The process named for each socket: looked up if none is known, or if the known one has ended.

public import TCPModel

extension KernelJoin {
    /// Whether a connection younger than `age` nanoseconds at `now` has a local end without a process.
    public func hasYoungWithoutProcess(_ age: Int64, at now: Timestamp, _ timeline: borrowing Timeline) -> Bool {
        for id in views.youngestFirst {
            if now.since(timeline.firstTime(of: id)) >= age { return false }
            if views.look(id, { $0.originator.process == nil || $0.responder.process == nil }) == true { return true }
        }
        return false
    }

    /// Inodes whose process is not known yet, or has ended, for these connections (nil = all).
    public func inodesWithoutProcess(of ids: [ConnectionID]? = nil) -> Set<UInt64> {
        var inodes: Set<UInt64> = []
        for id in ids ?? views.ids {
            _ = views.look(id) { view in
                for side in [view.originator, view.responder] {
                    if let socket = side.socket, side.isPresent, socket.inode != 0,
                        side.process == nil || side.isProcessStale
                    {
                        inodes.insert(socket.inode)
                    }
                    if let listener = side.listener, listener.inode != 0, side.listenerProcess == nil {
                        inodes.insert(listener.inode)
                    }
                    if let listener = side.elsewhere, listener.inode != 0, side.elsewhereProcess == nil {
                        inodes.insert(listener.inode)
                    }
                }
            }
        }
        return inodes
    }

    /// Takes in the owners found for these connections (nil = all); `source` says where the inodes come from. Owners
    /// are sought where none is known, or the known one has ended.
    public mutating func assign(
        _ owners: [UInt64: ProcessIdentity], descriptors: [UInt64: Int32] = [:], of ids: [ConnectionID]? = nil,
        time: Timestamp, source: KernelSource = .proc
    ) -> [KernelEvent] {
        var events: [KernelEvent] = []
        for id in ids ?? views.ids {
            for side in [Side.originator, .responder] {
                var isFound = false
                update(id, side) { view in
                    if let listener = view.listener, view.listenerProcess == nil,
                        let process = owners[listener.inode]
                    {
                        view.listenerProcess = process
                        isFound = true
                    }
                    if let listener = view.elsewhere, view.elsewhereProcess == nil {
                        view.elsewhereProcess = owners[listener.inode]
                    }
                    guard let socket = view.socket, view.isPresent, let process = owners[socket.inode],
                        view.process == nil || view.isProcessStale || process != view.process && !view.keepsProcess
                    else { return }
                    if let own = view.sharers.firstIndex(where: { $0.process == process }) {
                        view.sharers.remove(at: own)
                        view.sharerCount -= 1
                    }
                    view.process = process
                    view.isProcessStale = false
                    isFound = true
                    view.descriptor = descriptors[socket.inode]
                    events.append(
                        KernelEvent(
                            connection: id, side: side, time: time, kind: .owner(process), socket: socket,
                            process: process, source: source))
                }
                if isFound { noteProcess(id, side) }
            }
        }
        return events
    }
}
