// A replay that follows the stream of segments: the plain pipeline, on one thread, with its output.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// The plain pipeline with its output, for formats that follow the stream of segments.
struct StreamReplay<Report: TraceReport>: ~Copyable, ReplayConsumer {
    private var pipeline: TracePipeline<Report>
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    private(set) var outputStatus: Int32?

    init(report: Report, _ options: TraceOptions) {
        pipeline = TracePipeline(report: report, options, isLive: false)
    }

    var unwantedFindings: [String] { pipeline.unwantedFindings }

    var captured: UInt64 { pipeline.counts.captured }
    var endedCount: UInt64 { pipeline.endedCount }
    var connectionCount: UInt64 { pipeline.timeline.connectionCount }
    var connectionLimit: Int { pipeline.connectionLimit }
    var evicted: UInt64 { pipeline.evicted }
    var tally: FrameTally { pipeline.finalTally }

    mutating func begin(_ description: CaptureDescription) {
        pipeline.report.begin(description, at: nil, &pipeline.out)
    }

    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        pipeline.take(header, bytes, frame: frame)
    }

    mutating func noteGap(_ count: UInt64) { pipeline.noteGap(count) }

    mutating func endBatch(lastFrame: UInt64) -> Bool {
        if let now = pipeline.lastTime {
            var expired: [ConnectionID] = []
            while let id = pipeline.timeline.nextExpired(
                at: now, linger: ReplaySession.linger, most: ReplayDivision.waiting)
            {
                expired.append(id)
            }
            expired.sort { pipeline.timeline.number(of: $0) < pipeline.timeline.number(of: $1) }
            for id in expired {
                pipeline.finish(id, nil)
                pipeline.timeline.retire(id)
            }
        }
        if pipeline.out.count >= ReplaySession.writeSize { write() }
        return outputStatus == nil
    }

    mutating func flush(lastFrame: UInt64) -> Bool {
        write()
        return outputStatus == nil
    }

    mutating func abandon() {}

    mutating func finish(_ description: CaptureDescription) {
        pipeline.endFragments()
        for id in pipeline.timeline.remaining() where outputStatus == nil {
            pipeline.finish(id, nil)
            if pipeline.out.count >= ReplaySession.writeSize { write() }
        }
        pipeline.report.end(description, pipeline.counts, at: pipeline.lastTime, &pipeline.out)
        write()
    }

    private mutating func write() {
        guard outputStatus == nil else { return pipeline.out.clear() }
        do throws(ResultOutputError) {
            try output.write(&pipeline.out)
        } catch {
            outputStatus = error.exitCode
        }
    }
}
