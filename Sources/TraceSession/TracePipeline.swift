// The way of one frame, the same live and on replay: decode, observe, report.

import Glibc
import PacketSource
import TCPDiagnosis
import TCPMachine
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

struct TracePipeline<Report: TraceReport>: ~Copyable {
    var timeline: Timeline
    var report: Report
    var out = OutputBuffer(capacity: 1 << 17)
    /// Finds causes, if anybody wants to know.
    var diagnosis: Diagnosis?
    var counts = CaptureCounts()
    private var tally = FrameTally()
    /// IP packets whose fragments have not all come.
    private var fragments = FragmentReassembly()
    /// The number of the latest frame.
    var frame: UInt64 = 0
    var lastTime: Timestamp?
    /// Connections that ended, by FIN or RST.
    var endedCount: UInt64 = 0
    /// Set by every transition; the live loop reads the kernel's tables then.
    var hasNewStates = false
    /// Connections seen for the first time since the live loop last looked.
    var newConnections: [ConnectionID] = []
    /// Whether to note new connections and keep replaced ones for the live loop.
    let isLive: Bool
    var replaced: [ConnectionID] = []

    /// Connections to keep at most; beyond, the least useful one is reported and forgotten.
    let connectionLimit: Int
    private(set) var evicted: UInt64 = 0
    private let readsSegments: Bool
    private let flowHash: FlowHash
    private var isOpen = false
    /// Whether checksums are verified.
    private let verifiesChecksums: Bool
    /// Those of `--fail-on`.
    private var unwanted: UnwantedFindings

    init(report: Report, _ options: TraceOptions, isLive: Bool) {
        unwanted = UnwantedFindings(options.failOn)
        let wantsFindings = report.wantsFindings || !options.failOn.isEmpty
        // A replay looks after endings as a divided one does, so that all formats agree on what is one connection. Some
        // findings rest on statistics: all formats are to agree on those as well.
        let keepsStatistics = report.readsStatistics || wantsFindings
        timeline = Timeline(endingQueues: isLive ? 1 : ReplayDivision.parts, keepsStatistics: keepsStatistics)
        flowHash = timeline.flowHash
        if wantsFindings { diagnosis = Diagnosis(isLive: isLive) }
        readsSegments = isLive || keepsStatistics || report.readsSegments
        let replayLimit =
            keepsStatistics ? TraceOptions.defaultFullTrackedLimit : TraceOptions.defaultTrackedLimit
        connectionLimit = isLive ? .max : options.trackedLimit ?? replayLimit
        verifiesChecksums = options.verifiesChecksums
        self.report = report
        self.isLive = isLive
    }

