// Records what happens to connections, runs the rules, and returns each finding once.
//
// In a live trace, the rules run when a connection has been quiet for a moment, then once a second until it is over,
// and once more at that point. On replay they run when the connection is over, and at the moments at which the live
// trace reported findings, if the capture file records them. For a capture that is still running, they run once a
// second.

import TCPMachine
public import TCPModel
public import TCPTimeline

/// Determines what is unusual about connections, and why.
public struct Diagnosis: Sendable {
    /// Live: a connection is judged once nothing has happened to it for this long, in nanoseconds. By then the kernel's
    /// view is up to date.
    static let settling = 250 * Span.millisecond
    /// Live: the interval, in nanoseconds, at which a connection that is not over is judged again.
    static let interval = Span.second
    /// The maximum number of connections judged in one `review`, so that the capture is not held up.
    static let batch = 512

    /// The case files by slot; number 0 where none was opened. Read and modified in place, because copying one takes
    /// longer than processing most segments.
    private var files: [CaseFile] = []
    /// Live: connections that have not settled yet, and those that were judged and are not over.
    private var settlingQueue = DueQueue()
    private var patientQueue = DueQueue()
    private let isLive: Bool
    /// The changes in the traced host's counters between the latest two readings, live or from a capture that holds them.
    public var host: HostCounterChange? {
        didSet { if let host { hostHistory.note(host) } }
    }
    private var hostHistory = HostHistory()
    private var portUse = PortUse()
    /// Live: the ports that connect() chooses from; nil if unknown.
    public var portSupply: PortSupply? {
        get { portUse.supply }
        set { portUse.supply = newValue }
    }
    /// Live: the scopes for which the kernel should count sockets.
    public var portQuestions: [PortScope] { portUse.questions }
    /// Live: the kernel's answer; nil if it gave none.
    public mutating func answerPorts(_ scope: PortScope, _ count: PortCount?) { portUse.answer(scope, count) }

    /// The number of findings so far, by code.
    public private(set) var counts: [FindingCode: UInt64] = [:]

    /// A diagnosis with nothing recorded yet.
    public init(isLive: Bool) { self.isLive = isLive }

    // MARK: What happens

    /// Records a segment.
    public mutating func observe(_ event: SegmentEvent) {
        let slot = Int(event.connection.slot)
        if event.notes.contains(.duplicateFrame) {
            if !open(slot, event.number) { files[slot].takeCopy(event) }
            return
        }
        let isNew = open(slot, event.number)
        if isNew { files[slot].predecessor = event.predecessor }
        files[slot].take(event)
        if isNew && isLive {
            settlingQueue.append(event.connection, event.number, event.time.advanced(by: Self.settling))
        }
    }

    /// Records an ICMP error.
    public mutating func observe(_ event: ICMPEvent, _ connections: borrowing KnownConnections) {
        let slot = Int(event.connection.slot)
        _ = open(slot, connections.number(of: event.connection))
        // A packet that is too big for the path is sent again in smaller pieces, so that error explains nothing else.
        if files[slot].icmp == nil && event.error.kind != .packetTooBig { files[slot].icmp = event }
        if event.error.kind == .packetTooBig { files[slot].pathMTU = event }
    }

    /// Records what the kernel reported.
    public mutating func observe(_ event: KernelEvent, _ connections: borrowing KnownConnections) {
        let slot = Int(event.connection.slot)
        _ = open(slot, connections.number(of: event.connection))
        switch event.kind {
        case .dropped: files[slot].dropped.append(event)
        case .contradiction(_, .closed) where event.isCorrected && files[slot].isDropped(event.side):
            // The socket exists after all.
            files[slot].dropped.removeAll { $0.side == event.side }
        // `syn-unanswered` tells of an answer that is lacking.
        case .contradiction: if !event.endsAssumption && !event.lacksAnswer { files[slot].note(mismatch: event) }
        case .uncaptured(_, _, let led) where led.isResetCaptured:
            files[slot][event.side.other].isResetFitting = true
        case .uncaptured(_, _, let led) where led.resetter != nil: files[slot].uncapturedReset = event.time
        case .uncaptured: if files[slot].mismatch == nil { files[slot].mismatch = event }
        case .state, .owner, .notAccepted, .accepted, .translated, .traced: break
        }
    }

    private mutating func open(_ slot: Int, _ number: UInt64) -> Bool {
        while files.count <= slot { files.append(CaseFile(number: 0)) }
        if files[slot].number == number { return false }
        files[slot] = CaseFile(number: number)
        return true
    }

    // MARK: Judging

