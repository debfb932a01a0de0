// The way of one frame, the same live and on replay: decode, observe, report.

import Glibc
import PacketSource
import TCPMachine
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

/// What became of frames that are no segments. Nothing is dropped silently: these are shown at the end.
struct FrameTally: Sendable {
    /// Frames that are something else than TCP: normal.
    var otherTraffic: UInt64 = 0
    /// Later fragments, whose connection cannot be told without reassembly.
    var fragments: UInt64 = 0
    /// Frames of link types that cannot be decoded.
    var unsupported: UInt64 = 0
    /// Frames that are damaged.
    var damaged: UInt64 = 0
    /// Where the first damaged one is, and what is wrong with it.
    var firstDamage: (frame: UInt64, error: DecodeError)?

    mutating func note(_ kind: OtherTraffic) {
        switch kind {
        case .fragment: fragments &+= 1
        case .unsupportedLinkType: unsupported &+= 1
        default: otherTraffic &+= 1
        }
    }

    mutating func note(_ error: DecodeError, frame: UInt64) {
        damaged &+= 1
        if firstDamage == nil { firstDamage = (frame, error) }
    }
}

struct TracePipeline<Report: TraceReport>: ~Copyable {
    var timeline: Timeline
    var report: Report
    var out = OutputBuffer(capacity: 1 << 17)
    var counts = CaptureCounts()
    var tally = FrameTally()
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
    private let interest: SegmentInterest
    private let flowHash: FlowHash
    private var isOpen = false

    init(report: Report, isLive: Bool, connectionLimit: Int = .max) {
        // A replay looks after endings as a divided one does, so that all formats agree on what is one connection.
        timeline = Timeline(endingQueues: isLive ? 1 : ReplayDivision.parts)
        flowHash = timeline.flowHash
        interest = isLive ? .every : report.interest
        self.connectionLimit = connectionLimit
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
            decoded = try decodeFrame(bytes, header)
        } catch {
            tally.note(error, frame: frame)
            return
        }
        switch decoded {
        case .segment(let segment): observe(segment, header)
        case .other(let kind): tally.note(kind)
        }
    }

    private mutating func observe(_ segment: Segment, _ header: FrameHeader) {
        if !isOpen {
            isOpen = true
            report.opens(at: header.time)
        }
        let tracked = timeline.track(
            segment, hash: flowHash.hash(segment.tuple), time: header.time, frame: frame, interface: header.interface)
        if tracked.ended { endedCount &+= 1 }
        if tracked.isFirst && !isLive { makeRoom(for: tracked) }
        guard interest == .every || interest == .transitions && tracked.hasTransitions else { return }
        let event = timeline.event(of: tracked, segment, time: header.time, frame: frame)
        if isLive {
            if event.hasTransitions { hasNewStates = true }
            if event.isFirst { newConnections.append(event.connection) }
            if let old = event.replaced { replaced.append(old) }
        }
        report.segment(event, timeline, &out)
    }

    /// Reports the connection that a new one replaces, or the least useful one if there are too many.
    private mutating func makeRoom(for new: Timeline.Tracked) {
        var gone = new.replaced
        if gone == nil && timeline.trackedCount > connectionLimit {
            gone = timeline.leastUseful(besides: new.connection)
            if gone != nil { evicted += 1 }
        }
        guard let gone else { return }
        report.finish(gone, timeline, nil, &out)
        timeline.retire(gone)
    }

    /// Frames were lost before the next one.
    mutating func noteGap(_ count: UInt64) {
        counts.dropped &+= count
        report.gap(count, at: lastTime, &out)
    }
}

/// The sentences for what was not traced, for standard error; none if everything was TCP.
func tallySentences(_ tally: FrameTally) -> [String] {
    var sentences: [String] = []
    func plural(_ count: UInt64) -> String { count == 1 ? "1 frame was" : "\(count) frames were" }
    if tally.otherTraffic > 0 { sentences.append("\(plural(tally.otherTraffic)) not TCP") }
    if tally.fragments > 0 { sentences.append("\(plural(tally.fragments)) later IP fragments, not reassembled") }
    if tally.unsupported > 0 { sentences.append("\(plural(tally.unsupported)) of a link type that is not decoded") }
    if tally.damaged > 0 {
        var text = "\(plural(tally.damaged)) damaged and not traced"
        if let first = tally.firstDamage { text += "; the first is frame \(first.frame): \(first.error)" }
        sentences.append(text)
    }
    return sentences
}
