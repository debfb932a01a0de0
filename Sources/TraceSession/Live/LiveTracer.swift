// The live loop, a step at a time: frames, then the kernel's tables, then what can be printed.
//
// One thread owns everything. The kernel's ring is the only buffer between the network and this loop.

import Glibc
import KernelEvidence
public import PacketSource
import TCPDiagnosis
import TCPModel
import TCPTimeline
public import TimelineReport

/// A live trace. `step` waits and works; the results gather in a buffer that the caller takes and writes where it likes.
public struct LiveTracer<Report: TraceReport>: ~Copyable {
    /// The most reported connections that are kept so: under a flood of short ones memory stays where it is.
    static var most: Int { 8192 }
    /// Frames between two looks at everything else.
    static var batch: Int { 4096 }
    /// Batches in one turn: under a flood that never ends, what was found out is to be written all the same.
    static var batchesInTurn: Int { 8 }
    /// The same where texts are shown, of which a frame may have 64 KB.
    static var batchOfTexts: Int { 64 }
    /// Connections that have ended are reported sooner than this, in nanoseconds.
    static var patience: Int64 { 2 * Span.second }
    /// Octets of frames that are shown in a turn, about.
    static var shownInTurn: Int { 4 << 20 }

    let options: TraceOptions
    private var captures: CaptureSet
    var pipeline: TracePipeline<Teller<Report>>
    var kernel: KernelWatcher?
    private(set) var host: HostWatcher?
    private var ports: PortWatcher?
    private(set) var output: LiveOutput?
    private var description: CaptureDescription
    var reported = ReportedQueue()
    /// How many connections that had ended were reported: in `reported` are not those whose four-tuple was taken, or that were given up.
    private var finishedCount: UInt64 = 0
    /// What was given up before its end.
    var forgotten = ForgottenCounts()
    private var pace = LivePace()
    /// What the kernel's events came to: kept, because its memory is.
    private var said: [KernelEvent] = []
    private var droppedSoFar: UInt64 = 0
    private var nextStatistics: Int64 = 0
    /// Connections whose end the kernel denied: looked at again after the next reading.
    private var postponed: [(id: ConnectionID, number: UInt64)] = []
    private let deadline: Int64?
    private(set) var isFinished = false
    /// An interface that went away, for the user; the trace goes on while another is left.
    public private(set) var warnings: [String] = []

    /// Opens the interfaces, and the file to write if there is one. Throws what stands in the way, before anything is captured.
    /// `owner` is to own that file.
    public init(
        _ options: TraceOptions, report: Report, owner: CaptureWriter.Owner? = nil
    ) throws(TraceError) {
        // Before the first frame is captured: what is captured whole is to have all its events.
        let watcher =
            options.usesKernel
            ? KernelWatcher(usesProcesses: options.usesProcesses, filter: options.effectiveFilter) : nil
        // Everything that can fail comes next.
        let opened = try CaptureSet(options)
        let interfaces = opened.interfaces
        // The caller names it: it is opened with the caller's own rights.
        BorrowedPowers.layDown()
        let output: LiveOutput?
        do throws(TraceError) {
            output = try LiveOutput(options, interfaces, owner, isAnnotated: watcher != nil)
        } catch {
            BorrowedPowers.takeUp()
            throw error
        }
        BorrowedPowers.takeUp()
        self.options = options
        warnings = opened.warnings
        captures = opened
        self.output = output
        let needs = TraceNeeds(report, options)
        pipeline = TracePipeline(live: Teller(report, needs, options, isLive: true), needs, options)
        host = options.usesKernel ? HostWatcher() : nil
        kernel = watcher
        for descriptor in kernel?.trace.descriptors ?? [] { captures.watch(descriptor) }
        warnings += kernel?.trace.complaints ?? []
        if self.output?.isAnnotated == true {
            kernel?.record()
            pipeline.notesMarks = true
        } else if self.output != nil, kernel != nil, let path = options.output {
            warnings.append(
                "\(printable(path)) will have frames alone: a name that does not end in .pcap makes it a pcapng file, which keeps"
                    + " processes and the kernel's view, too")
        }
        description = CaptureDescription(
            file: nil,
            interfaces: interfaces.map { .init(name: $0.name ?? "", linkType: $0.linkType) },
            snapshotLength: interfaces.first.map { Int($0.snapshotLength) }, filter: options.effectiveFilter,
            tool: TraceOptions.tool)
        deadline = options.duration.map { monotonicNow() &+ Int64(min($0, 1e9) * 1e9) }
        pipeline.sink.report.begin(description, at: wallClockNow(), &pipeline.sink.out)
        watchPorts()
    }

