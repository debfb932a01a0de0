// Replay of a capture that runs: connections are reported soon after their ends, as a live trace does, and kept for late segments.

import TCPModel
import TCPTimeline

extension TracePipeline where Sink: ~Copyable {
    /// Reported connections that are kept, at most.
    private static var mostReported: Int { ReplayDivision.waiting * ReplayDivision.parts }

    /// It is `now` where the capture is made: reports who has ended and been silent for a moment.
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

    /// Has those judged that go on and are quiet, once a second as a live trace does. Another trace has told its own findings.
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

    /// Forgets a connection that was reported; false if another one has its four-tuple by now, so that it is gone.
    @discardableResult private mutating func forget(_ entry: ReportedQueue.Entry) -> Bool {
        guard timeline.connections.contains(entry.id, number: entry.number) else { return false }
        conclude(entry.id)
        return true
    }
}

/// Where the next look at open connections goes on: a round begins each second.
struct ReviewRounds {
    /// Connections that are looked at in one go.
    static let portion = 512

    private var begun = Timestamp(nanoseconds: .min)
    private var next: UInt32?

    /// The place to begin with; nil while it is not time.
    mutating func place(at now: Timestamp) -> UInt32? {
        if next == nil && now.since(begun) >= Span.second { (next, begun) = (0, now) }
        return next
    }

    /// The next look goes on there; nil: the round is over.
    mutating func stop(at place: UInt32?) { next = place }
}
