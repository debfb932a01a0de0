// Wireshark's analysis of every four-tuple at work, and of a bounded number of those that ended.

import TCPModel
import TCPTimeline

/// Wireshark knows no end of a four-tuple: late segments and the next SYN are judged by what came before. So an analysis
/// outlives its connection, but only so many do.
struct FlowAnalyses {
    private struct Flow {
        var analysis: WiresharkAnalysis
        var lastFrame: UInt64 = 0

        mutating func take(_ event: SegmentEvent) -> AnalysisFlags {
            lastFrame = event.frame
            return analysis.analyse(event.segment, time: event.time)
        }
    }

    /// How many analyses are kept after the end of their connections.
    private let keptAfterEnd: Int

    private var flows: [FlowKey: Flow] = [:]
    /// Ended four-tuples in a ring, with the frame that was their last then.
    private var ended: [(key: FlowKey, lastFrame: UInt64)] = []
    private var oldest = 0

    /// No four-tuples, and room for one of `parts` parts of them.
    init(parts: Int = 1) { keptAfterEnd = 32_768 / parts }

    /// What Wireshark says of a segment.
    mutating func analyse(_ event: SegmentEvent) -> AnalysisFlags? {
        let segment = event.segment
        let new = Flow(analysis: WiresharkAnalysis(first: segment))
        return flows[FlowKey(segment.tuple), default: new].take(event)
    }

    /// Notes that a connection ended, and forgets the four-tuple that ended longest ago if there are too many.
    mutating func finish(_ tuple: FourTuple) {
        let key = FlowKey(tuple)
        guard let flow = flows[key] else { return }
        guard ended.count == keptAfterEnd else { return ended.append((key, flow.lastFrame)) }
        let (old, lastFrame) = ended[oldest]
        // Not if there were segments since.
        if let flow = flows[old], flow.lastFrame == lastFrame { flows[old] = nil }
        ended[oldest] = (key, flow.lastFrame)
        oldest = (oldest + 1) % keptAfterEnd
    }
}
