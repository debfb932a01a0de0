// Reads the kernel's socket tables when that is worthwhile, and joins their contents to the connections.

import Glibc
import KernelEvidence
import KernelSockets
import PacketSource
import TCPModel
import TCPTimeline

/// A reading of the kernel's sockets together with this host's addresses, in the form that the join takes.
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

/// The socket tables, the owners of sockets, and the schedule of readings.
struct KernelWatcher {
    /// While something is open, the tables are read at least this often, in nanoseconds.
    static let interval = 100 * Span.millisecond
    /// The interval when no state has changed for `quiet`, in nanoseconds: listing sockets costs milliseconds if the
    /// kernel's hash table is large. (Single look-ups cost microseconds.)
    static let quietInterval = 500 * Span.millisecond
    /// Time without a change of state after which readings become rarer, in nanoseconds.
    static let quiet = 2 * Span.second
    /// Reports do not wait for a reading that is further away than this, in nanoseconds.
    static let farOff = 250 * Span.millisecond
    /// The age up to which a connection counts as young, in nanoseconds.
    static let youth = 100 * Span.millisecond
    /// Readings may take at most one part in this many of the time: tables are slow on a host with very many sockets.
    static let share: Int64 = 5
    /// The share where tracepoints report changes: readings then add only what has no event.
    static let shareWithEvents: Int64 = 50
    /// With tracepoints: the most connections in one reading, so that it ends before the rings overflow. The others
    /// have their turn in the next reading.
    static let batch = 128
    /// The most sockets whose holders are looked up after one reading, and the most descriptors of one process that are
    /// listed: a few milliseconds at worst.
    static let holderLimit = (sockets: 16, listed: 1024)
    /// How long an event waits for the segment that it is about, in nanoseconds: a processor that is delayed while
    /// capturing it also delays the frames of all others.
    static let leadPatience = 30 * Span.millisecond
    /// The most ended connections to watch until the kernel drops their TIME_WAIT.
    static let crowd = 2048
    /// The most ports to which readings are restricted.
    static let portLimit = 16

    var join = KernelJoin()
    private var tables: SocketTables
    private var retries = RetryPace()
    /// Whether the latest reading failed, so that the snapshot has no meaning.
    private(set) var hasFailed = false
    var owners = ProcessOwners()
    var unseenOwners: UnseenOwners
    private var addresses = HostAddresses()
    var snapshot = SocketSnapshot()
    private let usesProcesses: Bool
    /// The traced command and its descendants, if there is a command.
    var family: CommandFamily?
    /// Those of them that called connect().
    var callers = CommandCallers()
    private var nextReading: Int64 = 0
    var searches = SearchPace()
    var listenerSearches = SearchPace()
    private var readsAll = false
    /// The connections covered by the latest reading; nil = all.
    var chosen: [ConnectionID]?
    /// The events of one turn; a property so that the memory is reused.
    var events: [SocketEvent] = []
    /// The cost of the latest reading so far, in nanoseconds.
    private var spent: Int64 = 0
    private var nextRoutine: Int64 = 0
    private var lastChange: Int64 = 0
    /// The reason for the first failure to read the tables.
    private var firstFailure: String?
    private var saidFailure = false
    private var saidWithoutSockDiag = false
    /// Whether a connection was forgotten whose socket had no known process, while some processes could not be
    /// inspected.
    private var leftWithoutProcess = false
    /// Records what is learned for the capture file, if one is written that can hold it.
    var recorder: KernelRecorder?
    /// The tracepoints.
    var trace: KernelTrace
    /// All events up to this moment have been collected; nil without tracepoints.
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

    /// Milliseconds until the next routine reading of the tables; nil if nothing is open.
    func milliseconds(until now: Int64, hasNewStates: Bool, _ timeline: borrowing Timeline) -> Int32? {
        guard hasNewStates || join.needsReading(timeline) else { return nil }
        let due = hasNewStates || hasYoung(timeline) ? nextReading : max(nextRoutine, nextReading)
        return Int32(clamping: max(0, due - now) / Span.millisecond + 1)
    }

