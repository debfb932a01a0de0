// Replay: joins a capture file's kernel records to its connections, as the live trace did that wrote the file.

import KernelEvidence
import TCPModel
import TCPTimeline

/// The kernel's side of a replay.
struct RecordedKernel {
    /// Counts of kernel records, and of those that were not understood.
    struct Counts {
        var joined: UInt64 = 0
        var damaged: UInt64 = 0
        /// Records ignored by a replay that is divided by flows.
        var left: UInt64 = 0
        /// The fault of the first record that was not understood.
        var fault: KernelRecordFault?
    }

    private var decoder = KernelRecordDecoder()
    private var join = KernelJoin()
    /// The latest connection of each flow.
    private var current: [FlowKey: ConnectionID] = [:]
    /// The connections of the latest reading: processes that are named next hold their sockets.
    private var latest: [ConnectionID] = []
    /// The beginning of a reading whose continuation is still to come.
    private var begun: KernelReading?
    /// Ended connections that the trace had not reported yet, in the order of their ends.
    private var ended = ReportedQueue()
    /// Ended connections whose end the kernel denied, until the next reading, as in `LiveTracer`.
    private var postponed: [ReportedQueue.Entry] = []
    /// Connections that were ever in `ended`.
    private var hasEnded: Set<ConnectionID> = []
    /// What was known of connections when the trace reported them.
    private var reports: [ConnectionID: Report] = [:]

    /// The state of a connection when the trace reported it.
    struct Report {
        let view: KernelView
        /// The connection as it was then.
        let record: KnownConnections.Record
        /// When it was reported.
        let time: Timestamp
    }

    /// A reading with this many connections is joined although it announces more.
    private static let readingLimit = 1 << 17
    private let usesProcesses: Bool
    private(set) var counts = Counts()
    /// The changes of the host's counters over the latest trace that was completed.
    private(set) var total: HostCounterChange?

    init(usesProcesses: Bool) {
        self.usesProcesses = usesProcesses
        join.remembersReadings = true
    }

    func view(_ id: ConnectionID) -> KernelView? { join.view(id) }

    /// The state of a connection when the trace reported it. Nil if the connection was open then, or if it had segments
    /// since: those count, and so do the kernel's events on them.
    func report(_ id: ConnectionID, _ timeline: borrowing Timeline) -> Report? {
        guard let report = reports[id], report.record.connection.lastTime == timeline[id].lastTime else { return nil }
        return report
    }

    /// Watches a connection that has begun.
    mutating func watch(_ id: ConnectionID, _ timeline: borrowing Timeline) {
        join.watch(id, timeline)
        current[FlowKey(timeline.connections.name(of: id).tuple)] = id
    }

    /// Notes that the responder of a connection sent its first text or FIN.
    mutating func noteAnswer(_ id: ConnectionID, _ time: Timestamp) { join.noteAnswer(id, time) }

    /// Notes that the client of a connection called the address `called`.
    mutating func note(_ id: ConnectionID, called: SocketAddress, _ timeline: borrowing Timeline) {
        join.note(id, called: called, timeline)
    }

    /// Forgets a connection.
    mutating func forget(_ id: ConnectionID, _ timeline: borrowing Timeline) {
        join.forget(id)
        let key = FlowKey(timeline.connections.name(of: id).tuple)
        if current[key] == id { current[key] = nil }
        reports[id] = nil
        hasEnded.remove(id)
    }

    /// Notes that a connection has ended.
    mutating func end(_ id: ConnectionID, _ timeline: borrowing Timeline) {
        guard hasEnded.insert(id).inserted else { return }
        ended.append(id, timeline.connections.number(of: id), timeline[id].lastTime)
    }

    /// The trace reported what had settled: whatever is learned later of connections reported then is not part of their
    /// reports.
    private mutating func noteReports(_ telling: KernelTelling, _ timeline: borrowing Timeline) {
        guard let settled = telling.settled else { return }
        while let first = ended.first {
            guard timeline.connections.contains(first.id, number: first.number) else {
                ended.removeFirst()
                continue
            }
            guard timeline[first.id].isEnded else {
                // Its end was revoked; another one may follow.
                ended.removeFirst()
                hasEnded.remove(first.id)
                continue
            }
            let lastTime = timeline[first.id].lastTime
            if lastTime > first.since {
                // Late segments postpone it behind those that ended meanwhile, as in `Timeline.nextExpired`.
                ended.removeFirst()
                ended.append(first.id, first.number, lastTime)
                continue
            }
            guard settled.since(lastTime) >= ReportedQueue.linger else { return }
            ended.removeFirst()
            if let view = join.view(first.id) {
                if view.deniesEnd(of: timeline[first.id]) {
                    postponed.append(first)
                    continue
                }
                reports[first.id] = Report(
                    view: view, record: timeline.connections.record(of: first.id), time: telling.now)
            }
        }
    }

