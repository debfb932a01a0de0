// The live loop, one step at a time: frames, then the kernel's tables, then what can be printed.
//
// One thread owns everything. The kernel's ring is the only buffer between the network and this loop.

import Glibc
import KernelEvidence
import KernelSockets
public import PacketSource
import TCPDiagnosis
import TCPModel
import TCPTimeline
public import TimelineReport

/// A live trace. `step` waits and works; the results accumulate in a buffer that the caller takes and writes wherever
/// it likes.
public struct LiveTracer<Report: TraceReport>: ~Copyable {
    /// The most reported connections to keep: it bounds memory under a flood of short ones.
    static var most: Int { 8192 }
    /// Frames in one batch; kernel events are collected between batches.
    static var batch: Int { 4096 }
    /// Batches in one turn: results must be written even under a flood that never ends.
    static var batchesInTurn: Int { 8 }
    /// Frames in one batch if payload is shown, of which a frame may have 64 KB.
    static var batchOfTexts: Int { 64 }
    /// An upper bound for the time until an ended connection is reported, in nanoseconds.
    static var patience: Int64 { 2 * Span.second }
    /// The approximate number of octets of excerpts to show in one turn.
    static var shownInTurn: Int { 4 << 20 }

    let options: TraceOptions
    private var captures: CaptureSet
    var pipeline: TracePipeline<ReportSink<Report>>
    var kernel: KernelWatcher?
    private(set) var host: HostWatcher?
    private var ports: PortWatcher?
    private(set) var output: LiveOutput?
    private var description: CaptureDescription
    var reported = ReportedQueue()
    /// Ended connections that were reported. `reported` does not count them: those whose four-tuple was reused, or that
    /// were given up, are not in it.
    private var finishedCount: UInt64 = 0
    /// Connections given up before their end.
    var forgotten = ForgottenCounts()
    private var pace = LivePace()
    /// The results of joining the kernel's events; a property so that the memory is reused.
    private var said: [KernelEvent] = []
    private var droppedSoFar: UInt64 = 0
    private var nextStatistics: Int64 = 0
    /// Connections whose end the kernel denied: they are examined again after the next reading.
    private var postponed: [(id: ConnectionID, number: UInt64)] = []
    private let deadline: Int64?
    private(set) var isFinished = false
    /// Warnings for the user, such as an interface that went away; the trace continues while another is left.
    public private(set) var warnings: [String] = []

