// A replay divided among threads: the reader decodes and deals segments out to parts, workers run the parts and the merge.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

/// The reader's side. It works on the parts too, when it is ahead of the others; with one worker it does everything.
struct DividedReplay<Report: PartitionedReport>: ~Copyable, ReplayConsumer {
    private let crew: ReplayCrew<Report>
    private let flowHash: FlowHash
    private var counts = CaptureCounts()
    private(set) var tally = FrameTally()
    private var lastTime: Timestamp?
    private var isOpen = false
    /// The number of the batch that is being filled, and of the last frame before it.
    private var batch: UInt64 = 0
    private var before: UInt64 = 0

    init(report: Report, workers: Int, connectionLimit: Int) {
        let seed = UInt64.random(in: .min ... .max)
        flowHash = FlowHash(seed: seed)
        let most = max(1, connectionLimit / ReplayDivision.parts)
        crew = ReplayCrew(report: report, seed: seed, most: most, workers: workers)
        crew.beginBatch(0, firstFrame: 1)
    }

    var captured: UInt64 { counts.captured }
    var endedCount: UInt64 { 0 }
    var connectionCount: UInt64 { crew.connections }
    var evicted: UInt64 { crew.evicted }
    var outputStatus: Int32? { crew.outputStatus }

    mutating func begin(_ description: CaptureDescription) { crew.begin(description) }

    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        counts.captured &+= 1
        lastTime = header.time
        let decoded: DecodedFrame
        do {
            decoded = try decodeFrame(bytes, header)
        } catch {
            return tally.note(error, frame: frame)
        }
        switch decoded {
        case .segment(let segment):
            if !isOpen {
                isOpen = true
                crew.opens(at: header.time, in: batch)
            }
            crew.add(
                ReplayItem(
                    segment: segment, hash: flowHash.hash(segment.tuple), time: header.time,
                    offset: UInt32(truncatingIfNeeded: frame &- before &- 1), interface: header.interface),
                to: FlowHash.part(segment.tuple, of: ReplayDivision.parts), of: batch)
        case .other(let kind): tally.note(kind)
        }
    }

    mutating func noteGap(_ count: UInt64) {
        counts.dropped &+= count
        crew.noteGap(count, at: lastTime, in: batch)
    }

    mutating func endBatch(lastFrame: UInt64) -> Bool {
        let isWanted = crew.publish(batch, endTime: lastTime)
        before = lastFrame
        batch += 1
        crew.beginBatch(batch, firstFrame: lastFrame + 1)
        return isWanted
    }

    mutating func finish(_ description: CaptureDescription) {
        crew.close(from: batch)
        crew.end(description, counts, at: lastTime)
    }
}