    /// A reading joined with its earlier parts; nil if more parts follow. Earlier parts are discarded if this one does
    /// not continue them.
    private mutating func whole(_ part: KernelReading) -> KernelReading? {
        var reading = part
        if var earlier = begun.take(), earlier.begin == part.begin, earlier.end == part.end,
            earlier.source == part.source
        {
            // In place, because a file may divide a reading into very many parts.
            earlier.connections += part.connections
            reading = earlier
        }
        // A list longer than any host can have is not accumulated further.
        guard part.goesOn, reading.connections.count < Self.readingLimit else { return reading }
        begun = reading
        return nil
    }

    /// The tuples of both sockets of a connection, each from its own side.
    private func sockets(
        of tuple: FourTuple, _ timeline: borrowing Timeline
    ) -> (originator: FourTuple, responder: FourTuple) {
        guard let id = current[FlowKey(tuple)] else { return (tuple, tuple.reversed) }
        return (timeline.connections.socket(.originator, of: id), timeline.connections.socket(.responder, of: id))
    }

    /// The result of taking in a record.
    enum Taken {
        /// It was joined: everything up to this time is known.
        case joined(Timestamp)
        /// The live trace reported at this time, with findings on these connections.
        case told(Timestamp, of: [ConnectionID])
        /// The host's counters changed.
        case counters(HostCounterChange)
        /// Nothing of consequence yet.
        case nothing
    }

    /// Joins one record to the connections as they are, and appends the events to report to `said`: see
    /// `KernelJoin.take`.
    mutating func take(
        _ payload: [UInt8], _ timeline: inout Timeline, _ said: inout [KernelEvent], tellsAll: Bool
    ) -> Taken {
        guard let record = decode(payload) else { return .nothing }
        let saidBefore = said.count
        // The kernel's report alone may end a connection.
        defer {
            for event in said[saidBefore...] {
                if case .dropped = event.kind, timeline[event.connection].isEnded { end(event.connection, timeline) }
            }
        }
        // On replay there is no command to which processes could belong.
        defer { join.judgeNobody() }
        return take(record, &timeline, &said, tellsAll: tellsAll)
    }

    /// Decodes a record's octets; nil if they were not understood.
    private mutating func decode(_ payload: [UInt8]) -> KernelRecord? {
        do throws(KernelRecordFault) {
            let record = try decoder.decode(payload)
            counts.joined += 1
            return record
        } catch {
            counts.damaged += 1
            counts.fault = counts.fault ?? error
            return nil
        }
    }

    private mutating func take(
        _ record: KernelRecord, _ timeline: inout Timeline, _ said: inout [KernelEvent], tellsAll: Bool
    ) -> Taken {
        switch record {
        case .begin:
            timeline.listening = ListeningEnds()
            return .nothing
        case .listening(let end):
            timeline.listening.insert(end)
            return .nothing
        case .events(var events, let taken):
            if !usesProcesses { for index in events.indices { events[index].forgetProcess() } }
            join.take(events, now: taken, &timeline, &said, tellsAll: tellsAll)
            return .joined(taken)
        case .reading(let part):
            guard let reading = whole(part) else { return .nothing }
            take(reading, &timeline, &said)
            return .joined(reading.end)
        case .owners(let owners, let time, let source):
            guard usesProcesses else { return .nothing }
            said += join.assign(
                owners.mapValues(\.process), descriptors: owners.mapValues(\.descriptor), of: latest, time: time,
                source: source)
            return .joined(time)
        case .holders(let holders, let pid, let time, let source):
            guard usesProcesses else { return .nothing }
            said += join.assign(holders: holders, of: pid, latest, time: time, source: source)
            return .joined(time)
        case .troubled(let troubled, let time):
            guard usesProcesses else { return .nothing }
            join.assign(troubled: troubled)
            return .joined(time)
        case .counters(let change): return .counters(change)
        case .total(let change):
            total = change
            return .nothing
        case .told(let telling):
            noteReports(telling, timeline)
            return .told(telling.now, of: telling.found.compactMap { current[FlowKey($0)] })
        }
    }

    /// Joins a complete reading.
    private mutating func take(
        _ reading: KernelReading, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        // A file may name a connection any number of times.
        var seen: Set<ConnectionID> = []
        latest = reading.connections.compactMap { current[FlowKey($0.tuple)] }.filter { seen.insert($0).inserted }
        said += join.reconcile(
            RecordedSnapshot(reading, sockets: { sockets(of: $0, timeline) }),
            of: latest, &timeline)
        for entry in postponed { ended.append(entry.id, entry.number, entry.since) }
        postponed.removeAll(keepingCapacity: true)
    }
}