    /// Opens the interfaces, and the output file if there is one. Throws if either fails, before anything is captured.
    /// `owner` will own that file.
    public init(
        _ options: TraceOptions, report: Report, owner: CaptureWriter.Owner? = nil
    ) throws(TraceError) {
        // Before the first frame is captured, so that connections captured from their beginning have all their events.
        let watcher =
            options.usesKernel
            ? KernelWatcher(usesProcesses: options.usesProcesses, filter: options.effectiveFilter) : nil
        // Everything that can fail follows.
        let opened = try CaptureSet(options)
        let interfaces = opened.interfaces
        // The file is named by the caller, so it is opened with the caller's own privileges.
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
        pipeline = TracePipeline(live: ReportSink(report, needs, options, isLive: true), needs, options)
        host = options.usesKernel ? HostWatcher() : nil
        kernel = watcher
        // After the interfaces have been opened: connections to later listeners are captured from their beginning.
        if let ends = kernel?.listeningEnds() { pipeline.timeline.listening = ends }
        if let evidence = watcher?.trace.checksumEvidence { pipeline.judgeChecksums(by: evidence) }
        for descriptor in kernel?.trace.descriptors ?? [] { captures.watch(descriptor) }
        warnings += kernel?.trace.complaints ?? []
        if self.output?.isAnnotated == true {
            kernel?.record()
            pipeline.notesMarks = true
        } else if self.output != nil, kernel != nil, let path = options.output {
            warnings.append(
                "\(printable(path)) will have only frames: a name that does not end in .pcap makes it a pcapng file, which also keeps"
                    + " processes and the kernel's view")
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

    /// Whether loopback frames are counted twice, when they leave and when they arrive (on `any`; before Linux 4.20
    /// also on `lo`).
    public var countsTwice: Bool { captures.countsTwice }

    /// One line for each interface that is being listened to.
    public var listeningLines: [String] {
        captures.interfaces.map { interface in
            "listening on \(printable(interface.name ?? "")), link-type \(interface.linkType.name)"
                + " (\(interface.linkType.summary)), snapshot length \(interface.snapshotLength) bytes,"
                + " filter \"\(printable(options.effectiveFilter))\""
        }
    }

    /// With a command: connections that are not shown although they may belong to it.
    private(set) var unattributed = UnattributedConnections()

    /// Makes `step` wake up for this descriptor, too.
    public func wake(on descriptor: Int32) { captures.watch(descriptor) }

    /// `step` no longer wakes up for this descriptor.
    func sleep(through descriptor: Int32) { captures.ignore(descriptor) }

    /// Lays out further output for a page of this many columns.
    mutating func fit(columns: Int) { pipeline.sink.report.fit(columns: columns) }

    /// Whether a limit set by the user has been reached, or no interface is left.
    public var isDone: Bool {
        if hasNoInterface { return true }
        if let limit = options.packetLimit, pipeline.counts.captured >= limit { return true }
        if let limit = options.connectionLimit, finishedCount >= limit { return true }
        return deadline.map { monotonicNow() >= $0 } ?? false
    }

    /// Whether every interface has gone away: the trace ends without having been asked to.
    public var hasNoInterface: Bool { captures.isEmpty }

    /// Waits for frames for at most the given time (less if something is due earlier), and processes what has arrived.
    public mutating func step(waitMilliseconds: Int32) throws(TraceError) {
        var wait = waitMilliseconds
        let now = monotonicNow()
        if let due = kernel?.milliseconds(until: now, hasNewStates: pipeline.hasNewStates, pipeline.timeline) {
            wait = min(wait, due)
        }
        if let deadline { wait = min(wait, Int32(clamping: max(0, deadline - now) / Span.millisecond + 1)) }
        if kernel?.holdsEvents == true { wait = min(wait, 10) }
        // A heading may be waiting for the names.
        if options.names?.isBusy == true { wait = min(wait, 20) }
        // Under a flood no frame should wake the loop: signals and the like are examined in every turn anyway.
        if pace.isBusy { pace.rest() } else { captures.wait(milliseconds: wait) }
        if pace.judge() {
            captures.wakesOnFrames(!pace.isBusy)
            if pace.isBusy { pace.rest() }
        }
        try work()
    }

    /// Gives access to the results so far; the caller clears the buffer.
    public mutating func withOutput<Failure: Error>(
        _ body: (inout OutputBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        try body(&pipeline.sink.out)
    }

    /// Frames captured; the kernel's counts of frames received and dropped; connections seen.
    public mutating func counts() -> (captured: UInt64, statistics: CaptureStatistics, connections: UInt64) {
        (pipeline.counts.captured, captures.statistics(), pipeline.timeline.connectionCount)
    }

    // MARK: One turn

    private mutating func work(isLast: Bool = false) throws(TraceError) {
        // The first record precedes the first frame, so that a reader of the file knows what to expect.
        try writeRecords()
        // While frames are waiting, a reading cannot be compared with the connections: it shows a later state.
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
            // More excerpts are waiting. To bound memory, they are written without waiting for the kernel's reading.
            pipeline.sink.report.flush(now: now, pipeline.timeline.connections, kernel?.join, &pipeline.sink.out)
        }
        reopen(now)
        pipeline.shown = 0
        do throws(CaptureWriteError) { try output?.flush() } catch { throw .output(error) }
    }

    /// Admits new connections again if as many had ended as requested, but an end was revoked.
    private mutating func reopen(_ now: Timestamp) {
        guard let since = pipeline.closedToNew, now.since(since) > Self.patience, !isDone else { return }
        pipeline.openToNew(ended: finishedCount)
    }

    /// Enough batches to take more frames than the rings can hold: each frame occupies at least 256 octets of a ring.
    private var ringBatches: Int { captures.count * (options.bufferKiB / (Self.batch / 4) + 1) }

    /// Takes in waiting frames, up to a number of batches or of octets to be shown. Returns whether none are left,
    /// which is not so under a sustained flood.
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
            // Events collected now have their frames in the batch taken next, so they need not wait for them.
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
            try noteConnections()
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

    /// Starts watching new connections in the kernel's tables.
    private mutating func noteConnections() throws(TraceError) {
        for id in pipeline.newConnections { kernel?.watch(id, pipeline.timeline) }
        // Where these listen is written ahead of their frames, which are held.
        try kernel?.writeRecords(to: &output)
        pipeline.newConnections.removeAll(keepingCapacity: true)
        for (id, called) in pipeline.redirected { kernel?.note(id, called: called, pipeline.timeline) }
        pipeline.redirected.removeAll(keepingCapacity: true)
        for (id, time) in pipeline.answered { kernel?.noteAnswer(id, time) }
        pipeline.answered.removeAll(keepingCapacity: true)
    }

    /// Joins the tracepoints' events to what has been captured. All events from before the latest frames are present.
    private mutating func takeKernelEvents(isBehind: Bool) throws(TraceError) {
        // When few frames arrive, what the latest ones have caused meanwhile is shown with them. Connections about to
        // be reported need their last events in any case.
        if !pace.isBusy || !pipeline.replaced.isEmpty { kernel?.collectEvents() }
        kernel?.takeEvents(
            &pipeline.timeline, &said, tellsAll: pipeline.sink.report.readsKernelEvents, isBehind: isBehind,
            ending: pipeline.replaced)
        for event in said {
            pipeline.take(event)
            // The socket of the translated connection can be read now.
            if case .translated = event.kind { pipeline.hasNewStates = true }
        }
        said.removeAll(keepingCapacity: true)
        // Promptly: a process that ends at once can be judged only while it exists.
        kernel?.judgeProcesses()
        if let complaint = kernel?.complaintOfLoss() { warnings.append(complaint) }
        try writeRecords()
    }

    /// Writes what was learned of the kernel behind the frames that it was joined to.
    private mutating func writeRecords() throws(TraceError) {
        do throws(CaptureWriteError) { try output?.release(kernel?.join) } catch { throw .output(error) }
        try kernel?.writeRecords(to: &output)
    }

    /// Reports connections whose four-tuple has been reused, but only after the kernel's last events of them.
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

    /// Records in the capture file what was reported at `now`.
    private mutating func note(_ found: [ConnectionID], _ settled: Timestamp?, _ now: Timestamp) {
        guard kernel?.isRecording == true, settled != nil || !found.isEmpty else { return }
        let tuples = found.map { pipeline.timeline.connections.name(of: $0).tuple }
        kernel?.note(KernelTelling(now: now, settled: settled, found: tuples))
    }

    /// Reads the kernel's tables if that is due. Returns whether the report may be brought up to date: not while there
    /// are new states and the reading that should confirm them is only a few milliseconds away.
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
        // Everything captured before the reading was complete must be known before the two are compared.
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
        // Without findings only the first and the last reading count.
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
        // Taken out and put back, because changing a second reference would copy the whole value.
        guard var diagnosis = pipeline.sink.diagnosis.take() else { return }
        ports?.answer(&diagnosis, at: now)
        pipeline.sink.diagnosis = diagnosis
    }

    /// Reports connections that are over. Returns the time up to which silence was judged, if any were reported.
    private mutating func reportEnded(_ now: Timestamp) -> Timestamp? {
        // If this program was off the processor for a long time, there are frames whose events have not been collected.
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
        // A reported connection is kept for late segments, and while the kernel has a socket of it (TIME_WAIT).
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

    /// Under a flood of short connections, stops watching their TIME_WAITs before the end: joining the tables would be
    /// too slow.
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

    /// Takes in what is still there, reports everything that is open, and closes the file. Further calls do nothing.
    public mutating func finish() throws(TraceError) {
        guard !isFinished else { return }
        isFinished = true
        var failure: TraceError?
        // Resets the pace, so that the last events are collected, too: their frames have been captured.
        pace = LivePace()
        // A last reading at any cost: open connections are reported with it.
        pipeline.hasNewStates = true
        kernel?.expedite()
        kernel?.hurryEvents()
        if kernel?.eventsEnd == nil { kernel?.eventsEnd = wallClockNow() }
        do throws(TraceError) { try work(isLast: true) } catch { failure = error }
        kernel?.stopEvents()
        pipeline.endFragments()
        // Rows that still wait for further events get nothing more.
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

    /// The totals; complete after `finish`.
    var overview: TraceOverview { pipeline.sink.overview }

    /// The findings named by `--fail-on`, as sentences for standard error.
    public var unwantedFindings: [String] { pipeline.sink.unwanted.sentences }

    /// A sentence for standard error if no process chosen by `--pid` and `--pname` had a connection; nil if one had.
    public var unmetChoice: String? { pipeline.sink.choice.sentence }

    /// The number of connections that are the same as others, seen on the other side of an address translation.
    var translatedCount: UInt64 { pipeline.timeline.translatedCount }

    /// From now on this process and its descendants are the traced command.
    mutating func follow(_ command: Int32) { kernel?.follow(command) }

    /// Remembers processes that were the command's descendants; /proc no longer has them.
    mutating func remember(ofCommand ended: [Int32]) { kernel?.remember(ofCommand: ended) }

    /// Whether the command has a connection that is not over.
    var hasOpenConnectionOfCommand: Bool { kernel?.join.hasOpenConnectionOfCommand(pipeline.timeline) ?? false }
}
