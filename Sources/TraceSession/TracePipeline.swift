// The path of one frame, the same live and on replay: its contents are observed, and the sink hears of the results.

import Glibc
import PacketSource
import TCPMachine
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

struct TracePipeline<Sink: TraceSink & ~Copyable>: ~Copyable {
    var timeline: Timeline
    /// Receives all results.
    var sink: Sink
    var counts = CaptureCounts()
    private var intake: FrameIntake
    /// What decides whether a wrong checksum is damage; nil if it always is.
    private var checksumEvidence: ChecksumEvidence?
    /// ICMP errors about segments of unknown connections.
    private var strayErrors = StrayErrors()
    /// The number of the latest frame.
    var frame: UInt64 = 0
    var lastTime: Timestamp?
    /// Connections in the selection that have ended, by FIN or RST.
    private(set) var endedCount: UInt64 = 0
    /// Live: when the requested number of connections had ended. Connections that begin later are not part of the
    /// trace.
    private(set) var closedToNew: Timestamp?
    /// Whether the latest frame was left out for that reason.
    private(set) var isLeftOut = false
    /// Set by every transition; the live loop then reads the kernel's tables.
    var hasNewStates = false
    /// The latest frame's effect, if it has a segment and `notesMarks` is set.
    private(set) var mark: FrameMark?
    /// Whether to record marks.
    var notesMarks = false
    /// Connections first seen since the live loop last looked.
    var newConnections: [ConnectionID] = []
    /// Connections whose responders sent their first text or FIN since the live loop last looked, and when.
    var answered: [(id: ConnectionID, time: Timestamp)] = []
    /// Connections found to be redirected since the live loop last looked, and the addresses that their clients called.
    var redirected: [(id: ConnectionID, called: SocketAddress)] = []
    private var redirections: Redirections
    /// Whether to record these for the live loop.
    private let isLive: Bool
    /// The files of a replay.
    private let files: [String]
    /// On replay: the kernel's side of the connections, if a capture file has it.
    private(set) var recorded: RecordedKernel?
    /// On replay of a capture that is still running: reported connections that are kept for late segments.
    var reported = ReportedQueue()
    var reviews = ReviewRounds()
    /// Batches since the capture file last recorded that the live trace had reported.
    private var batchesUntold = 0
    /// Connections whose four-tuple has been reused. If kernel events are recorded, they are kept until their last ones
    /// have been read.
    var replaced: [ConnectionID] = []

    /// Connections to keep at most; beyond this limit the least useful one is reported and forgotten.
    let connectionLimit: Int
    private(set) var evicted: UInt64 = 0
    let needs: TraceNeeds
    private let selection: ConnectionSelection
    /// Whether the ends of connections are counted towards a limit, and the connections counted so far.
    private let countsEnds: Bool
    /// Live: the number of ends to wait for, where every connection counts. With a selection it is not used, as a
    /// connection's owner may become known only after its end.
    private let endLimit: UInt64?
    private var counted: Set<UInt64> = []
    private let flowHash: FlowHash
    private var isOpen = false
    /// Live, if link headers are shown: the interfaces of this host.
    private let devices: DeviceNames?

    /// A live trace's pipeline; statistics are kept in the timeline if needed.
    init(live sink: consuming Sink, _ needs: TraceNeeds, _ options: TraceOptions) {
        self.init(sink, needs, Timeline(keepsStatistics: needs.statistics), limit: .max, options, isLive: true)
    }

    /// A replay's pipeline. It handles endings as a replay divided by flows does, so that all formats agree on the
    /// boundaries of connections. Statistics are kept outside the timeline, by the code that reports them.
    init(replay sink: consuming Sink, _ needs: TraceNeeds, _ options: TraceOptions) {
        let limit = needs.statistics ? TraceOptions.defaultFullTrackedLimit : TraceOptions.defaultTrackedLimit
        self.init(
            sink, needs, Timeline(endingQueues: ReplayDivision.parts), limit: options.trackedLimit ?? limit, options,
            isLive: false)
    }

