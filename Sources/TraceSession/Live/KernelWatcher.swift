// Reads the kernel's socket tables when it pays, and joins what they say to the connections.

import Glibc
import KernelEvidence
import KernelSockets
import TCPModel
import TCPTimeline

/// A reading of the kernel's sockets with this host's addresses, as the join wants it.
private struct TableReading: KernelSnapshot {
    let snapshot: SocketSnapshot
    let addresses: LocalAddresses
    let source: KernelSource

    var begin: Timestamp { snapshot.readBegan }
    var end: Timestamp { snapshot.readEnded }
    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        snapshot.socket(local: local, remote: remote)
    }
    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket] {
        snapshot.listeners(for: address, from: peer)
    }
    func listener(onPort port: UInt16) -> KernelSocket? {
        snapshot.sockets.first { $0.state == .listen && $0.local.port == port }
    }
    func isLocal(_ address: IPAddress) -> Bool { addresses.contains(address) }
}

/// The tables, the owners, and when to look again.
struct KernelWatcher {
    /// While something is open, the tables are read at least this often, in nanoseconds.
    static let interval = 100 * Span.millisecond
    /// The same when no state has changed for `quiet`: a list of sockets costs milliseconds where the kernel's hash table is
    /// large. (Single look-ups cost microseconds.)
    static let quietInterval = 500 * Span.millisecond
    /// No state has changed for so long, in nanoseconds.
    static let quiet = 2 * Span.second
    /// Reports do not wait for a reading that is further off than this, in nanoseconds.
    static let farOff = 250 * Span.millisecond
    /// How long a connection is young, in nanoseconds.
    static let youth = 100 * Span.millisecond
    /// Readings may take no more than one part in this many of the time: a host with very many sockets has slow tables.
    static let share: Int64 = 5
    /// The same where tracepoints tell what changes: readings only add what has no event.
    static let shareWithEvents: Int64 = 50
    /// With tracepoints: the most connections in one reading, so that it is over before the rings run full. The rest has its
    /// turn in the next one.
    static let batch = 128
    /// The most sockets whose holders are looked for after one reading, and the most of one process that are listed: a few milliseconds at
    /// worst.
    static let holderLimit = (sockets: 16, listed: 1024)
    /// How long an event waits for the segment that it tells of, in nanoseconds: a processor that was held up while it captured it has
    /// the frames of all others wait, too.
    static let leadPatience = 30 * Span.millisecond
    /// The most ended connections that are watched until the kernel drops their TIME_WAIT.
    static let crowd = 2048
    /// The most ports that readings are narrowed to.
    static let portLimit = 16

    private(set) var join = KernelJoin()
    private var tables: SocketTables
    private var retries = RetryPace()
    /// Whether the latest reading failed: the snapshot is of none.
    private(set) var hasFailed = false
    private var owners = ProcessOwners()
    private var unseenOwners: UnseenOwners
    private var addresses = HostAddresses()
    private var snapshot = SocketSnapshot()
    private let usesProcesses: Bool
    /// The command that is traced and its descendants, if there is one.
    private(set) var family: CommandFamily?
    /// Those of them that called connect().
    private(set) var callers = CommandCallers()
    private var nextReading: Int64 = 0
    private var searches = SearchPace()
    private var listenerSearches = SearchPace()
    private var readsAll = false
    /// The connections that the latest reading is of; nil = all.
    private var chosen: [ConnectionID]?
    /// The events of one turn: kept, because their memory is.
    private var events: [SocketEvent] = []
    /// What the latest reading took so far, in nanoseconds.
    private var spent: Int64 = 0
    private var nextRoutine: Int64 = 0
    private var lastChange: Int64 = 0
    /// Why the tables could not be read when they first could not.
    private var firstFailure: String?
    private var saidFailure = false
    private var saidWithoutSockDiag = false
    /// A connection was forgotten with a socket whose process was not found, while some processes refused.
    private var leftWithoutProcess = false
    /// What is learnt goes into the capture file, too, if one is written that has room for it.
    private var recorder: KernelRecorder?
    /// The tracepoints.
    private(set) var trace: KernelTrace
    /// Every event up to this moment has been collected; nil without tracepoints.
    private(set) var collectedUpTo: Timestamp?

