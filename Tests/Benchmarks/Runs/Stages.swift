// The cost of each stage of a frame by itself, in this process: reading, decoding, the connection table with its state
// machines, and a row of the summary.

import AllocationCounter
import PacketSource
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

/// The stages, measured on one capture.
struct Stages {
    let capture: Capture

    func measure() throws {
        print("\nstages on \(capture.workload.rawValue), one thread, this process:")
        var sink: UInt64 = 0
        let reading = try time { sink &+= UInt64($1.byteCount) }
        let decoding = try time { header, bytes in
            if case .segment(let segment) = try? decodeFrame(bytes, header) { sink &+= UInt64(segment.payloadLength) }
        }
        var timeline = Timeline()
        var frame: UInt64 = 0
        let tracking = try time { header, bytes in
            frame += 1
            guard case .segment(let segment) = try? decodeFrame(bytes, header) else { return }
            let event = timeline.observe(segment, time: header.time, frame: frame)
            if let old = event.replaced { timeline.retire(old) }
        }
        var out = OutputBuffer(capacity: 1 << 20)
        var report = SummaryReport(width: 100)
        let all = timeline.remaining()
        let start = now()
        for id in all {
            report.finish(id, timeline.connections, nil, &out)
            if out.count > 1 << 19 {
                sink &+= UInt64(out.count)
                out.clear()
            }
        }
        let rendering = (now() - start) / Double(max(all.count, 1)) * 1e9
        print("  reading    \(text(reading, 1, 8)) ns a frame")
        print("  decoding   \(text(decoding - reading, 1, 8)) ns a frame")
        print("  table and machines \(text(tracking - decoding, 1, 0)) ns a frame")
        print(
            "  a row of -q \(text(rendering, 1, 7)) ns a connection (\(all.count) connections, checksum \(sink % 997))")
    }

    /// Nanoseconds per frame for reading the capture with `body`.
    private func time(_ body: (FrameHeader, RawSpan) -> Void) throws -> Double {
        var reader = try CaptureFileReader(path: capture.path)
        let start = now()
        try reader.forEachFrame {
            body($0, $1)
            return true
        }
        return (now() - start) / Double(capture.frames) * 1e9
    }

    /// Allocator calls per 1000 frames once the tables have reached their size: in the second half of the capture.
    func allocations() throws {
        var timeline = Timeline()
        var report = SummaryReport(width: 100)
        var out = OutputBuffer(capacity: 1 << 20)
        var reader = try CaptureFileReader(path: capture.path)
        var frame: UInt64 = 0
        var before: UInt64 = 0
        let half = UInt64(capture.frames / 2)
        try reader.forEachFrame { header, bytes in
            frame += 1
            if frame == half { before = allocation_count() }
            guard case .segment(let segment) = try? decodeFrame(bytes, header) else { return true }
            let event = timeline.observe(segment, time: header.time, frame: frame)
            if let old = event.replaced {
                report.finish(old, timeline.connections, nil, &out)
                timeline.retire(old)
            }
            if frame % 4096 == 0 {
                while let id = timeline.nextExpired(at: header.time, linger: Span.second) {
                    report.finish(id, timeline.connections, nil, &out)
                    timeline.retire(id)
                }
                if out.count > 1 << 18 { out.clear() }
            }
            return true
        }
        let calls = Double(allocation_count() - before)
        print(
            "  \(text(capture.workload.rawValue, 8)) allocations per 1000 frames in the second half: "
                + text(calls / Double(UInt64(capture.frames) - half) * 1000, 3, 0))
    }
}