    private init(
        _ sink: consuming Sink, _ needs: TraceNeeds, _ timeline: consuming Timeline, limit: Int,
        _ options: TraceOptions, isLive: Bool
    ) {
        flowHash = timeline.flowHash
        self.timeline = timeline
        self.sink = sink
        self.needs = needs
        selection = options.selection
        endLimit = isLive && options.selection.isEverything ? options.connectionLimit : nil
        countsEnds = isLive ? endLimit != nil : options.connectionLimit != nil
        self.isLive = isLive
        files = options.files
        devices = isLive && needs.excerpts.link ? DeviceNames() : nil
        connectionLimit = limit
        redirections = Redirections(isWanted: needs.countsCopiesOnce)
        intake = FrameIntake(
            verifiesChecksums: options.verifiesChecksums, countsIncomplete: needs.countsIncomplete,
            keepsText: needs.excerpts.text)
    }

    /// Takes in a frame that passed the filter. `frame` is its number.
    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        self.frame = frame
        counts.captured &+= 1
        lastTime = header.time
        mark = nil
        isLeftOut = false
        var found = intake.first(in: bytes, header, frame: frame)
        while let item = found {
            switch item {
            case .segment(let found):
                let segment = found.remarks.contains(.badChecksum) ? judged(found, header.time) : found
                if redirections.concerns(segment.flags), LoopbackFrame.mayBe(bytes, header.linkType) {
                    observeRestored(segment, header, bytes)
                } else {
                    observe(segment, header, bytes)
                }
            case .icmp(let error): observe(error, header)
            case .begun(let begun): observe(begun)
            }
            found = intake.next(in: bytes, frame: frame)
        }
    }

    /// Takes in the beginning of a packet that was given up, under the number of the frame it came in.
    private mutating func observe(_ begun: BegunSegment) {
        let current = frame
        frame = begun.frame
        defer { frame = current }
        let header = FrameHeader(time: begun.time, capturedLength: 0, originalLength: 0, linkType: .raw)
        let segment = begun.segment.remarks.contains(.badChecksum) ? judged(begun.segment, begun.time) : begun.segment
        // Without octets there is no place on the link to determine, and none is needed.
        observe(segment, header, RawSpan())
    }

    /// Looks for damaged segments with this evidence, unless every checksum is verified.
    mutating func judgeChecksums(by evidence: ChecksumEvidence) {
        guard !intake.verifiesChecksums else { return }
        intake.suspectChecksums()
        checksumEvidence = evidence
    }

    /// A segment whose checksum is wrong, without that remark if it is unknown whether its receiver dropped it for that:
    /// a network card may have put it together, and left the checksum alone.
    @inline(never) private mutating func judged(_ segment: Segment, _ time: Timestamp) -> Segment {
        checksumEvidence?.isDropped(segment, capturedAt: time) == false ? intake.acquit(segment) : segment
    }

    /// The capture has ended: gives up packets whose fragments did not all arrive.
    mutating func endFragments() {
        intake.giveUpFragments()
        while let begun = intake.nextBegun() { observe(begun) }
    }

    /// Counts of what was not traced.
    var tally: FrameTally {
        var tally = intake.tally
        tally.strayErrors = strayErrors
        return tally
    }

    /// Counts the end of a connection in the selection, once, even if the end is later revoked.
    private mutating func countEnd(_ id: ConnectionID) {
        guard countsEnds, selection.isEverything || selection.shows(timeline[id], recorded?.view(id)),
            counted.insert(timeline.connections.number(of: id)).inserted
        else { return }
        endedCount &+= 1
        if let endLimit, endedCount >= endLimit, closedToNew == nil { closedToNew = lastTime }
    }

    /// Live: only `count` connections have ended after all, because another one's end was revoked. New ones belong to
    /// the trace again.
    mutating func openToNew(ended count: UInt64) {
        closedToNew = nil
        endedCount = count
    }

    private mutating func observe(_ error: ICMPError, _ header: FrameHeader) {
        guard let event = timeline.observe(error, time: header.time, frame: frame) else {
            strayErrors.note(error, frame: frame)
            return
        }
        if event.ended {
            countEnd(event.connection)
            recorded?.end(event.connection, timeline)
        }
        if isLive && event.reaction.count > 0 { hasNewStates = true }
        sink.icmp(event, timeline.connections)
    }

    /// Takes in a segment whose endpoints a redirection may have changed.
    @inline(never) private mutating func observeRestored(
        _ captured: Segment, _ header: FrameHeader, _ bytes: RawSpan
    ) {
        var segment = captured
        let found = redirections.restore(&segment, time: header.time)
        observe(segment, header, bytes)
        guard let found, found.isNew, let id = timeline.note(answer: segment.tuple, called: found.called) else {
            return
        }
        if isLive { redirected.append((id, found.called)) }
        recorded?.note(id, called: found.called, timeline)
        sink.redirected(id, from: found.called, timeline.connections)
    }

    private mutating func observe(_ segment: Segment, _ header: FrameHeader, _ bytes: RawSpan) {
        if !isOpen {
            isOpen = true
            sink.opens(at: header.time)
        }
        let hash = flowHash.hash(segment.tuple)
        if closedToNew != nil && timeline.isNewcomer(segment, hash: hash) {
            isLeftOut = true
            return
        }
        let tracked =
            needs.countsCopiesOnce
            ? timeline.trackOnce(
                segment, hash: hash, time: header.time, frame: frame, interface: header.interface,
                vantage: neededVantage(bytes, header.linkType, identification: segment.ipIdentification))
            : timeline.track(segment, hash: hash, time: header.time, frame: frame, interface: header.interface)
        if tracked.ended { countEnd(tracked.connection) }
        if notesMarks && mark == nil { mark = FrameMark(tracked, segment, timeline) }
        if isLive {
            if tracked.hasTransitions { hasNewStates = true }
            if tracked.isFirst { newConnections.append(tracked.connection) }
            if let old = tracked.replaced { replaced.append(old) }
            if timeline.isFirstAnswer(segment, tracked) { answered.append((tracked.connection, header.time)) }
        } else if recorded != nil {
            if tracked.isFirst { recorded?.watch(tracked.connection, timeline) }
            if timeline.isFirstAnswer(segment, tracked) { recorded?.noteAnswer(tracked.connection, header.time) }
            if tracked.ended { recorded?.end(tracked.connection, timeline) }
        }
        guard needs.segments else {
            if !isLive { makeRoom(for: tracked) }
            return
        }
        let cut = min(
            segment.payloadLength, header.originalLength - min(header.originalLength, header.capturedLength))
        let event = timeline.event(of: tracked, segment, time: header.time, frame: frame, cutOctets: cut)
        if !isLive { makeRoom(for: tracked) }
        if needs.excerpts.isNothing {
            sink.segment(event, timeline.connections)
        } else {
            show(event, header, bytes)
        }
    }

    /// Whether payload is shown.
    var showsText: Bool { needs.excerpts.text }
    /// Approximate number of octets in excerpts delivered since the writer last reset this to 0.
    var shown = 0

    /// Reports a segment with the excerpt of its frame. Out of line because excerpts are rarely requested.
    @inline(never) private mutating func show(_ event: SegmentEvent, _ header: FrameHeader, _ bytes: RawSpan) {
        let isCopy = event.notes.contains(.duplicateFrame)
        let excerpt = intake.excerpt(
            of: event.segment, in: bytes, header, needs.excerpts, isCopy: isCopy, devices: devices)
        shown += excerpt?.size ?? 0
        sink.segment(event, excerpt, timeline.connections)
    }

    /// Concludes the connection that a new one replaces, or the least useful one if there are too many.
    private mutating func makeRoom(for new: Timeline.Tracked) {
        guard new.isFirst else { return }
        var gone = new.replaced
        if let old = gone, recorded != nil {
            replaced.append(old)
            gone = nil
            // The file may never record that their events are complete.
            if replaced.count >= Self.replacedLimit { concludeReplaced() }
        }
        if gone == nil {
            if timeline.trackedCount > connectionLimit && forgetOneReported() { return }
            gone = timeline.leastUseful(besides: new.connection, ifMoreThan: connectionLimit)
            if gone != nil { evicted += 1 }
        }
        if let gone { conclude(gone) }
    }

    /// On replay: reports a finished connection, unless that was done before, and forgets it. Not inlined: it is large
    /// and runs once per connection.
    @inline(never) mutating func conclude(_ id: ConnectionID) {
        if !replaced.isEmpty { replaced.removeAll { $0 == id } }
        if timeline.isReported(id) { sink.forget(id, timeline.connections) } else { finish(id) }
        recorded?.forget(id, timeline)
        timeline.retire(id)
    }

    /// Reports a finished connection, which may be kept for late segments.
    mutating func finish(
        _ id: ConnectionID, _ kernel: KernelView? = nil, now: Timestamp? = nil, isKept: Bool = false
    ) {
        // The usual case: it avoids copying views or a record just to find that there are none.
        guard recorded != nil else {
            return sink.finish(
                id, timeline.connections, as: nil, kernel, now: now ?? lastTime ?? timeline[id].lastTime,
                isKept: isKept)
        }
        let report = recorded?.report(id, timeline)
        sink.finish(
            id, timeline.connections, as: report?.record, kernel ?? report?.view ?? recorded?.view(id),
            now: now ?? report?.time ?? lastTime ?? timeline[id].lastTime, isKept: isKept)
    }

    /// Notes that `count` frames were lost before the next one.
    mutating func noteGap(_ count: UInt64) {
        counts.dropped &+= count
        sink.gap(count, at: lastTime)
    }
}