    /// Takes in a frame that passed the filter. `frame` is its number.
    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        self.frame = frame
        counts.captured &+= 1
        lastTime = header.time
        let decoded: DecodedFrame
        do {
            decoded = try decodeFrame(bytes, header, verifyingChecksums: verifiesChecksums)
        } catch {
            return tally.note(error, frame: frame)
        }
        switch decoded {
        case .segment(let segment): observe(segment, header, bytes)
        case .icmp(let error): observe(error, header)
        case .fragment(let fragment): take(fragment, header, bytes)
        case .aggregate(let several): take(several, header, bytes)
        case .other(let kind): tally.note(kind)
        }
    }

    /// Takes in a frame with several packets.
    @inline(never) private mutating func take(_ several: Aggregate, _ header: FrameHeader, _ bytes: RawSpan) {
        var several = several
        while true {
            do throws(DecodeError) {
                guard let decoded = try several.next(bytes) else { break }
                switch decoded {
                case .segment(let segment): observe(segment, header, bytes)
                case .icmp(let error): observe(error, header)
                // Do not come out of there.
                case .fragment, .aggregate: break
                case .other(let kind): tally.note(kind)
                }
            } catch {
                tally.note(error, frame: frame)
            }
        }
        tally.leftOut &+= several.leftOut
    }

    /// Takes in a fragment, and what it completes.
    @inline(never) private mutating func take(_ fragment: Fragment, _ header: FrameHeader, _ bytes: RawSpan) {
        do {
            switch try fragments.take(fragment, bytes, at: header.time, frame: frame) {
            case .segment(let segment): return observe(segment, header, bytes)
            case .icmp(let error): observe(error, header)
            // Do not come out of there.
            case .fragment, .aggregate: break
            case .other(let kind): tally.note(kind)
            }
        } catch {
            tally.note(error, frame: frame)
        }
        // One for each fragment that completes nothing, as in a divided replay, which counts connections by frames.
        observeBegun()
    }

    /// Takes in what a packet that was given up began with; false if there is none.
    @discardableResult private mutating func observeBegun() -> Bool {
        guard let begun = fragments.nextBegun() else { return false }
        guard report.countsIncomplete else { return true }
        let current = frame
        frame = begun.frame
        defer { frame = current }
        let header = FrameHeader(time: begun.time, capturedLength: 0, originalLength: 0, linkType: .raw)
        // Without octets there is no place on the link to tell, and none is needed.
        observe(begun.segment, header, RawSpan())
        return true
    }

    /// Nothing more is captured: packets whose fragments have not all come are given up.
    mutating func endFragments() {
        fragments.giveUpAll()
        while observeBegun() {}
    }

    /// What was not traced.
    var finalTally: FrameTally { tally.with(fragments) }

    private mutating func observe(_ error: ICMPError, _ header: FrameHeader) {
        guard let event = timeline.observe(error, time: header.time, frame: frame) else {
            tally.strayErrors &+= 1
            return
        }
        if event.ended { endedCount &+= 1 }
        if isLive && event.reaction.count > 0 { hasNewStates = true }
        diagnosis?.observe(event, timeline)
        report.icmp(event, timeline, &out)
    }

    private mutating func observe(_ segment: Segment, _ header: FrameHeader, _ bytes: RawSpan) {
        if !isOpen {
            isOpen = true
            report.opens(at: header.time)
        }
        if segment.remarks.contains(.badChecksum) { tally.badChecksums &+= 1 }
        let hash = flowHash.hash(segment.tuple)
        let tracked =
            report.countsCopiesOnce
            ? timeline.trackOnce(
                segment, hash: hash, time: header.time, frame: frame, interface: header.interface,
                vantage: segment.ipIdentification == 0 ? linkVantage(bytes, header.linkType) : 0)
            : timeline.track(segment, hash: hash, time: header.time, frame: frame, interface: header.interface)
        if tracked.ended { endedCount &+= 1 }
        guard readsSegments else { return makeRoom(for: tracked) }
        let cut = min(
            segment.payloadLength, header.originalLength - min(header.originalLength, header.capturedLength))
        let event = timeline.event(of: tracked, segment, time: header.time, frame: frame, cutOctets: cut)
        diagnosis?.observe(event, timeline)
        if isLive {
            if event.hasTransitions { hasNewStates = true }
            if event.isFirst { newConnections.append(event.connection) }
            if let old = event.replaced { replaced.append(old) }
        } else {
            makeRoom(for: tracked)
        }
        report.segment(event, timeline, &out)
    }

    /// Reports the connection that a new one replaces, or the least useful one if there are too many.
    private mutating func makeRoom(for new: Timeline.Tracked) {
        guard new.isFirst else { return }
        var gone = new.replaced
        if gone == nil {
            gone = timeline.leastUseful(besides: new.connection, ifMoreThan: connectionLimit)
            if gone != nil { evicted += 1 }
        }
        guard let gone else { return }
        finish(gone, nil)
        timeline.retire(gone)
    }

    /// Whether anybody wants to hear of each event of the kernel's, and not only of its contradictions and of sockets that it
    /// dropped.
    var readsKernelEvents: Bool { report.readsKernelEvents }

    /// Takes in what the kernel said.
    mutating func take(_ event: KernelEvent) {
        diagnosis?.observe(event, timeline)
        report.kernel(event, timeline, &out)
    }

    /// Live: tells what is found out by now.
    mutating func review(now: Timestamp, _ kernel: KernelJoin?) {
        for finding in diagnosis?.review(now: now, timeline, kernel) ?? [] { take(finding) }
    }

    /// Reports a connection that is over, its findings first.
    mutating func finish(_ id: ConnectionID, _ kernel: KernelView?, now: Timestamp? = nil) {
        if diagnosis != nil {
            let now = now ?? lastTime ?? timeline[id].lastTime
            for finding in diagnosis?.conclude(id, timeline, kernel, now: now) ?? [] { take(finding) }
        }
        report.finish(id, timeline, kernel, &out)
    }

    private mutating func take(_ finding: Finding) {
        unwanted.note(finding, timeline)
        report.finding(finding, timeline, &out)
    }

    /// Which findings were made that the user does not want (`--fail-on`), in sentences for standard error; none if there are none.
    var unwantedFindings: [String] { unwanted.sentences }

    /// Frames were lost before the next one.
    mutating func noteGap(_ count: UInt64) {
        counts.dropped &+= count
        report.gap(count, at: lastTime, &out)
    }
}
