// Connections that a live trace forgets before its end: those beyond the limit, and those silent for longer than their
// state lasts.
//
// Without this, a scan or a flood of unanswered SYNs would stay in memory for as long as the trace runs.

import KernelSockets
import TCPModel
import TCPTimeline

/// The numbers of connections that were reported as they stood, and forgotten.
struct ForgottenCounts {
    /// Given up because there were too many.
    var crowded: UInt64 = 0
    /// Given up because they had been silent for too long.
    var silent: UInt64 = 0
    /// When to look for silent connections again, on the monotonic clock.
    var nextLook: Int64 = 0

    func sentences(limit: Int) -> [String] {
        func connections(_ count: UInt64) -> String { count == 1 ? "1 connection was" : "\(count) connections were" }
        var lines: [String] = []
        if crowded > 0 {
            lines.append(
                connections(crowded) + " given up before the end: more than \(limit) at a time (--max-connections)")
        }
        if silent > 0 { lines.append(connections(silent) + " assumed to be gone after a long silence") }
        return lines
    }
}

extension LiveTracer {
    /// Seconds in which the whole table is searched for silent connections.
    private static var lookRound: Int { 60 }

    /// Gives up connections until there are no more than the limit: first those already reported, the oldest report
    /// first, as they only wait for late segments and the end of TIME_WAIT; then the least useful ones.
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

    /// Once a second, gives up connections in a part of the table that have been silent for too long. A connection with
    /// a socket in the kernel is kept, however long it is silent.
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