// MARK: The kernel

extension TracePipeline where Sink: ~Copyable {
    /// Takes in an event reported by the kernel.
    mutating func take(_ event: KernelEvent) { sink.kernel(event, timeline.connections) }

    /// On replay: takes in a kernel record of a capture file.
    mutating func take(kernelRecord payload: [UInt8], usesProcesses: Bool) {
        if recorded == nil { judgeChecksums(by: ChecksumEvidence(files: files)) }
        // Taken out and put back, because joining changes the timeline.
        var kernel = recorded.take() ?? RecordedKernel(usesProcesses: usesProcesses)
        var said: [KernelEvent] = []
        let taken = kernel.take(payload, &timeline, &said, tellsAll: needs.kernelEvents)
        // Moved: with two owners, each change would copy the whole value.
        recorded = consume kernel
        for event in said {
            take(event)
            // The kernel's report alone may end a connection.
            switch event.kind {
            case .dropped, .uncaptured:
                guard timeline.isEnded(event.connection) else { continue }
                countEnd(event.connection)
                recorded?.end(event.connection, timeline)
            case .state, .owner, .notAccepted, .accepted, .contradiction, .translated, .traced: break
            }
        }
        switch taken {
        case .joined(let time):
            lastTime = max(lastTime ?? time, time)
        case .told(let time, let found):
            lastTime = max(lastTime ?? time, time)
            batchesUntold = 0
            concludeReplaced()
            for id in found { sink.review(id, timeline.connections, recorded?.view(id), now: time) }
        case .counters(let change): sink.counters(change)
        case .nothing: break
        }
    }