    /// Whether to read now: states changed and the last reading has been paid for, or a routine reading is due.
    func isDue(_ now: Int64, hasNewStates: Bool, _ timeline: borrowing Timeline) -> Bool {
        guard now >= nextReading else { return false }
        return hasNewStates || hasYoung(timeline) || now >= nextRoutine && join.needsReading(timeline)
    }

    /// Whether a connection has just begun and its process is not yet known: accept() is about to follow.
    private func hasYoung(_ timeline: borrowing Timeline) -> Bool {
        usesProcesses && join.hasYoungWithoutProcess(Self.youth, at: wallClockNow(), timeline)
    }

    /// Whether the next reading is so far away that events are reported without it. Otherwise, on a host whose readings
    /// are expensive, all connections that end meanwhile would be kept.
    func isReadingFarOff(_ now: Int64) -> Bool { nextReading - now > Self.farOff }

    /// Makes the next reading happen at once, unpaid, and cover everything.
    mutating func expedite() {
        nextReading = 0
        searches = SearchPace()
        readsAll = true
    }

    mutating func watch(_ id: ConnectionID, _ timeline: borrowing Timeline) {
        let tuple = timeline.connections.name(of: id).tuple
        join.watch(id, timeline)
        addresses.note(tuple)
        recorder?.note(tuple, among: timeline.listening)
    }

    /// Where this host listens now; empty if that cannot be read.
    mutating func listeningEnds() -> ListeningEnds {
        var list = SocketSnapshot()
        try? tables.read(into: &list, wanted: [], ports: [], listening: [])
        var ends = ListeningEnds(of: addresses.current.all)
        for socket in list.sockets where socket.state == .listen { ends.insert(socket.local) }
        return ends
    }

    /// Notes that the responder of a connection sent its first text or FIN.
    mutating func noteAnswer(_ id: ConnectionID, _ time: Timestamp) { join.noteAnswer(id, time) }

    /// Notes that the client of a connection called the address `called`, which its socket has as its peer.
    mutating func note(_ id: ConnectionID, called: SocketAddress, _ timeline: borrowing Timeline) {
        join.note(id, called: called, timeline)
    }

    /// Whether this host has the address, in this network namespace.
    func isLocal(_ address: IPAddress) -> Bool { addresses.contains(address) }

    /// Drains the tracepoints' rings, between batches of frames, so that they do not overflow.
    mutating func collectEvents() {
        guard trace.isRunning else { return }
        collectedUpTo = wallClockNow()
        trace.collect()
    }

    /// Events later than this are not part of the trace, whose frames are no longer captured.
    var eventsEnd: Timestamp?
    /// Whether the capture has ended (`-c`) while the connections may continue: readings then provide owners, but not
    /// states.
    var isCaptureOver = false

    /// Stops the tracepoints, which makes their counts final.
    mutating func stopEvents() { trace.stop() }

    /// Whether events are being held that will be due in a few milliseconds.
    var holdsEvents: Bool { join.holdsEvents || join.seeksTranslated }

    /// Joins events at once from now on, because the trace is ending.
    mutating func hurryEvents() { join.leadPatience = 0 }

    /// Joins the collected events, and appends those to report to `said`. Every frame captured before must have been
    /// observed, unless the capture `isBehind`. Connections in `ending` are forgotten next.
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

    /// A sentence for the user, once, if some processes are not visible from this pid namespace.
    mutating func complaintOfOwners() -> String? { unseenOwners.complaint() }

    /// A sentence for the user if a processor came online.
    func complaintOfProcessors() -> String? { trace.complaintOfProcessors() }

    /// A sentence for the user, once, if the tables could not be read.
    mutating func complaintOfReading() -> String? {
        guard let firstFailure, !saidFailure else { return nil }
        saidFailure = true
        return "the kernel's view is missing: \(firstFailure); retrying"
    }

    /// A sentence for the user, once, if sock_diag failed.
    mutating func complaintOfTables() -> String? {
        guard !saidWithoutSockDiag, let reason = tables.firstFailure else { return nil }
        saidWithoutSockDiag = true
        return
            "\(reason): /proc/net/tcp is read until it answers again, which takes longer with many sockets, and"
            + " does not show whether a listener's queue is full"
    }

