// One part of a divided replay: the connections of its flows, their timeline, and the reports on them.

import TCPModel
import TCPTimeline
import TimelineReport

/// The state of one part.
struct ReplayPart<Report: PartitionedReport>: ~Copyable {
    private var timeline: Timeline
    private var report: TalliedReport<Report>
    private let countsCopiesOnce: Bool
    private let most: Int
    private var rest: [ConnectionID] = []
    private var restNext = 0
    private var expired: [ConnectionID] = []
    /// Connections that were reported while the capture was running, kept for late segments.
    private var reported = ReportedQueue()

    init(report: Report, _ selection: ConnectionSelection, seed: UInt64, most: Int) {
        timeline = Timeline(seed: seed, countsByItself: false)
        self.report = TalliedReport(report.part(of: ReplayDivision.parts), selection)
        countsCopiesOnce = report.countsCopiesOnce
        self.most = most
    }

    /// The outcomes of its connections.
    var overview: TraceOverview { report.overview }

    /// Processes the part's share of a batch.
    mutating func work(_ index: Int, of batch: borrowing ReplayBatch) {
        // The crew gave this part's share of the batch to this thread alone.
        let result = unsafe batch.results.place(index)
        let said = unsafe batch.said.place(index)
        unsafe takeNumbers(&result.pointee)
        unsafe result.pointee.clear(firstFrame: batch.firstFrame)
        unsafe said.pointee.clear()
        unsafe run(
            batch.share(of: index), batch.asides[index], firstFrame: batch.firstFrame, &result.pointee, &said.pointee)
        if let now = batch.endTime { unsafe expire(at: now, &said.pointee) }
        if let now = batch.runningTime { unsafe reportEnded(at: now, &said.pointee) }
        if let limit = batch.restLimit { unsafe finishRest(upTo: limit, &said.pointee) }
    }

    /// Numbers the connections that began in an older batch, which have been counted.
    mutating func takeNumbers(_ result: inout PartResult) {
        for beginning in result.beginnings {
            let provisional = Timeline.provisional | (result.firstFrame + UInt64(beginning.offset))
            timeline.renumber(beginning.id, from: provisional, to: beginning.number)
        }
        result.beginnings.removeAll(keepingCapacity: true)
    }

    /// Takes in a batch's segments.
    mutating func run(
        _ share: ReplayShare, _ asides: [ReplayAside], firstFrame: UInt64, _ result: inout PartResult,
        _ said: inout PartOutput
    ) {
        guard asides.isEmpty else { return run(share, among: asides, firstFrame, &result, &said) }
        let count = share.count
        var segments = InlineArray<32, Segment>(repeating: .blank)
        var start = 0
        for index in 0..<min(Self.portion, count) { timeline.prepare(hash: share[index].hash) }
        fetch(share, from: 0)
        while start < count {
            let end = min(start + Self.portion, count)
            // The connections of the next portion are prefetched while this one is processed.
            fetch(share, from: end)
            // Decodes the whole portion first: a load right after narrower stores to the same memory would stall.
            for index in start..<end { share.decode(index, into: &segments[index &- start]) }
            for index in start..<end { take(segments[index &- start], share[index], firstFrame, &result, &said) }
            start = end
        }
    }

    /// Segments whose connections are prefetched together.
    private static var portion: Int { 32 }

    /// Prefetches a portion's connections, and the table entries that lead to those of the following portion.
    private func fetch(_ share: ReplayShare, from start: Int) {
        for index in start..<min(start + Self.portion, share.count) {
            let later = min(index + Self.portion, share.count - 1)
            timeline.fetch(hash: share[index].hash, preparing: share[later].hash)
        }
    }

    /// Processes segments and other items in the order of their frames.
    private mutating func run(
        _ share: ReplayShare, among asides: [ReplayAside], _ firstFrame: UInt64, _ result: inout PartResult,
        _ said: inout PartOutput
    ) {
        var next = 0
        for index in 0..<share.count {
            while next < asides.count, asides[next].offset < share[index].offset {
                take(asides[next], firstFrame, &result)
                next += 1
            }
            var segment = Segment.blank
            share.decode(index, into: &segment)
            take(segment, share[index], firstFrame, &result, &said)
        }
        while next < asides.count {
            take(asides[next], firstFrame, &result)
            next += 1
        }
    }

    private mutating func take(_ item: ReplayAside, _ firstFrame: UInt64, _ result: inout PartResult) {
        switch item.content {
        case .icmp(let error):
            let frame = firstFrame + UInt64(item.offset)
            if timeline.observe(error, time: item.time, frame: frame) == nil {
                result.strayErrors.note(error, frame: frame)
            }
        case .called(let tuple, let address): timeline.note(answer: tuple, called: address)
        }
    }