    init(usesProcesses: Bool, filter: String, tables: SocketTables = SocketTables()) {
        self.usesProcesses = usesProcesses
        self.tables = tables
        unseenOwners = UnseenOwners(
            isPossible: usesProcesses && ProcessNamespace.isHosts() == false
                && Capabilities.effective().isSuperset(of: .owners))
        trace = KernelTrace(filter: filter, usesProcesses: usesProcesses)
        join.leadPatience = Self.leadPatience
    }

    /// Milliseconds until the tables should be read for the routine's sake; nil if nothing is open.
    func milliseconds(until now: Int64, hasNewStates: Bool, _ timeline: borrowing Timeline) -> Int32? {
        guard hasNewStates || join.needsReading(timeline) else { return nil }
        let due = hasNewStates || hasYoung(timeline) ? nextReading : max(nextRoutine, nextReading)
        return Int32(clamping: max(0, due - now) / Span.millisecond + 1)
    }

    /// Whether to read now: states changed and the last reading is paid for, or the routine is due.
    func isDue(_ now: Int64, hasNewStates: Bool, _ timeline: borrowing Timeline) -> Bool {
        guard now >= nextReading else { return false }
        return hasNewStates || hasYoung(timeline) || now >= nextRoutine && join.needsReading(timeline)
    }

    /// Whether a connection has just begun and a process is still to be found: accept() follows in a moment.
    private func hasYoung(_ timeline: borrowing Timeline) -> Bool {
        usesProcesses && join.hasYoungWithoutProcess(Self.youth, at: wallClockNow(), timeline)
    }

    /// Whether the next reading is so far off that what happened is told without it: else, on a host whose readings are dear, all
    /// that ended meanwhile would be kept.
    func isReadingFarOff(_ now: Int64) -> Bool { nextReading - now > Self.farOff }

    /// The next reading need not wait until the last one is paid for, and is of everything.
    mutating func expedite() {
        nextReading = 0
        searches = SearchPace()
        readsAll = true
    }

    mutating func watch(_ id: ConnectionID, _ timeline: borrowing Timeline) {
        join.watch(id, timeline)
        addresses.note(timeline.connections.name(of: id).tuple)
    }

    /// The responder of a connection sent its first text or FIN.
    mutating func noteAnswer(_ id: ConnectionID, _ time: Timestamp) { join.noteAnswer(id, time) }

    /// The client of a connection called this address: so its socket says.
    mutating func note(_ id: ConnectionID, called: SocketAddress, _ timeline: borrowing Timeline) {
        join.note(id, called: called, timeline)
    }

    /// Whether this host, in this network namespace, has the address.
    func isLocal(_ address: IPAddress) -> Bool { addresses.contains(address) }

    /// Empties the tracepoints' rings: between batches of frames, so that they do not run over meanwhile.
    mutating func collectEvents() {
        guard trace.isRunning else { return }
        collectedUpTo = wallClockNow()
        trace.collect()
    }

    /// What happens later than this is no part of the trace: its frames are not captured any more.
    var eventsEnd: Timestamp?
    /// Whether the capture has ended (`-c`) and the connections may have gone on: readings tell whose they are, and not where they got to.
    var isCaptureOver = false

    /// Ends the tracepoints: their counts are final then.
    mutating func stopEvents() { trace.stop() }

    /// Whether events wait, and are due in a few milliseconds.
    var holdsEvents: Bool { join.holdsEvents || join.seeksTranslated }

    /// From now on events are joined at once: it is the end.
    mutating func hurryEvents() { join.leadPatience = 0 }

