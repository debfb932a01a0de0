// The way of one frame, the same live and on replay: decode, observe, report.

import Glibc
import PacketSource
import TCPDiagnosis
import TCPMachine
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

/// What became of frames that are no segments. Nothing is dropped silently: these are shown at the end.
struct FrameTally: Sendable {
    /// Frames that are something else than TCP: normal.
    var otherTraffic: UInt64 = 0
    /// ICMP errors about segments of connections that are not known.
    var strayErrors: UInt64 = 0
    /// What became of IP fragments.
    var fragments = FragmentCounts()
    /// Frames of link types that cannot be decoded.
    var unsupported: UInt64 = 0
    /// Frames that are damaged.
    var damaged: UInt64 = 0
    /// Where the first damaged one is, and what is wrong with it.
    var firstDamage: (frame: UInt64, error: DecodeError)?
}

struct TracePipeline<Report: TraceReport>: ~Copyable {
    var timeline: Timeline
    var report: Report
    var out = OutputBuffer(capacity: 1 << 17)
    /// Finds causes, if anybody wants to know.
    var diagnosis: Diagnosis?
    var counts = CaptureCounts()
    var tally = FrameTally()
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

    init(report: Report, isLive: Bool, failOn: Set<FindingCode> = []) {
        timeline = Timeline(keepsStatistics: report.readsStatistics)
        self.report = report
        self.isLive = isLive
        if report.wantsFindings || !failOn.isEmpty { diagnosis = Diagnosis(isLive: isLive) }
    }

    /// Takes in a frame that passed the filter. `frame` is its number.
    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        self.frame = frame
        counts.captured &+= 1
        lastTime = header.time
        var decoded: DecodedFrame
        do {
            decoded = try decodeFrame(bytes, header)
            if case .fragment(let fragment) = decoded { decoded = try fragments.take(fragment, bytes, at: header.time) }
        } catch {
            tally.damaged &+= 1
            if tally.firstDamage == nil { tally.firstDamage = (frame, error) }
            return
        }
        switch decoded {
        case .segment(let segment): observe(segment, header, bytes)
        case .icmp(let error): observe(error, header)
        case .fragment: break
        case .other(let kind): note(kind)
        }
    }

    /// What was not traced.
    var finalTally: FrameTally {
        var tally = tally
        tally.fragments = fragments.counts
        tally.fragments.expired += UInt64(fragments.unfinished)
        return tally
    }

    private mutating func note(_ kind: OtherTraffic) {
        switch kind {
        // Counted where they are gathered.
        case .fragment: break
        case .unsupportedLinkType: tally.unsupported &+= 1
        default: tally.otherTraffic &+= 1
        }
    }

    private mutating func observe(_ error: ICMPError, _ header: FrameHeader) {
        guard let event = timeline.observe(error, time: header.time, frame: frame) else {
            tally.strayErrors &+= 1
            return
        }
        if event.ended { endedCount &+= 1 }
        if isLive && event.reaction.count > 0 { hasNewStates = true }
        report.icmp(event, timeline, &out)
    }

    private mutating func observe(_ segment: Segment, _ header: FrameHeader, _ bytes: RawSpan) {
        let cut = min(
            segment.payloadLength, header.originalLength - min(header.originalLength, header.capturedLength))
        let event =
            report.countsCopiesOnce
            ? timeline.observeOnce(
                segment, time: header.time, frame: frame, interface: header.interface, cutOctets: cut,
                vantage: { linkVantage(bytes, header.linkType) })
            : timeline.observe(
                segment, time: header.time, frame: frame, interface: header.interface, cutOctets: cut)
        diagnosis?.observe(event, timeline)
        if event.ended { endedCount &+= 1 }
        if isLive {
            if event.hasTransitions { hasNewStates = true }
            if event.isFirst { newConnections.append(event.connection) }
            if let old = event.replaced { replaced.append(old) }
        } else if let old = event.replaced {
            finish(old, nil)
            timeline.retire(old)
        }
        report.segment(event, timeline, &out)
    }

    /// Takes in what the kernel said.
    mutating func take(_ event: KernelEvent) {
        diagnosis?.observe(event, timeline)
        report.kernel(event, timeline, &out)
    }

    /// Live: tells what is found out by now.
    mutating func review(now: Timestamp, _ kernel: KernelJoin?) {
        for finding in diagnosis?.review(now: now, timeline, kernel) ?? [] { report.finding(finding, timeline, &out) }
    }

    /// Reports a connection that is over, its findings first.
    mutating func finish(_ id: ConnectionID, _ kernel: KernelView?, now: Timestamp? = nil) {
        let now = now ?? lastTime ?? timeline[id].lastTime
        for finding in diagnosis?.conclude(id, timeline, kernel, now: now) ?? [] {
            report.finding(finding, timeline, &out)
        }
        report.finish(id, timeline, kernel, &out)
    }

    /// Whether one of these findings was made.
    func hasFailed(_ codes: Set<FindingCode>) -> Bool {
        codes.contains { (diagnosis?.counts[$0] ?? 0) > 0 }
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
    if tally.strayErrors > 0 {
        sentences.append(
            tally.strayErrors == 1
                ? "1 frame was an ICMP error about no known connection"
                : "\(tally.strayErrors) frames were ICMP errors about no known connection")
    }
    if let text = fragmentSentence(tally.fragments) { sentences.append(text) }
    if tally.unsupported > 0 { sentences.append("\(plural(tally.unsupported)) of a link type that is not decoded") }
    if tally.damaged > 0 {
        var text = "\(plural(tally.damaged)) damaged and not traced"
        if let first = tally.firstDamage { text += "; the first is frame \(first.frame): \(first.error)" }
        sentences.append(text)
    }
    return sentences
}

/// What became of IP fragments; nil if there were none.
private func fragmentSentence(_ counts: FragmentCounts) -> String? {
    guard counts.fragments > 0 else { return nil }
    func packets(_ count: UInt64) -> String { count == 1 ? "1 packet" : "\(count) packets" }
    var parts = ["\(packets(counts.reassembled)) put together"]
    if counts.expired > 0 { parts.append("\(packets(counts.expired)) not complete") }
    if counts.evicted > 0 { parts.append("\(packets(counts.evicted)) given up, too many at a time") }
    if counts.overlapping > 0 { parts.append("\(packets(counts.overlapping)) with overlapping fragments") }
    if counts.invalid > 0 { parts.append("\(counts.invalid) contradictory") }
    let frames = counts.fragments == 1 ? "1 frame was an IP fragment" : "\(counts.fragments) frames were IP fragments"
    return "\(frames): " + parts.joined(separator: ", ")
}