    private mutating func watchPorts() {
        guard options.usesKernel, pipeline.sink.diagnosis != nil else { return }
        ports = PortWatcher()
        pipeline.sink.diagnosis?.portSupply = PortWatcher.supply()
    }

    /// Whether frames on loopback are counted twice, when they leave and when they come in (on `any`; before Linux 4.20 on `lo`, too).
    public var countsTwice: Bool { captures.countsTwice }

    /// One line an interface: what is being listened to.
    public var listeningLines: [String] {
        captures.interfaces.map { interface in
            "listening on \(printable(interface.name ?? "")), link-type \(interface.linkType.name)"
                + " (\(interface.linkType.summary)), snapshot length \(interface.snapshotLength) bytes,"
                + " filter \"\(printable(options.effectiveFilter))\""
        }
    }

    /// With a command: connections that are not shown, though they may be its own.
    private(set) var unattributed = UnattributedConnections()

    /// Also wakes `step` up for this descriptor.
    public func wake(on descriptor: Int32) { captures.watch(descriptor) }

    /// Not any more.
    func sleep(through descriptor: Int32) { captures.ignore(descriptor) }

    /// What is told from now on is laid out for a page of so many columns.
    mutating func fit(columns: Int) { pipeline.sink.report.fit(columns: columns) }

    /// Whether the limits that the user set are reached, or no interface is left.
    public var isDone: Bool {
        if hasNoInterface { return true }
        if let limit = options.packetLimit, pipeline.counts.captured >= limit { return true }
        if let limit = options.connectionLimit, finishedCount >= limit { return true }
        return deadline.map { monotonicNow() >= $0 } ?? false
    }

    /// Whether every interface has gone away: nobody asked for the trace to end.
    public var hasNoInterface: Bool { captures.isEmpty }

    /// Waits for frames at most so long (or shorter, if something is due earlier), and works on what came.
    public mutating func step(waitMilliseconds: Int32) throws(TraceError) {
        var wait = waitMilliseconds
        let now = monotonicNow()
        if let due = kernel?.milliseconds(until: now, hasNewStates: pipeline.hasNewStates, pipeline.timeline) {
            wait = min(wait, due)
        }
        if let deadline { wait = min(wait, Int32(clamping: max(0, deadline - now) / Span.millisecond + 1)) }
        if kernel?.holdsEvents == true { wait = min(wait, 10) }
        // Somebody's heading may wait for them.
        if options.names?.isBusy == true { wait = min(wait, 20) }
        // Under a flood nobody is to be woken for each frame: signals and the like are looked at in every turn anyway.
        if pace.isBusy { pace.rest() } else { captures.wait(milliseconds: wait) }
        if pace.judge() {
            captures.wakesOnFrames(!pace.isBusy)
            if pace.isBusy { pace.rest() }
        }
        try work()
    }

