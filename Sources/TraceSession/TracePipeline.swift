// The way of one frame, the same live and on replay: what is in it is observed, and told to who wants to hear of it.

import Glibc
import PacketSource
import TCPMachine
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

struct TracePipeline<Sink: TraceSink & ~Copyable>: ~Copyable {
    var timeline: Timeline
    /// Hears of all that is found out.
    var sink: Sink
    var counts = CaptureCounts()
    private var intake: FrameIntake
    /// ICMP errors about segments of connections that are not known.
    private var strayErrors = StrayErrors()
    /// The number of the latest frame.
    var frame: UInt64 = 0
    var lastTime: Timestamp?
    /// Connections that are asked for and ended, by FIN or RST.
    private(set) var endedCount: UInt64 = 0
    /// Live: when as many of them had ended as are asked for. Who begins later is no part of the trace.
    private(set) var closedToNew: Timestamp?
    /// Whether the latest frame was left out for that.
    private(set) var isLeftOut = false
    /// Set by every transition; the live loop reads the kernel's tables then.
    var hasNewStates = false
    /// What the latest frame did, if it has a segment and that is noted.
    private(set) var mark: FrameMark?
    /// Whether that is noted.
    var notesMarks = false
    /// Connections seen for the first time since the live loop last looked.
    var newConnections: [ConnectionID] = []
    /// Connections whose responders sent their first text or FIN since then, and when.
    var answered: [(id: ConnectionID, time: Timestamp)] = []
    /// Connections that were found to be redirected since then, and what their clients called.
    var redirected: [(id: ConnectionID, called: SocketAddress)] = []
    private var redirections: Redirections
    /// Whether to note these for the live loop.
    private let isLive: Bool
    /// On replay: the kernel's side, where a capture file has it.
    private(set) var recorded: RecordedKernel?
    /// On replay of a capture that runs: connections that were reported and are kept for late segments.
    var reported = ReportedQueue()
    var reviews = ReviewRounds()
    /// Batches since it said the last time what was told.
    private var batchesUntold = 0
    /// Connections whose four-tuple is another's now: where the kernel is heard, they are kept until its last events of them are there.
    var replaced: [ConnectionID] = []

    /// Connections to keep at most; beyond, the least useful one is reported and forgotten.
    let connectionLimit: Int
    private(set) var evicted: UInt64 = 0
    let needs: TraceNeeds
    private let selection: ConnectionSelection
    /// Whether somebody waits for so many ends, and whose have been counted.
    private let countsEnds: Bool
    /// Live: how many ends are waited for, where each of all connections counts. Whose they are may be known later than that they ended.
    private let endLimit: UInt64?
    private var counted: Set<UInt64> = []
    private let flowHash: FlowHash
    private var isOpen = false
    /// Live, where link headers are shown: the interfaces of this host.
    private let devices: DeviceNames?

    /// A live trace's, with statistics kept in the timeline where they are needed.
    init(live sink: consuming Sink, _ needs: TraceNeeds, _ options: TraceOptions) {
        self.init(sink, needs, Timeline(keepsStatistics: needs.statistics), limit: .max, options, isLive: true)
    }

    /// A replay's: it looks after endings as one that is divided by flows does, so that all formats agree on what is one
    /// connection. Statistics are kept by whoever tells of them.
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
            case .segment(let segment):
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

    /// Takes in what a packet that was given up began with, as of the frame that it came in.
    private mutating func observe(_ begun: BegunSegment) {
        let current = frame
        frame = begun.frame
        defer { frame = current }
        let header = FrameHeader(time: begun.time, capturedLength: 0, originalLength: 0, linkType: .raw)
        // Without octets there is no place on the link to tell, and none is needed.
        observe(begun.segment, header, RawSpan())
    }

    /// Nothing more is captured: packets whose fragments have not all come are given up.
    mutating func endFragments() {
        intake.giveUpFragments()
        while let begun = intake.nextBegun() { observe(begun) }
    }

    /// What was not traced.
    var tally: FrameTally {
        var tally = intake.tally
        tally.strayErrors = strayErrors
        return tally
    }

    /// Counts a connection that has ended, if it is one that is asked for: once, though its end may be taken back.
    private mutating func countEnd(_ id: ConnectionID) {
        guard countsEnds, selection.isEverything || selection.shows(timeline[id], recorded?.view(id)),
            counted.insert(timeline.connections.number(of: id)).inserted
        else { return }
        endedCount &+= 1
        if let endLimit, endedCount >= endLimit, closedToNew == nil { closedToNew = lastTime }
    }

    /// Live: so many ended, and no more: the end of another one was taken back. New ones are a part of the trace again.
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

