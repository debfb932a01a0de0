// What a live trace forgets before its end: connections beyond the limit, and those silent for longer than their state lasts.
//
// Without this a scan or a flood of SYNs that nobody answers would stay in memory for as long as the trace runs.

import TCPModel
import TCPTimeline

/// How many connections were reported as they stood, and forgotten.
struct ForgottenCounts {
    /// Because there were too many.
    var crowded: UInt64 = 0
    /// Because nothing was heard of them for too long.
    var silent: UInt64 = 0
    /// When silent ones are looked for again, on the monotonic clock.
    var nextLook: Int64 = 0

    func sentences(limit: Int) -> [String] {
        func connections(_ count: UInt64) -> String { count == 1 ? "1 connection was" : "\(count) connections were" }
        var lines: [String] = []
        if crowded > 0 {
            lines.append(
                connections(crowded) + " given up before the end: more than \(limit) at a time (--max-connections)")
        }
        if silent > 0 { lines.append(connections(silent) + " taken for gone after a long silence") }
        return lines
    }
}

extension LiveTracer {
    /// In so many seconds all of the table is looked at for silent connections.
    private static var lookRound: Int { 60 }

    /// Gives up connections until there are no more than the limit: first those reported already, the longest ago first,
    /// which only wait for late segments and the end of TIME_WAIT; then the least useful ones.
    mutating func makeRoom() {
        while pipeline.timeline.trackedCount > options.liveTrackedLimit {
            if let first = reported.first {
                reported.removeFirst()
                if pipeline.timeline.connections.contains(first.id, number: first.number) { drop(first.id) }
                continue
            }
            guard let id = pipeline.timeline.leastUseful(besides: nil) else { break }
            giveUp(id)
            forgotten.crowded += 1
        }
    }

    /// Gives up connections that have been silent for too long, once a second, in a part of the table. One whose socket
    /// the kernel has is kept, however long it is silent.
    mutating func forgetSilent(_ now: Timestamp) {
        let time = monotonicNow()
        guard time >= forgotten.nextLook else { return }
        forgotten.nextLook = time &+ Span.second
        var looks = pipeline.timeline.placeCount / Self.lookRound + 1
        while let id = pipeline.timeline.nextSilent(at: now, looks: &looks) {
            if let view = kernel?.join.view(id), view.originator.isPresent || view.responder.isPresent { continue }
            giveUp(id)
            forgotten.silent += 1
        }
    }

    private mutating func giveUp(_ id: ConnectionID) {
        if !pipeline.timeline.isReported(id) { finish(id, wallClockNow()) }
        drop(id)
    }
}