    /// Joins what was collected, and appends what is to be told of it to `said`. Every frame captured before must have been
    /// observed, unless the capture `isBehind`. Connections that are `ending` are forgotten next.
    mutating func takeEvents(
        _ timeline: inout Timeline, _ said: inout [KernelEvent], tellsAll: Bool, isBehind: Bool,
        ending: [ConnectionID]
    ) {
        guard trace.isRunning else { return }
        trace.read(into: &events)
        if let eventsEnd { events.removeAll { $0.time > eventsEnd } }
        if !usesProcesses { for index in events.indices { events[index].forgetProcess() } }
        noteCallers()
        let now = wallClockNow()
        join.take(events, now: now, &timeline, &said, tellsAll: tellsAll, isBehind: isBehind, ending: ending)
        if recorder != nil {
            let joined = join.takeJoined()
            if !joined.isEmpty { recorder?.note(.events(joined, taken: now)) }
        }
        events.removeAll(keepingCapacity: true)
    }

    /// A sentence for the user if events were lost.
    mutating func complaintOfLoss() -> String? { trace.complaintOfLoss() }

    /// A sentence for the user, once, if processes cannot be seen from here.
    mutating func complaintOfOwners() -> String? { unseenOwners.complaint() }

    /// A sentence for the user if a processor was switched on.
    func complaintOfProcessors() -> String? { trace.complaintOfProcessors() }

    /// A sentence for the user, once, if nothing could be read.
    mutating func complaintOfReading() -> String? {
        guard let firstFailure, !saidFailure else { return nil }
        saidFailure = true
        return "the kernel's view is missing: \(firstFailure); it is tried again"
    }

    /// A sentence for the user, once, if sock_diag failed.
    mutating func complaintOfTables() -> String? {
        guard !saidWithoutSockDiag, let reason = tables.firstFailure else { return nil }
        saidWithoutSockDiag = true
        return
            "\(reason): /proc/net/tcp is read while it does not answer, which takes longer where there are many sockets, and"
            + " does not tell whether a listener's queue is full"
    }

    /// What could not be read, or was not understood, so far.
    var faults: ReadingFaults {
        var faults = tables.faults
        // Who refuses matters only where somebody's socket was left without a process.
        let denied = owners.counts.mostDenied
        faults.hiddenProcesses =
            denied > 0 && (leftWithoutProcess || join.watched.contains(where: lacksProcess)) ? denied : 0
        faults.lostEvents = trace.counts.lost
        faults.malformedEvents = trace.counts.damaged
        return faults
    }

    mutating func forget(_ id: ConnectionID) {
        if owners.counts.mostDenied > 0 && !leftWithoutProcess {
            leftWithoutProcess = lacksProcess(id)
        }
        join.forget(id)
    }

    /// Whether a socket of the connection belonged to somebody who was not found.
    private func lacksProcess(_ id: ConnectionID) -> Bool {
        guard let view = join.view(id) else { return false }
        return [view.originator, view.responder].contains { side in
            side.process == nil && side.socket.map { $0.inode != 0 } == true
        }
    }

    /// Reads the tables. Everything captured up to its end must be observed before `reconcile`.
    mutating func read(_ timeline: borrowing Timeline, hasNewStates: Bool) {
        let start = monotonicNow()
        let used = processorTime()
        if hasNewStates { lastChange = start }
        addresses.refresh()
        // Without events a list is cheaper than very many look-ups; with them most need none.
        chosen = trace.isRunning && !readsAll ? join.batch(timeline, limit: Self.batch) : nil
        let ports = join.responderPorts(of: chosen, timeline, limit: Self.portLimit)
        tables.interfaces = addresses.current.interfaces
        do throws(KernelViewError) {
            try tables.read(into: &snapshot, wanted: wanted(timeline), ports: ports, listening: listening(timeline))
            hasFailed = false
            retries.noteSuccess()
        } catch {
            // Memory or descriptors may be short for a moment: it is tried again, at first after a second.
            hasFailed = true
            firstFailure = firstFailure ?? error.description
            retries.note(start)
        }
        spent = processorTime() - used
        let interval = start - lastChange > Self.quiet ? Self.quietInterval : Self.interval
        nextRoutine = start + max(interval, spent * Self.share)
        payFor(spent)
    }

    /// The next reading waits until this one is paid for.
    private mutating func payFor(_ nanoseconds: Int64) {
        let paid = monotonicNow() + nanoseconds * (trace.isRunning ? Self.shareWithEvents : Self.share)
        nextReading = max(paid, retries.next)
    }