    /// On replay: concludes connections whose four-tuple was reused, now that the kernel's last events of them have
    /// been read.
    private mutating func concludeReplaced() {
        let over = replaced
        replaced.removeAll(keepingCapacity: true)
        for id in over { conclude(id) }
    }

    /// On replay: a batch of frames has ended. After enough of them, kernel events about replaced connections would
    /// have been read.
    mutating func endBatch() {
        batchesUntold += 1
        if batchesUntold >= Self.batchesInTurn { concludeReplaced() }
    }

    /// Under a flood, a live trace takes in this many of a replay's batches before it reports.
    private static var batchesInTurn: Int { 64 }
    /// Replaced connections that may wait to be concluded, at most.
    private static var replacedLimit: Int { 4096 }

    /// On replay: how long an ended connection waits for late segments and for kernel events, in nanoseconds.
    var linger: Int64 { recorded == nil ? ReplaySession.linger : ReportedQueue.keep }

    /// On replay, when memory runs short: the ended connection of one part of the flows that has been silent longest,
    /// however short that is; the caller reports and forgets it. With recorded kernel events, it is kept at least as
    /// long as in a live trace.
    mutating func nextEnded(in part: Int) -> ConnectionID? {
        guard recorded != nil else {
            return timeline.nextExpired(in: part, at: Timestamp(nanoseconds: .max), linger: 0)
        }
        guard let now = lastTime else { return nil }
        return timeline.nextExpired(in: part, at: now, linger: ReportedQueue.linger)
    }

    /// On replay: counts of the kernel records in the capture file; nil if there were none.
    var kernelCounts: RecordedKernel.Counts? { recorded?.counts }

    /// On replay: the host counters that changed during the trace that wrote the file.
    var hostChange: HostCounterChange? { recorded?.total }

    /// Live: reports what can be found out by now, and returns the connections concerned.
    mutating func review<Report>(
        now: Timestamp, _ kernel: KernelJoin?
    ) -> [ConnectionID] where Sink == ReportSink<Report> {
        sink.review(now: now, timeline.connections, kernel)
    }
}