    /// Live: the findings about connections that have settled, or that are due to be judged again. Everything up to
    /// `now` must have been recorded.
    public mutating func review(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?
    ) -> [Finding] {
        var findings: [Finding] = []
        var room = Self.batch
        while room > 0, let entry = settlingQueue.next(due: now) ?? patientQueue.next(due: now) {
            guard isOpen(entry.id, entry.number), connections.contains(entry.id, number: entry.number) else { continue }
            let connection = connections[entry.id]
            // A connection that is over will be judged when it is concluded, so it is not judged twice.
            if connection.isEnded || connection.lastTime.advanced(by: Self.settling) > now {
                settlingQueue.append(entry.id, entry.number, now.advanced(by: Self.settling))
                continue
            }
            room -= 1
            findings += judge(
                entry.id, connection, connections.statistics(of: entry.id), kernel?.view(entry.id),
                Kin(entry.id, connections), now: now, isOver: false)
            patientQueue.append(entry.id, entry.number, now.advanced(by: Self.interval))
        }
        return findings
    }

    /// On replay: the findings about a connection that is not over, at a moment at which the live trace reported some,
    /// or now.
    public mutating func review(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp
    ) -> [Finding] {
        judge(
            id, connections[id], connections.statistics(of: id), kernel, Kin(id, connections), now: now, isOver: false)
    }

    private func isOpen(_ id: ConnectionID, _ number: UInt64) -> Bool {
        let slot = Int(id.slot)
        return slot < files.count && files[slot].number == number && !files[slot].isConcluded
    }

    /// The final findings about a connection that is over, or whose capture is. Closes its case file.
    public mutating func conclude(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp
    ) -> [Finding] {
        let connection = connections[id]
        if isLive, connection.endpoint(.originator).state == .timeWait, kernel?.originator.isLocal == true {
            portUse.note(connection.tuple, at: connection.lastTime)
        }
        let findings = judge(
            id, connection, connections.statistics(of: id), kernel, Kin(id, connections),
            now: max(now, connection.lastTime), isOver: true)
        let slot = Int(id.slot)
        // Late segments do not reopen the file.
        if slot < files.count, files[slot].number == connection.number {
            files[slot] = CaseFile(number: connection.number)
            files[slot].isConcluded = true
        }
        return findings
    }

    private mutating func judge(
        _ id: ConnectionID, _ connection: Connection, _ statistics: ConnectionStatistics?, _ kernel: KernelView?,
        _ kin: Kin, now: Timestamp, isOver: Bool
    ) -> [Finding] {
        let slot = Int(id.slot)
        guard slot < files.count, files[slot].number == connection.number, !files[slot].isConcluded else { return [] }
        var circumstances = Circumstances(
            connection, files[slot], kernel, statistics, hostHistory.moments(of: connection, files[slot], now: now),
            called: kin.called, ports: isLive ? portUse.pressure(connection.tuple, now: now) : nil, now: now,
            isOver: isOver, showsAnswers: kin.showsAnswers)
        var findings: [Finding] = []
        var next = 0
        while let (place, verdict) = Rule.firstVerdict(from: next, circumstances) {
            next = place + 1
            let code = Rule.all[place].code
            circumstances.found.insert(code)
            counts[code, default: 0] += 1
            if code == .timeWaitHeld { portUse.markReported(connection.tuple) }
            findings.append(
                Finding(
                    connection: id, code: code, time: now, side: verdict.side, message: verdict.message,
                    frames: Set(verdict.frames.filter { $0.isSeen }.map { $0.frame }).sorted(),
                    evidence: verdict.evidence))
        }
        files[slot].reported = circumstances.found
        return findings
    }
}

/// What the rest of the capture shows about a connection: the address that its client called, and whether any SYN in
/// the capture was answered.
private struct Kin {
    let called: SocketAddress?
    let showsAnswers: Bool

    init(_ id: ConnectionID, _ connections: borrowing KnownConnections) {
        called = connections.called(by: id)
        showsAnswers = connections.showsAnswers
    }
}

/// Connections with the times at which they are due, in ascending order.
private struct DueQueue: Sendable {
    private var entries = Queue<(id: ConnectionID, number: UInt64, due: Timestamp)>()

    mutating func append(_ id: ConnectionID, _ number: UInt64, _ due: Timestamp) { entries.append((id, number, due)) }

    mutating func next(due now: Timestamp) -> (id: ConnectionID, number: UInt64)? {
        guard let entry = entries.first, entry.due <= now else { return nil }
        entries.popFirst()
        return (entry.id, entry.number)
    }
}