    /// The ports of this host where somebody waits for an answer or for accept(): of them all listeners are read, however many
    /// share an address. Nil if nobody waits; empty if there are too many to be told to the kernel.
    private func listening(_ timeline: borrowing Timeline) -> [UInt16]? {
        let ports = Set(join.waitedFor(chosen, timeline).filter { addresses.contains($0.address) }.map(\.port))
        return ports.isEmpty ? nil : ports.count > Self.portLimit ? [] : ports.sorted()
    }

    /// Both ends of every connection in question that are on this host; nil if there are too many to be looked up one by one.
    private func wanted(_ timeline: borrowing Timeline) -> [WantedSocket]? {
        let quietSince = wallClockNow().advanced(by: -Self.youth)
        let ends =
            chosen.map { join.ends(of: $0, quietSince: quietSince, timeline) }
            ?? join.watchedEnds(timeline, limit: SocketTables.lookUpLimit / 2)
        return ends?.compactMap { end in
            guard addresses.contains(end.tuple.source.address) else { return nil }
            return WantedSocket(
                end.tuple, isExpected: end.isExpected, isOpen: end.isOpen, interface: end.interface)
        }
    }

    /// Joins the latest reading, then looks up the owners that are still unknown.
    mutating func reconcile(_ timeline: inout Timeline) -> [KernelEvent] {
        if hasFailed { return [] }
        let used = processorTime()
        let source: KernelSource = tables.usesSockDiag ? .sockDiag : .proc
        let reading = TableReading(snapshot: snapshot, addresses: addresses.current, source: source)
        var events: [KernelEvent]
        if isCaptureOver {
            let past = PastReading(reading, of: chosen ?? join.watched, timeline)
            chosen = past.connections
            events = reconcile(past, &timeline)
        } else {
            events = reconcile(reading, &timeline)
        }
        // Joining is to be paid for as well: reading alone may be very cheap.
        payFor(spent + processorTime() - used)
        guard usesProcesses else { return events }
        // One that has ended may have left its socket to a child, as one does that goes to the background.
        if join.count <= Self.batch { join.noteGone(owners.gone(among: join.namedProcesses(of: chosen)), of: chosen) }
        events += findOwners(source)
        events += findHolders(timeline, source)
        events += findListenersHolders(timeline, source)
        lookForTroubled()
        judgeProcesses()
        return events
    }

    private mutating func reconcile(_ reading: some KernelSnapshot, _ timeline: inout Timeline) -> [KernelEvent] {
        if recorder != nil { recorder?.note(reading, of: join.connectionsRead(of: chosen, timeline)) }
        return join.reconcile(reading, of: chosen, &timeline)
    }

