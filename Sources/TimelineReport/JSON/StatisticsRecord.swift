// `stats` of a `conn` record, and the `packet` record's keys about retransmissions. Values that are 0 or unknown are
// left out.

import TCPMachine
import TCPModel
import TCPTimeline

extension JSONObject {
    /// Adds `stats`, with an object for each direction.
    mutating func add(_ statistics: ConnectionStatistics, _ connection: Connection) {
        let end = connection.lastTime
        addObject("stats") { stats in
            stats.addObject("orig") { $0.addDirection(statistics, .originator, until: end) }
            stats.addObject("resp") { $0.addDirection(statistics, .responder, until: end) }
        }
    }

    private mutating func addDirection(_ statistics: ConnectionStatistics, _ side: Side, until end: Timestamp) {
        let direction = statistics[side]
        addCounts(direction, isHeard: statistics.hears(side.other))
        if statistics.measuresRoundTrips(of: side) {
            addTally("rtt", direction.roundTrip)
            addTally("rtt_by_timestamp", direction.resolvedRoundTrip)
        }
        addRetransmissions(direction)
        add(positive: "out_of_order", direction.outOfOrderPackets)
        add(positive: LateKind.reordered.name, direction.count(LateKind.reordered))
        add(positive: LateKind.reorderedInCapture.name, direction.count(LateKind.reorderedInCapture))
        add(positive: LateKind.lostBeforeCapture.name, direction.count(LateKind.lostBeforeCapture))
        add(positive: "dup_acks", direction.duplicateAcks)
        add(positive: "dup_acks_in_a_row", direction.longestDuplicateRun)
        add(positive: "sack_pkts", direction.sackPackets)
        add(positive: "dsacks", direction.duplicateSACKs)
        addWindows(direction, until: end)
        addStates(statistics, side, at: end)
    }

    @inline(__always) private mutating func add<Number: BinaryInteger>(positive name: StaticString, _ number: Number) {
        if number > 0 { add(name, number: number) }
    }

    private mutating func addCounts(_ direction: DirectionStatistics, isHeard: Bool) {
        add(positive: "data_pkts", direction.dataPackets)
        add(positive: "data_bytes", direction.dataBytes)
        add(positive: "unique_bytes", direction.uniqueBytes)
        add(positive: "push_pkts", direction.pushedPackets)
        add(positive: "pure_acks", direction.pureAcks)
        add(positive: "max_seg", direction.largestSegment)
        add(positive: "min_seg", direction.smallestSegment)
        if let mss = direction.maximumSegmentSize { add("mss", number: mss) }
        if let scale = direction.windowScale { add("wscale", number: scale) }
        // Without ACKs there is no telling how much text was unacknowledged at a time.
        if isHeard || direction.dataPackets == 0 {
            add(positive: "initial_window_bytes", direction.initialWindowBytes)
            add(positive: "max_flight", direction.largestFlight)
        }
        add(positive: "urgent_bytes", direction.urgentBytes)
        add(positive: "cut_bytes", direction.cutBytes)
        add(positive: "missed_bytes", direction.missedBytes ?? 0)
        add(positive: "beyond_window_bytes", direction.beyondWindowBytes)
        if direction.longestIdle > 0 { add("idle_max_s", seconds: direction.longestIdle) }
        add(positive: "keep_alives", direction.keepAlives)
        add(positive: "window_probes", direction.windowProbes)
    }

    private mutating func addTally(_ name: StaticString, _ tally: Tally) {
        guard tally.count > 0 else { return }
        addObject(name) { object in
            object.add("n", number: tally.count)
            object.add("min_s", seconds: tally.minimum)
            object.add("avg_s", seconds: Self.whole(tally.average))
            object.add("max_s", seconds: tally.maximum)
            if tally.count > 1 { object.add("stdev_s", seconds: Self.whole(tally.deviation)) }
            object.add("last_s", seconds: tally.last)
        }
    }

    /// The nearest 64-bit integer; the mean of the longest possible times may be rounded up beyond it.
    private static func whole(_ nanoseconds: Double) -> Int64 { Int64(exactly: nanoseconds.rounded()) ?? .max }

    private mutating func addRetransmissions(_ direction: DirectionStatistics) {
        guard direction.retransmissions > 0 else { return }
        addObject("rexmit") { object in
            object.add("pkts", number: direction.retransmissions)
            object.add("bytes", number: direction.repeatedBytes)
            for kind in RetransmissionKind.allCases { object.add(positive: kind.name, direction.count(kind)) }
            object.add(positive: "lost", direction.losses)
            object.add(positive: "spurious", direction.spurious)
            object.add(positive: "rto_in_a_row", direction.longestBackoff)
            object.add(positive: "max_of_one", direction.mostRetransmissions)
        }
    }

    private mutating func addWindows(_ direction: DirectionStatistics, until end: Timestamp) {
        if direction.ackPackets > 0 {
            addObject("window") { object in
                object.add("min", number: direction.smallestWindow)
                object.add("avg", number: direction.averageWindow)
                object.add("max", number: direction.largestWindow)
            }
        }
        let closed = direction.closedWindow
        guard let first = closed.first else { return }
        addObject("zero_window") { object in
            object.add("n", number: closed.episodes)
            object.add("total_s", seconds: closed.total(until: end))
            object.add("max_s", seconds: closed.longest(until: end))
            object.add("first_ts_ns", number: first.nanoseconds)
        }
    }

    private mutating func addStates(_ statistics: ConnectionStatistics, _ side: Side, at end: Timestamp) {
        addObjectUnlessEmpty("states_s") { object in
            for state in TCPState.allCases {
                guard let name = state.openTelemetryName else { continue }
                let span = statistics.time(of: side, in: state, at: end)
                if span > 0 { object.add(name, seconds: span) }
            }
        }
    }

    /// Adds what a segment repeats, fills or exposes as needless.
    mutating func add(_ verdict: SegmentVerdict) {
        if let record = verdict.retransmission {
            add("rexmit", literal: record.kind.name)
            add(positive: "rexmit_of", record.previousFrame)
            if record.timeouts > 0 { add("rto", number: record.timeouts) }
        }
        if let late = verdict.late { add("late", literal: late.name) }
        if let record = verdict.exposes {
            add("not_needed", number: record.frame)
            if let evidence = record.spurious { add("not_needed_by", literal: evidence.name) }
        }
    }
}