    /// Takes in a segment that a redirection may have given other ends than its connection's.
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
                vantage: segment.ipIdentification == 0 ? linkVantage(bytes, header.linkType) : 0)
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

    /// Whether texts are shown.
    var showsText: Bool { needs.excerpts.text }
    /// Octets of frames that were shown since whoever writes them set this to 0, about.
    var shown = 0

    /// Tells of a segment, with what is shown of its frame. Out of line: nearly always nothing is.
    @inline(never) private mutating func show(_ event: SegmentEvent, _ header: FrameHeader, _ bytes: RawSpan) {
        let isCopy = event.notes.contains(.duplicateFrame)
        let excerpt = intake.excerpt(
            of: event.segment, in: bytes, header, needs.excerpts, isCopy: isCopy, devices: devices)
        shown += excerpt?.size ?? 0
        sink.segment(event, excerpt, timeline.connections)
    }

    /// Reports the connection that a new one replaces, or the least useful one if there are too many.
    private mutating func makeRoom(for new: Timeline.Tracked) {
        guard new.isFirst else { return }
        var gone = new.replaced
        if let old = gone, recorded != nil {
            replaced.append(old)
            gone = nil
            // A file may never say that they were told.
            if replaced.count >= Self.replacedLimit { concludeReplaced() }
        }
        if gone == nil {
            if timeline.trackedCount > connectionLimit && forgetOneReported() { return }
            gone = timeline.leastUseful(besides: new.connection, ifMoreThan: connectionLimit)
            if gone != nil { evicted += 1 }
        }
        if let gone { conclude(gone) }
    }

    /// On replay: reports a connection that is over, unless that was done, and forgets it. Large, and once a connection: not in each caller.
    @inline(never) mutating func conclude(_ id: ConnectionID) {
        if !replaced.isEmpty { replaced.removeAll { $0 == id } }
        if timeline.isReported(id) { sink.forget(id, timeline.connections) } else { finish(id) }
        recorded?.forget(id, timeline)
        timeline.retire(id)
    }

    /// Reports a connection that is over; it may be kept for late segments.
    mutating func finish(
        _ id: ConnectionID, _ kernel: KernelView? = nil, now: Timestamp? = nil, isKept: Bool = false
    ) {
        // Nearly always: then neither views nor a record are copied to say that there are none.
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

    /// Frames were lost before the next one.
    mutating func noteGap(_ count: UInt64) {
        counts.dropped &+= count
        sink.gap(count, at: lastTime)
    }
}

// MARK: The kernel

extension TracePipeline where Sink: ~Copyable {
    /// Takes in what the kernel said.
    mutating func take(_ event: KernelEvent) { sink.kernel(event, timeline.connections) }

    /// On replay: takes in what a capture file says of the kernel.
    mutating func take(kernelRecord payload: [UInt8], usesProcesses: Bool) {
        // Taken out and put back: what it joins changes the timeline.
        var kernel = recorded.take() ?? RecordedKernel(usesProcesses: usesProcesses)
        var said: [KernelEvent] = []
        let taken = kernel.take(payload, &timeline, &said, tellsAll: needs.kernelEvents)
        // Moved: while two have it, each change would copy all of it.
        recorded = consume kernel
        for event in said {
            take(event)
            // The kernel's word alone may end one.
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

    /// On replay: the kernel's last events of connections whose four-tuple is another's are there.
    private mutating func concludeReplaced() {
        let over = replaced
        replaced.removeAll(keepingCapacity: true)
        for id in over { conclude(id) }
    }

    /// On replay: so many frames have come that what was told of those before would be there.
    mutating func endBatch() {
        batchesUntold += 1
        if batchesUntold >= Self.batchesInTurn { concludeReplaced() }
    }

    /// Under a flood a live trace takes in so many batches of a replay before it tells something.
    private static var batchesInTurn: Int { 64 }
    /// Connections whose end is still to be told, at most.
    private static var replacedLimit: Int { 4096 }

    /// On replay: how long an ended connection waits for late segments, and for what the kernel says of it.
    var linger: Int64 { recorded == nil ? ReplaySession.linger : ReportedQueue.keep }

    /// On replay, when memory gets short: of one part of the flows the connection that ended and has been silent for the longest time, however
    /// short; report it, then forget it. Where the kernel is heard, it has as long as a live trace gives it.
    mutating func nextEnded(in part: Int) -> ConnectionID? {
        guard recorded != nil else {
            return timeline.nextExpired(in: part, at: Timestamp(nanoseconds: .max), linger: 0)
        }
        guard let now = lastTime else { return nil }
        return timeline.nextExpired(in: part, at: now, linger: ReportedQueue.linger)
    }

    /// On replay: what the capture file said of the kernel; nil if nothing.
    var kernelCounts: RecordedKernel.Counts? { recorded?.counts }

    /// On replay: what moved among the host's counters in the trace that wrote the file.
    var hostChange: HostCounterChange? { recorded?.total }

    /// Live: tells what is found out by now, and returns of which connections.
    mutating func review<Report>(
        now: Timestamp, _ kernel: KernelJoin?
    ) -> [ConnectionID] where Sink == Teller<Report> {
        sink.review(now: now, timeline.connections, kernel)
    }
}
