// Wireshark's analysis for every active four-tuple, and for a bounded number of ended ones.

import TCPModel
import TCPTimeline

/// For Wireshark a four-tuple has no end: late segments and the next SYN are judged by what came before. An analysis
/// therefore outlives its connection, but the number of such analyses is limited.
struct FlowAnalyses {
    private struct Flow {
        var analysis: WiresharkAnalysis
        var lastFrame: UInt64 = 0

        mutating func take(_ event: SegmentEvent) -> AnalysisFlags {
            lastFrame = event.frame
            return analysis.analyse(event.segment, time: event.time)
        }
    }

    /// The number of analyses that are kept after their connections have ended.
    private let keptAfterEnd: Int

    private var flows: [FlowKey: Flow] = [:]
    /// A ring of ended four-tuples, with the last frame that each had at that time.
    private var ended: [(key: FlowKey, lastFrame: UInt64)] = []
    private var oldest = 0

    /// An empty collection, with the capacity for one of `parts` partial reports.
    init(parts: Int = 1) { keptAfterEnd = 32_768 / parts }

    /// Wireshark's analysis flags for a segment.
    mutating func analyse(_ event: SegmentEvent) -> AnalysisFlags? {
        let segment = event.segment
        let new = Flow(analysis: WiresharkAnalysis(first: segment))
        return flows[FlowKey(segment.tuple), default: new].take(event)
    }

    /// Notes that a connection ended, and discards the four-tuple that ended longest ago if there are too many.
    mutating func finish(_ tuple: FourTuple) {
        let key = FlowKey(tuple)
        guard let flow = flows[key] else { return }
        guard ended.count == keptAfterEnd else { return ended.append((key, flow.lastFrame)) }
        let (old, lastFrame) = ended[oldest]
        // Unless it has had segments since.
        if let flow = flows[old], flow.lastFrame == lastFrame { flows[old] = nil }
        ended[oldest] = (key, flow.lastFrame)
        oldest = (oldest + 1) % keptAfterEnd
    }
}