    /// Counts of what could not be read or was not understood so far.
    var faults: ReadingFaults {
        var faults = tables.faults
        // Refusals matter only if a socket was left without a process.
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

    /// Whether a socket of the connection belonged to a process that was not found.
    private func lacksProcess(_ id: ConnectionID) -> Bool {
        guard let view = join.view(id) else { return false }
        return [view.originator, view.responder].contains { side in
            side.process == nil && side.socket.map { $0.inode != 0 } == true
        }
    }

    /// Reads the tables. Everything captured before the reading ended must be observed before `reconcile`.
    mutating func read(_ timeline: borrowing Timeline, hasNewStates: Bool) {
        let start = monotonicNow()
        let used = processorTime()
        if hasNewStates { lastChange = start }
        addresses.refresh()
        // Without events, a list is cheaper than very many look-ups; with events, most connections need no look-up.
        chosen = trace.isRunning && !readsAll ? join.batch(timeline, limit: Self.batch) : nil
        let ports = join.responderPorts(of: chosen, timeline, limit: Self.portLimit)
        tables.interfaces = addresses.current.interfaces
        do throws(KernelViewError) {
            try tables.read(into: &snapshot, wanted: wanted(timeline), ports: ports, listening: listening(timeline))
            hasFailed = false
            retries.noteSuccess()
        } catch {
            // Memory or descriptors may run short for a moment: the reading is tried again, at first after a second.
            hasFailed = true
            firstFailure = firstFailure ?? error.description
            retries.note(start)
        }
        spent = processorTime() - used
        let interval = start - lastChange > Self.quiet ? Self.quietInterval : Self.interval
        nextRoutine = start + max(interval, spent * Self.share)
        payFor(spent)
    }

    /// Postpones the next reading until this one has been paid for.
    private mutating func payFor(_ nanoseconds: Int64) {
        let paid = monotonicNow() + nanoseconds * (trace.isRunning ? Self.shareWithEvents : Self.share)
        nextReading = max(paid, retries.next)
    }

    /// The ports of this host where a connection waits for an answer or for accept(): all listeners on them are read,
    /// however many share an address. Nil if there are none; empty if there are too many to pass to the kernel.
    private func listening(_ timeline: borrowing Timeline) -> [UInt16]? {
        let ports = Set(join.waitedFor(chosen, timeline).filter { addresses.contains($0.address) }.map(\.port))
        return ports.isEmpty ? nil : ports.count > Self.portLimit ? [] : ports.sorted()
    }

    /// Both endpoints of the chosen connections, as far as they are on this host; nil if there are too many to look up
    /// one by one.
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

    /// Joins the latest reading, then looks up owners that are still unknown.
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
        // Joining must be paid for as well: reading alone may be very cheap.
        payFor(spent + processorTime() - used)
        guard usesProcesses else { return events }
        // A process that has ended may have left its socket to a child, as a daemon does that goes into the background.
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

    /// From now on keeps what is learned for a capture file, until `writeRecords`.
    mutating func record() {
        recorder = KernelRecorder(hasEvents: trace.isRunning, namesUsers: usesProcesses)
        join.keepsJoined = trace.isRunning
    }

    /// Whether what is learned is kept for a capture file.
    var isRecording: Bool { recorder != nil }

    /// Records changes of the host's counters.
    mutating func note(_ change: HostCounterChange) { recorder?.note(change) }

    /// Records that the trace has reported something.
    mutating func note(_ telling: KernelTelling) { recorder?.note(.told(telling)) }

    /// Records the changes of the host's counters over the whole trace.
    mutating func note(total change: HostCounterChange) { recorder?.note(.total(change)) }

    /// Writes what was learned since the last call to the capture file, if there is one.
    mutating func writeRecords(to output: inout LiveOutput?) throws(TraceError) {
        do throws(CaptureWriteError) {
            for payload in recorder?.take() ?? [] { try output?.write(kernelRecord: payload) }
        } catch {
            throw .output(error)
        }
    }
}
