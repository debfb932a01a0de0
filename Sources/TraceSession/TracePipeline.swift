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

    init(report: Report, isLive: Bool) {
        timeline = Timeline(keepsStatistics: report.readsStatistics)
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
            tally.damaged &+= 1
            if tally.firstDamage == nil { tally.firstDamage = (frame, error) }
            return
        }
        switch decoded {
        case .segment(let segment): observe(segment, header, bytes)
        case .other(let kind): note(kind)
        }
    }

    private mutating func note(_ kind: OtherTraffic) {
        switch kind {
        case .fragment: tally.fragments &+= 1
        case .unsupportedLinkType: tally.unsupported &+= 1
        default: tally.otherTraffic &+= 1
        }
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
        if event.ended { endedCount &+= 1 }
        if isLive {
            if event.hasTransitions { hasNewStates = true }
            if event.isFirst { newConnections.append(event.connection) }
            if let old = event.replaced { replaced.append(old) }
        } else if let old = event.replaced {
            report.finish(old, timeline, nil, &out)
            timeline.retire(old)
        }
        report.segment(event, timeline, &out)
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