    /// Looks for the processes that are still unknown. Under a flood events name them, and all of /proc is read but rarely.
    private mutating func findOwners(_ source: KernelSource) -> [KernelEvent] {
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

    /// These hold the sockets.
    private mutating func name(_ found: [UInt64: SocketOwner], _ source: KernelSource) -> [KernelEvent] {
        if recorder != nil, !found.isEmpty {
            let holders = found.mapValues { SocketHolder(process: $0.process, descriptor: $0.descriptor) }
            recorder?.note(.owners(holders, time: snapshot.readEnded, source: source))
        }
        return join.assign(
            found.mapValues { $0.process }, descriptors: found.mapValues { $0.descriptor }, of: chosen,
            time: snapshot.readEnded, source: source)
    }

    /// Who else holds a socket, or instead of its process, is looked up once the connection has lasted a while, and whenever its state
    /// has changed, only while few are at work.
    private mutating func findHolders(_ timeline: borrowing Timeline, _ source: KernelSource) -> [KernelEvent] {
        guard join.count <= Self.batch else { return [] }
        let wanted = join.socketsToLookUp(
            of: chosen, youth: Self.youth, at: snapshot.readEnded, limit: Self.holderLimit.sockets, timeline)
        var events: [KernelEvent] = []
        for (pid, sockets) in wanted {
            let found = owners.holders(of: sockets, near: pid, limit: Self.holderLimit.listed).mapValues {
                $0.map { SocketHolder(process: $0.process, descriptor: $0.descriptor) }
            }
            recorder?.note(.holders(found, of: pid, time: snapshot.readEnded, source: source))
            events += join.assign(holders: found, of: pid, chosen, time: snapshot.readEnded, source: source)
        }
        return events
    }

    /// Everybody who holds a listener at which something waits: not only kin may, for systemd starts services with listeners of its own.
    private mutating func findListenersHolders(
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
                $0.map { SocketHolder(process: $0.process, descriptor: $0.descriptor) }
            }
            recorder?.note(.holders(held, of: pid, time: snapshot.readEnded, source: source))
            events += join.assign(holders: held, of: pid, chosen, time: snapshot.readEnded, source: source)
        }
        return events
    }

    /// Those for whom something waits may be stopped, or out of descriptors: then there is more to say than that they do nothing.
    private mutating func lookForTroubled() {
        // Where there is a crowd nobody is looked at, and nobody is known to be.
        let asked = join.count <= Self.batch ? join.processesToWaitFor(limit: Self.holderLimit.sockets) : []
        var found = owners.troubled(among: asked)
        // A listener that others have, too, as workers do that a master forks, they can accept from.
        for (pid, inodes) in join.listeners(of: Set(found.keys)) {
            let sought = Dictionary(uniqueKeysWithValues: inodes.map { ($0, Int32?.none) })
            let others = owners.holders(of: sought, near: pid).values.joined().map(\.process.pid).filter { $0 != pid }
            if others.count > owners.troubled(among: others).count { found[pid] = nil }
        }
        guard join.assign(troubled: found) else { return }
        recorder?.note(.troubled(found, time: snapshot.readEnded))
    }

    /// From now on what is learnt is kept for a capture file, until `takeRecords`.
    mutating func record() {
        recorder = KernelRecorder(hasEvents: trace.isRunning, namesUsers: usesProcesses)
        join.keepsJoined = trace.isRunning
    }

    /// Whether what is learnt is kept so.
    var isRecording: Bool { recorder != nil }

    /// The host's counters moved.
    mutating func note(_ change: HostCounterChange) { recorder?.note(change) }

    /// Something was told.
    mutating func note(_ telling: KernelTelling) { recorder?.note(.told(telling)) }

    /// They moved so much in the whole trace.
    mutating func note(total change: HostCounterChange) { recorder?.note(.total(change)) }

    /// The blocks for what was learnt since the last call.
    mutating func takeRecords() -> [[UInt8]] { recorder?.take() ?? [] }

    /// From now on this process and its descendants are the command that is traced.
    mutating func follow(_ command: Int32) {
        family = CommandFamily(of: command, startedBy: getpid())
        trace.follow(command)
    }

    /// These descendants of the command have ended, and what they did is still to be read.
    mutating func remember(ofCommand ended: [Int32]) {
        for pid in ended { family?.remember(pid, at: monotonicNow()) }
    }

    /// With a command: who of its own has called connect().
    private mutating func noteCallers() {
        // Taken out and put back, as below.
        guard var members = family.take() else { return }
        let now = monotonicNow()
        for event in events where event.kind == .transition(from: .closed, to: .synSent) && event.isProcessContext {
            callers.note(event.pid, isElsewhere: false)
        }
        for pid in trace.takeCallersElsewhere() { callers.note(pid, isElsewhere: true) }
        callers.judge { pid in
            members.contains(pid, at: now, recorded: trace.kinship(of: pid)) { owners.lineage(of: $0) }
        }
        family = members
    }

    /// With a command: which of the processes found are its own.
    mutating func judgeProcesses() {
        // Taken out and put back: asking changes it.
        guard var members = family.take() else { return join.judgeNobody() }
        let now = monotonicNow()
        join.judge { pid in
            members.contains(pid, at: now, recorded: trace.kinship(of: pid)) { owners.lineage(of: $0) }
        }
        family = members
    }
}
