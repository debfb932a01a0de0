// Finds the processes that hold the sockets, and those of them that cannot act.

import Glibc
import KernelEvidence
import KernelSockets
import TCPModel
import TCPTimeline

extension KernelWatcher {
    /// Looks for processes that are still unknown. Under a flood, events name them, and all of /proc is searched only
    /// rarely.
    mutating func findOwners(_ source: KernelSource) -> [KernelEvent] {
        let start = monotonicNow()
        guard searches.isDue(start, isCrowd: trace.isRunning && join.count > Self.batch) else { return [] }
        let unknown = join.inodesWithoutProcess(of: chosen)
        guard !unknown.isEmpty else { return [] }
        let used = processorTime()
        if let family { owners.expect([family.command] + owners.descendants(of: getpid())) }
        let found = owners.owners(of: unknown)
        unseenOwners.note(sought: unknown, found: found.keys)
        searches.note(start: start, now: monotonicNow(), cost: processorTime() - used)
        return name(found, source)
    }

    /// Assigns the sockets to the processes found to hold them.
    private mutating func name(_ found: [UInt64: SocketOwner], _ source: KernelSource) -> [KernelEvent] {
        if recorder != nil, !found.isEmpty {
            let holders = found.mapValues(\.holder)
            recorder?.note(.owners(holders, time: snapshot.readEnded, source: source))
        }
        return join.assign(
            found.mapValues { $0.process }, descriptors: found.mapValues { $0.descriptor }, of: chosen,
            time: snapshot.readEnded, source: source)
    }

    /// Looks up other holders of a socket, next to its process or instead of it: once the connection has lasted a
    /// while, and whenever its state has changed; only while few connections are watched.
    mutating func findHolders(_ timeline: borrowing Timeline, _ source: KernelSource) -> [KernelEvent] {
        guard join.count <= Self.batch else { return [] }
        let wanted = join.socketsToLookUp(
            of: chosen, youth: Self.youth, at: snapshot.readEnded, limit: Self.holderLimit.sockets, timeline)
        var events: [KernelEvent] = []
        for (pid, sockets) in wanted {
            let found = owners.holders(of: sockets, near: pid, limit: Self.holderLimit.listed).mapValues {
                $0.map(\.holder)
            }
            recorder?.note(.holders(found, of: pid, time: snapshot.readEnded, source: source))
            events += join.assign(holders: found, of: pid, chosen, time: snapshot.readEnded, source: source)
        }
        return events
    }

    /// Looks up all holders of a listener where something is waiting. They need not be related: systemd starts services
    /// with listeners of its own.
    mutating func findListenersHolders(
        _ timeline: borrowing Timeline, _ source: KernelSource
    ) -> [KernelEvent] {
        let start = monotonicNow()
        guard join.count <= Self.batch, listenerSearches.isDue(start, isCrowd: true) else { return [] }
        let wanted = join.listenersToLookUp(of: chosen, youth: Self.youth, at: snapshot.readEnded, timeline)
        guard !wanted.isEmpty else { return [] }
        let used = processorTime()
        let found = owners.allOwners(of: Set(wanted.keys))
        listenerSearches.note(start: start, now: monotonicNow(), cost: processorTime() - used)
        var events: [KernelEvent] = []
        for pid in Set(wanted.values).sorted() {
            let held = found.filter { wanted[$0.key] == pid }.mapValues {
                $0.map(\.holder)
            }
            recorder?.note(.holders(held, of: pid, time: snapshot.readEnded, source: source))
            events += join.assign(holders: held, of: pid, chosen, time: snapshot.readEnded, source: source)
        }
        return events
    }

    /// Finds processes that are stopped or out of descriptors while something waits for them, which explains why they
    /// do nothing.
    mutating func lookForTroubled() {
        // In a crowd no process is examined, and none is known to be troubled.
        let asked = join.count <= Self.batch ? join.processesToWaitFor(limit: Self.holderLimit.sockets) : []
        var found = owners.troubled(among: asked)
        // Other holders can accept from a shared listener, such as the workers forked by a master; one that is not
        // troubled suffices.
        for (pid, inodes) in join.listeners(of: Set(found.keys)) {
            let sought = Dictionary(uniqueKeysWithValues: inodes.map { ($0, Int32?.none) })
            let others = owners.holders(of: sought, near: pid).values.joined().map(\.process.pid).filter { $0 != pid }
            if others.count > owners.troubled(among: others).count { found[pid] = nil }
        }
        guard join.assign(troubled: found) else { return }
        recorder?.note(.troubled(found, time: snapshot.readEnded))
    }
}

extension SocketOwner {
    /// This owner as the timeline knows it.
    fileprivate var holder: SocketHolder { SocketHolder(process: process, descriptor: descriptor) }
}