    @inline(__always) private mutating func take(
        _ segment: Segment, _ item: borrowing ReplayItem, _ firstFrame: UInt64, _ result: inout PartResult,
        _ said: inout PartOutput
    ) {
        let offset = item.offset
        let time = item.time
        let frame = firstFrame &+ UInt64(offset)
        let tracked =
            countsCopiesOnce
            ? timeline.trackOnce(
                segment, hash: item.hash, time: time, frame: frame, interface: item.interface, vantage: item.vantage)
            : timeline.track(segment, hash: item.hash, time: time, frame: frame, interface: item.interface)
        if tracked.isSteady { return }
        if tracked.isFirst {
            result.beginnings.append(
                PartResult.Beginning(
                    id: tracked.connection, offset: offset, number: 0,
                    syn: countsCopiesOnce ? SynTraits(segment, time: time) : .none))
            if let old = tracked.replaced {
                finish(old, key: frame, &said)
            } else if timeline.trackedCount > most {
                makeRoom(besides: tracked.connection, frame, &result, &said)
            }
        }
    }

    /// Forgets a reported connection, or gives up another one.
    private mutating func makeRoom(
        besides kept: ConnectionID, _ frame: UInt64, _ result: inout PartResult, _ said: inout PartOutput
    ) {
        while let first = reported.first {
            reported.removeFirst()
            if forget(first) { return }
        }
        guard let old = timeline.leastUseful(besides: kept) else { return }
        result.evicted += 1
        finish(old, key: frame, &said)
    }

    /// The batch ends at `now`: reports connections that have ended and been silent long enough.
    mutating func expire(at now: Timestamp, _ said: inout PartOutput) {
        while let id = timeline.nextExpired(at: now, linger: ReplaySession.linger, most: ReplayDivision.waiting) {
            // Reported connections wait in `reported`.
            if !timeline.isReported(id) { expired.append(id) }
        }
        guard !expired.isEmpty else { return }
        Self.finish(expired, timeline, &report, &said)
        for id in expired { timeline.retire(id) }
        expired.removeAll(keepingCapacity: true)
    }

    /// The capture is running, and its time is `now`: like a live trace, reports connections soon after their ends.
    private mutating func reportEnded(at now: Timestamp, _ said: inout PartOutput) {
        while let id = timeline.nextExpired(at: now, linger: ReportedQueue.linger) {
            if !timeline.isReported(id) { expired.append(id) }
        }
        Self.finish(expired, timeline, &report, &said)
        for id in expired {
            timeline.markReported(id)
            reported.append(id, timeline.connections.number(of: id), now)
        }
        expired.removeAll(keepingCapacity: true)
        while let entry = reported.next(at: now, most: ReplayDivision.waiting) { forget(entry) }
    }

    /// Forgets a reported connection; false if it is gone because another one has reused its four-tuple.
    @discardableResult private mutating func forget(_ entry: ReportedQueue.Entry) -> Bool {
        guard timeline.connections.contains(entry.id, number: entry.number) else { return false }
        timeline.retire(entry.id)
        return true
    }

    private mutating func finish(_ id: ConnectionID, key: UInt64, _ said: inout PartOutput) {
        guard !timeline.isReported(id) else { return timeline.retire(id) }
        let number = timeline.connections.number(of: id)
        report.finish(id, timeline.connections, &said.out)
        said.addPiece(key: key, number: number)
        timeline.retire(id)
    }

    // These borrow the timeline once for many connections, because each borrow costs a copy of its fields.

    /// Reports finished connections in the order of their numbers.
    private static func finish(
        _ ids: [ConnectionID], _ timeline: borrowing Timeline, _ report: inout TalliedReport<Report>,
        _ said: inout PartOutput
    ) {
        let order = ids.map { (timeline.connections.number(of: $0), $0) }.sorted { $0.0 < $1.0 }
        for index in order.indices {
            // These have been silent for long, so their memory is prefetched some steps ahead.
            if index + 4 < order.count { timeline.fetch(order[index + 4].1) }
            let (number, id) = order[index]
            report.finish(id, timeline.connections, &said.out)
            said.addPiece(key: PartResult.atBoundary | number, number: number)
        }
    }

    // MARK: The end

    /// The input has ended: prepares the remaining connections, in order.
    mutating func close() {
        // Millions of connections that never ended are in order already; a list of them would take memory when it is
        // scarcest.
        if !timeline.isInOrder { rest = timeline.remaining() }
    }

    /// Reports the remaining connections up to a number.
    mutating func finishRest(upTo limit: UInt64, _ said: inout PartOutput) {
        restNext = Self.finishRest(rest, from: restNext, upTo: limit, timeline, &report, &said)
    }

    /// - Returns: where to continue: an index into the list, or into the table if that is in order.
    private static func finishRest(
        _ rest: [ConnectionID], from start: Int, upTo limit: UInt64, _ timeline: borrowing Timeline,
        _ report: inout TalliedReport<Report>, _ said: inout PartOutput
    ) -> Int {
        let isInOrder = timeline.isInOrder
        var next = start
        while true {
            let id: ConnectionID
            if isInOrder {
                guard let found = timeline.next(from: UInt32(next)) else { return next }
                id = found
            } else {
                guard next < rest.count else { return next }
                id = rest[next]
            }
            let number = timeline.connections.number(of: id)
            guard number <= limit else { return next }
            if !timeline.isReported(id) {
                report.finish(id, timeline.connections, &said.out)
                said.addPiece(key: PartResult.atBoundary | number, number: number)
            }
            next = isInOrder ? Int(id.slot) + 1 : next + 1
        }
    }
}
