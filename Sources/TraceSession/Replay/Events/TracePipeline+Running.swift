// Replay of a running capture: as in a live trace, connections are reported soon after their ends, and kept for late
// segments.

import TCPModel
import TCPTimeline

extension TracePipeline where Sink: ~Copyable {
    /// The most reported connections to keep.
    private static var mostReported: Int { ReplayDivision.waiting * ReplayDivision.parts }

    /// The time at the capture is `now`: reports connections that have ended and been silent for a moment.
    mutating func reportEnded(at now: Timestamp) {
        var over: [ConnectionID] = []
        var denied: [ConnectionID] = []
        let linger = recorded == nil ? ReportedQueue.linger : ReportedQueue.recordedLinger
        while let id = timeline.nextExpired(at: now, linger: linger) {
            if timeline.isReported(id) { continue }
            let isDenied = recorded?.view(id)?.deniesEnd(of: timeline[id]) == true
            if isDenied { denied.append(id) } else { over.append(id) }
        }
        for id in denied { timeline.postpone(id) }
        over.sort { timeline.connections.number(of: $0) < timeline.connections.number(of: $1) }
        for id in over {
            timeline.markReported(id)
            finish(id, now: recorded == nil ? now : nil, isKept: true)
            reported.append(id, timeline.connections.number(of: id), now)
        }
        while let entry = reported.next(at: now, most: Self.mostReported) { forget(entry) }
        if needs.findings && recorded == nil { reviewOpen(at: now) }
    }

    /// Judges open connections that are quiet, once a second as in a live trace. If another trace recorded the kernel's
    /// side, its own findings are used instead.
    private mutating func reviewOpen(at now: Timestamp) {
        guard var place = reviews.place(at: now) else { return }
        var room = ReviewRounds.portion
        while room > 0, let id = timeline.next(from: place) {
            place = id.slot + 1
            room -= 1
            let isQuiet = now.since(timeline[id].lastTime) >= ReportedQueue.linger
            guard isQuiet, !timeline.isEnded(id), !timeline.isReported(id) else { continue }
            sink.review(id, timeline.connections, nil, now: now)
        }
        reviews.stop(at: room > 0 ? nil : place)
    }

    /// Forgets the connection that was reported longest ago; false if there is none.
    mutating func forgetOneReported() -> Bool {
        while let first = reported.first {
            reported.removeFirst()
            if forget(first) { return true }
        }
        return false
    }

    /// Forgets a reported connection; false if it is gone because another one has reused its four-tuple.
    @discardableResult private mutating func forget(_ entry: ReportedQueue.Entry) -> Bool {
        guard timeline.connections.contains(entry.id, number: entry.number) else { return false }
        conclude(entry.id)
        return true
    }
}

/// The position of the next look at open connections; a round starts each second.
struct ReviewRounds {
    /// Connections to look at in one go.
    static let portion = 512

    private var begun = Timestamp(nanoseconds: .min)
    private var next: UInt32?

    /// The slot to start with; nil while nothing is due.
    mutating func place(at now: Timestamp) -> UInt32? {
        if next == nil && now.since(begun) >= Span.second { (next, begun) = (0, now) }
        return next
    }

    /// Sets the slot to continue from; nil if the round is complete.
    mutating func stop(at place: UInt32?) { next = place }
}