    /// The results so far; the buffer is the caller's to clear.
    public mutating func withOutput<Failure: Error>(
        _ body: (inout OutputBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        try body(&pipeline.sink.out)
    }

    /// Frames captured, passed by the filter, dropped by the kernel, dropped by the interface; connections seen.
    public mutating func counts() -> (captured: UInt64, statistics: CaptureStatistics, connections: UInt64) {
        (pipeline.counts.captured, captures.statistics(), pipeline.timeline.connectionCount)
    }

    // MARK: One turn

    private mutating func work(isLast: Bool = false) throws(TraceError) {
        // The first one is before the first frame: who reads the file knows by it what comes.
        try writeRecords()
        // While frames wait, a reading could be compared with nothing: it says what comes after them.
        let isComplete =
            try isLast ? drain(upTo: ringBatches) : drain(upTo: Self.batchesInTurn, shown: Self.shownInTurn)
        let isConfirmed = try isComplete || isLast ? readKernel() : false
        let now = wallClockNow()
        retireReplaced(now)
        makeRoom()
        noteDrops()
        if isConfirmed {
            pipeline.sink.report.flush(now: now, pipeline.timeline.connections, kernel?.join, &pipeline.sink.out)
            let found = pipeline.review(now: now, kernel?.join)
            let settled = reportEnded(now)
            note(found, settled, now)
            forgetSilent(now)
        } else if pipeline.shown >= Self.shownInTurn {
            // More wait to be shown: the kernel's reading can wait, memory cannot.
            pipeline.sink.report.flush(now: now, pipeline.timeline.connections, kernel?.join, &pipeline.sink.out)
        }
        reopen(now)
        pipeline.shown = 0
        do throws(CaptureWriteError) { try output?.flush() } catch { throw .output(error) }
    }

    /// As many connections had ended as are asked for, and one did not stay so.
    private mutating func reopen(_ now: Timestamp) {
        guard let since = pipeline.closedToNew, now.since(since) > Self.patience, !isDone else { return }
        pipeline.openToNew(ended: finishedCount)
    }

    /// Batches that are surely more frames than the rings hold: a frame takes 256 octets of them and more.
    private var ringBatches: Int { captures.count * (options.bufferKiB / (Self.batch / 4) + 1) }

    /// Takes in the frames that are there, in so many batches at most, or until so many octets of frames are to be shown. Returns
    /// whether that was all of them: not under a flood that goes on and on.
    @discardableResult private mutating func drain(
        upTo batches: Int, shown most: Int = .max
    ) throws(TraceError) -> Bool {
        var failure: CaptureWriteError?
        var isComplete = false
        let batch = pipeline.showsText ? Self.batchOfTexts : Self.batch
        for _ in 0..<batches * (Self.batch / batch) where pipeline.shown < most {
            let room = options.packetLimit.map { $0 - min($0, pipeline.counts.captured) } ?? UInt64(batch)
            let limit = min(batch, Int(clamping: room))
            if limit == 0 {
                isComplete = true
                break
            }
            // What is known of the kernel now has its frames in what comes next: it need not wait for them.
            kernel?.collectEvents()
            let result = captures.dispatch(limit: limit) { header, bytes in
                if let most = options.packetLimit, pipeline.counts.captured >= most { return }
                pipeline.take(header, bytes, frame: pipeline.frame + 1)
                if options.output != nil && failure == nil && !pipeline.isLeftOut {
                    do throws(CaptureWriteError) {
                        try output?.take(header, bytes, pipeline.mark)
                    } catch {
                        failure = error
                    }
                }
            }
            noteConnections()
            warnings += result.gone.map(\.description)
            if let failure { throw .output(failure) }
            pace.note(result.delivered)
            if result.delivered < limit {
                isComplete = true
                break
            }
        }
        if let most = options.packetLimit, pipeline.counts.captured >= most {
            kernel?.isCaptureOver = true
            kernel?.eventsEnd = pipeline.lastTime
        }
        try takeKernelEvents(isBehind: !isComplete)
        return isComplete
    }

    /// New connections are watched in the kernel's tables.
    private mutating func noteConnections() {
        for id in pipeline.newConnections { kernel?.watch(id, pipeline.timeline) }
        pipeline.newConnections.removeAll(keepingCapacity: true)
        for (id, called) in pipeline.redirected { kernel?.note(id, called: called, pipeline.timeline) }
        pipeline.redirected.removeAll(keepingCapacity: true)
        for (id, time) in pipeline.answered { kernel?.noteAnswer(id, time) }
        pipeline.answered.removeAll(keepingCapacity: true)
    }

    /// Joins the tracepoints' events to what has been captured; what happened before the latest frames is all there.
    private mutating func takeKernelEvents(isBehind: Bool) throws(TraceError) {
        // When few come, what the latest of them caused in the meantime is shown with them. What is to be reported now has its last
        // events in any case.
        if !pace.isBusy || !pipeline.replaced.isEmpty { kernel?.collectEvents() }
        kernel?.takeEvents(
            &pipeline.timeline, &said, tellsAll: pipeline.sink.report.readsKernelEvents, isBehind: isBehind,
            ending: pipeline.replaced)
        for event in said {
            pipeline.take(event)
            // Its socket can be read now.
            if case .translated = event.kind { pipeline.hasNewStates = true }
        }
        said.removeAll(keepingCapacity: true)
        // Soon: a process that ends at once can be judged only while it is there.
        kernel?.judgeProcesses()
        if let complaint = kernel?.complaintOfLoss() { warnings.append(complaint) }
        try writeRecords()
    }

    /// What was learnt of the kernel stands behind the frames that it was joined to.
    private mutating func writeRecords() throws(TraceError) {
        do throws(CaptureWriteError) {
            try output?.release(kernel?.join)
            for payload in kernel?.takeRecords() ?? [] { try output?.write(kernelRecord: payload) }
        } catch {
            throw .output(error)
        }
    }

    /// Reports connections whose four-tuple is another's now: only after the kernel's last events of them.
    private mutating func retireReplaced(_ now: Timestamp) {
        guard !pipeline.replaced.isEmpty else { return }
        for id in pipeline.replaced {
            if !pipeline.timeline.isReported(id) {
                finish(id, now)
            }
            drop(id)
        }
        pipeline.replaced.removeAll(keepingCapacity: true)
        kernel?.note(KernelTelling(now: now))
    }

    /// Has the capture file say what was told at `now`.
    private mutating func note(_ found: [ConnectionID], _ settled: Timestamp?, _ now: Timestamp) {
        guard kernel?.isRecording == true, settled != nil || !found.isEmpty else { return }
        let tuples = found.map { pipeline.timeline.connections.name(of: $0).tuple }
        kernel?.note(KernelTelling(now: now, settled: settled, found: tuples))
    }

    /// Reads the kernel's tables if that is due. Returns whether the page may be brought up to date: not while states are
    /// new and the next reading, which is to confirm them, is a few milliseconds off.
    private mutating func readKernel() throws(TraceError) -> Bool {
        guard kernel != nil else { return true }
        guard kernel?.isDue(monotonicNow(), hasNewStates: pipeline.hasNewStates, pipeline.timeline) == true else {
            return !pipeline.hasNewStates || kernel?.isReadingFarOff(monotonicNow()) == true
        }
        kernel?.read(pipeline.timeline, hasNewStates: pipeline.hasNewStates)
        pipeline.hasNewStates = false
        if let complaint = kernel?.complaintOfTables() { warnings.append(complaint) }
        if let complaint = kernel?.complaintOfReading() { warnings.append(complaint) }
        if kernel?.hasFailed == true { return true }
        // What was captured before the reading was complete has to be known before the two are compared.
        try drain(upTo: ringBatches)
        for event in kernel?.reconcile(&pipeline.timeline) ?? [] {
            pipeline.take(event)
        }
        if let complaint = kernel?.complaintOfOwners() { warnings.append(complaint) }
        for (id, number) in postponed where pipeline.timeline.connections.contains(id, number: number) {
            pipeline.timeline.postpone(id)
        }
        postponed.removeAll(keepingCapacity: true)
        try writeRecords()
        return true
    }

    private mutating func noteDrops() {
        let now = monotonicNow()
        // Without findings only the beginning and the end count.
        if pipeline.sink.diagnosis != nil || kernel?.isRecording == true, let change = host?.look(at: now) {
            pipeline.sink.counters(change)
            kernel?.note(change)
        }
        if pipeline.sink.diagnosis?.portQuestions.isEmpty == false { answerPorts(now) }
        guard now >= nextStatistics else { return }
        nextStatistics = now + Span.second
        if let complaint = kernel?.complaintOfProcessors() { warnings.append(complaint) }
        let dropped = captures.statistics().droppedByKernel
        if dropped > droppedSoFar { pipeline.noteGap(dropped - droppedSoFar) }
        droppedSoFar = dropped
    }

    private mutating func answerPorts(_ now: Int64) {
        // Taken out and put back: a second copy would be copied in whole when it is changed.
        guard var diagnosis = pipeline.sink.diagnosis.take() else { return }
        ports?.answer(&diagnosis, at: now)
        pipeline.sink.diagnosis = diagnosis
    }

    /// Reports connections that are over. Returns up to when they had been silent, if there were any.
    private mutating func reportEnded(_ now: Timestamp) -> Timestamp? {
        // Where this program did not get the processor for long, frames are there whose events are not yet.
        let settled = min(now, kernel?.collectedUpTo ?? now)
        var hasReported = false
        while let id = pipeline.timeline.nextExpired(at: settled, linger: ReportedQueue.linger) {
            guard !pipeline.timeline.isReported(id) else { continue }
            if kernel?.join.view(id)?.deniesEnd(of: pipeline.timeline[id]) == true {
                postponed.append((id, pipeline.timeline.connections.number(of: id)))
                continue
            }
            hasReported = true
            finish(id, now)
            pipeline.timeline.markReported(id)
            reported.append(id, pipeline.timeline.connections.number(of: id), now)
            forgetOldestIfCrowded()
        }
        // A reported connection is kept while the kernel has a socket of it (TIME_WAIT) and for late segments.
        while let first = reported.next(at: now, most: Self.most) {
            if pipeline.timeline.connections.contains(first.id, number: first.number) { drop(first.id) }
        }
        return hasReported ? settled : nil
    }

    mutating func finish(_ id: ConnectionID, _ now: Timestamp) {
        kernel?.judgeProcesses()
        let view = kernel?.join.view(id)
        if let kernel, kernel.family != nil { unattributed.note(pipeline.timeline[id], view, isLocal: kernel.isLocal) }
        pipeline.finish(id, view, now: now)
        guard options.connectionLimit != nil, pipeline.timeline.isEnded(id) else { return }
        if options.selection.shows(pipeline.timeline[id], view) { finishedCount += 1 }
    }

    /// Under a flood of short connections their TIME_WAITs are not watched to the end: the tables would be joined too slowly.
    private mutating func forgetOldestIfCrowded() {
        guard let crowd = kernel?.join.count, crowd > KernelWatcher.crowd,
            let oldest = reported.latest(KernelWatcher.crowd)
        else { return }
        if pipeline.timeline.connections.contains(oldest.id, number: oldest.number) { kernel?.forget(oldest.id) }
    }

    mutating func drop(_ id: ConnectionID) {
        kernel?.forget(id)
        pipeline.timeline.retire(id)
    }

    // MARK: The end

    /// Takes in what is still there, reports everything that is open, and closes the file. Once.
    public mutating func finish() throws(TraceError) {
        guard !isFinished else { return }
        isFinished = true
        var failure: TraceError?
        // What the last events are of is there, too.
        pace = LivePace()
        // A last reading, whatever it costs: it is what the open connections are reported with.
        pipeline.hasNewStates = true
        kernel?.expedite()
        kernel?.hurryEvents()
        if kernel?.eventsEnd == nil { kernel?.eventsEnd = wallClockNow() }
        do throws(TraceError) { try work(isLast: true) } catch { failure = error }
        kernel?.stopEvents()
        pipeline.endFragments()
        // Rows still waiting for what belongs to them get nothing more.
        let end = wallClockNow().advanced(by: Span.second)
        pipeline.sink.report.flush(now: end, pipeline.timeline.connections, kernel?.join, &pipeline.sink.out)
        let last = wallClockNow()
        for id in pipeline.timeline.remaining() where !pipeline.timeline.isReported(id) {
            finish(id, last)
            pipeline.timeline.markReported(id)
        }
        let statistics = captures.statistics()
        if statistics.droppedByKernel > droppedSoFar { pipeline.noteGap(statistics.droppedByKernel - droppedSoFar) }
        pipeline.counts.received = statistics.received
        pipeline.counts.dropped = statistics.droppedByKernel
        pipeline.counts.kernelFaults = kernel?.faults ?? ReadingFaults()
        host?.look(at: monotonicNow(), isLast: true)
        if let change = host?.change {
            pipeline.sink.report.host(change, &pipeline.sink.out)
            kernel?.note(total: change)
        }
        kernel?.note(KernelTelling(now: last))
        pipeline.sink.report.end(description, pipeline.counts, at: wallClockNow(), &pipeline.sink.out)
        if failure == nil { do throws(TraceError) { try writeRecords() } catch { failure = error } }
        if output != nil && failure == nil {
            for index in 0..<captures.count {
                output?.setStatistics(captures.statistics(index), interface: UInt16(clamping: index))
            }
            do throws(CaptureWriteError) { try output?.close() } catch { failure = .output(error) }
        }
        if let failure { throw failure }
    }

    /// What it came to; complete after `finish`.
    var overview: TraceOverview { pipeline.sink.overview }

    /// Findings that the user does not want (`--fail-on`), in sentences for standard error.
    public var unwantedFindings: [String] { pipeline.sink.unwanted.sentences }

    /// That nobody whom `--pid` and `--pname` name had a connection, in a sentence for standard error; nil if somebody had.
    public var unmetChoice: String? { pipeline.sink.choice.sentence }

    /// How many connections are others behind a translation of addresses.
    var translatedCount: UInt64 { pipeline.timeline.translatedCount }

    /// From now on this process and its descendants are the command that is traced.
    mutating func follow(_ command: Int32) { kernel?.follow(command) }

    /// These were the command's descendants; nobody can ask /proc any more.
    mutating func remember(ofCommand ended: [Int32]) { kernel?.remember(ofCommand: ended) }

    /// Whether a connection of the command is not over.
    var hasOpenConnectionOfCommand: Bool { kernel?.join.hasOpenConnectionOfCommand(pipeline.timeline) ?? false }
}
