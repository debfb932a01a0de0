// `--long`: a connection's statistics with the names and layout of classic tcptrace's `-l`, plus what that does not
// have.

import TCPModel
import TCPTimeline

/// Writes two columns, with the originator's numbers on the left.
struct LongStatistics {
    private let left: DirectionStatistics
    private let right: DirectionStatistics
    private let statistics: ConnectionStatistics
    /// The time from the first to the last segment, in nanoseconds.
    private let elapsed: Int64
    /// The time of the last segment.
    private let end: Timestamp
    private let copies: UInt32

    init(_ statistics: ConnectionStatistics, _ connection: Connection, copies: UInt32) {
        self.statistics = statistics
        left = statistics[.originator]
        right = statistics[.responder]
        elapsed = connection.duration
        end = connection.lastTime
        self.copies = copies
    }

    // MARK: Lines

    private func line(_ label: StaticString, _ unit: StaticString, _ out: inout OutputBuffer, _ values: [String?]) {
        for value in values {
            out.append("     ")
            let start = out.count
            out.append(label)
            out.append(":")
            out.pad(to: 18, from: start)
            let text = value ?? "NA"
            out.append(repeating: 0x20, count: max(1, 10 - text.utf8.count))
            out.append(text: text)
            out.append(" ")
            let end = out.count
            if value != nil { out.append(unit) }
            out.pad(to: 5, from: end)
        }
        out.newline()
    }

    private func integer<Number: BinaryInteger>(
        _ label: StaticString, _ unit: StaticString = "", _ out: inout OutputBuffer,
        _ value: (DirectionStatistics) -> Number?
    ) {
        line(label, unit, &out, [value(left).map { "\($0)" }, value(right).map { "\($0)" }])
    }

    /// Formats nanoseconds as milliseconds. Classic tcptrace has one decimal, with which every round trip on loopback
    /// is 0.0.
    private func milliseconds(
        _ label: StaticString, _ out: inout OutputBuffer, _ value: (DirectionStatistics) -> Double?
    ) {
        line(label, "ms", &out, [value(left), value(right)].map { $0.map { Self.fixed($0 / 1e6, decimals: 3) } })
    }

    /// Formats a number with this many decimals, rounded half away from zero. It must not be NaN.
    private static func fixed(_ value: Double, decimals: Int) -> String {
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        let whole = Int64(max(-9e15, min(9e15, (value * scale).rounded())))
        let digits = "\(abs(whole))"
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = whole < 0 ? "-" : ""
        guard decimals > 0 else { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    // MARK: The block

    func write(_ out: inout OutputBuffer) {
        let start = out.count
        out.append("   client->server:")
        out.pad(to: 41, from: start)
        out.append("server->client:\n")
        writeSegments(&out)
        writeSizes(&out)
        writeWindows(&out)
        writeStream(&out)
        writeRoundTrips(&out)
        writeRepetitions(&out)
        writeOurs(&out)
    }

    private func writeSegments(_ out: inout OutputBuffer) {
        integer("total packets", "", &out) { $0.packets }
        integer("resets sent", "", &out) { $0.resets }
        integer("ack pkts sent", "", &out) { $0.ackPackets }
        integer("pure acks sent", "", &out) { $0.pureAcks }
        integer("sack pkts sent", "", &out) { $0.sackPackets }
        integer("dsack pkts sent", "", &out) { $0.duplicateSACKs }
        integer("max sack blks/ack", "", &out) { $0.mostSACKBlocks }
        integer("unique bytes sent", "", &out) { $0.classicUniqueBytes }
        integer("actual data pkts", "", &out) { $0.dataPackets }
        integer("actual data bytes", "", &out) { $0.dataBytes }
        integer("rexmt data pkts", "", &out) { $0.retransmittedPackets }
        integer("rexmt data bytes", "", &out) { $0.retransmittedBytes }
        integer("zwnd probe pkts", "", &out) { $0.windowProbePackets }
        integer("zwnd probe bytes", "", &out) { $0.windowProbeBytes }
        integer("outoforder pkts", "", &out) { $0.outOfOrderPackets }
        integer("pushed data pkts", "", &out) { $0.pushedPackets }
        line("SYN/FIN pkts sent", "", &out, [left, right].map { "\($0.syns)/\($0.fins)" })
        if left.windowScale != nil || right.windowScale != nil || left.offersTimestamps || right.offersTimestamps {
            line(
                "req 1323 ws/ts", "", &out,
                [left, right].map {
                    "\($0.windowScale == nil ? "N" : "Y")/\($0.offersTimestamps ? "Y" : "N")"
                })
        }
        if left.windowScale != nil || right.windowScale != nil {
            integer("adv wind scale", "", &out) { $0.windowScale ?? 0 }
        }
        if left.offersSACK || right.offersSACK {
            line("req sack", "", &out, [left, right].map { $0.offersSACK ? "Y" : "N" })
            integer("sacks sent", "", &out) { $0.sackPackets }
        }
    }

    private func writeSizes(_ out: inout OutputBuffer) {
        integer("urgent data pkts", "pkts", &out) { $0.urgentPackets }
        integer("urgent data bytes", "bytes", &out) { $0.urgentBytes }
        integer("mss requested", "bytes", &out) { $0.maximumSegmentSize ?? 0 }
        integer("max segm size", "bytes", &out) { $0.largestSegment }
        integer("min segm size", "bytes", &out) { $0.smallestSegment }
        integer("avg segm size", "bytes", &out) { $0.dataPackets == 0 ? 0 : $0.dataBytes / $0.dataPackets }
    }

    private func writeWindows(_ out: inout OutputBuffer) {
        integer("max win adv", "bytes", &out) { $0.largestWindow }
        integer("min win adv", "bytes", &out) { $0.smallestWindow }
        integer("zero win adv", "times", &out) { $0.zeroWindowAdvertisements }
        integer("avg win adv", "bytes", &out) { $0.classicAverageWindow }
        integer("max owin", "bytes", &out) { $0.largestOutstanding }
        integer("min non-zero owin", "bytes", &out) { $0.smallestOutstanding }
        integer("avg owin", "bytes", &out) { $0.averageOutstanding }
        integer("wavg owin", "bytes", &out) { $0.weightedOutstanding(over: elapsed) }
        integer("initial window", "bytes", &out) { $0.initialWindowBytes }
        integer("initial window", "pkts", &out) { $0.initialWindowPackets }
    }

    private func writeStream(_ out: inout OutputBuffer) {
        integer("ttl stream length", "bytes", &out) { $0.streamLength }
        integer("missed data", "bytes", &out) { $0.classicMissedBytes }
        integer("truncated data", "bytes", &out) { $0.cutBytes }
        integer("truncated packets", "pkts", &out) { $0.cutPackets }
        func span(_ direction: DirectionStatistics) -> String {
            guard let first = direction.firstDataTime, let last = direction.lastDataTime else { return "0.000" }
            return Self.fixed(Double(last.since(first)) / 1e9, decimals: 3)
        }
        line("data xmit time", "secs", &out, [span(left), span(right)])
        milliseconds("idletime max", &out) { $0.packets == 0 ? nil : Double($0.longestIdle) }
        line(
            "throughput", "Bps", &out,
            [left, right].map {
                elapsed <= 0 ? nil : Self.fixed(Double($0.uniqueBytes) / (Double(elapsed) / 1e9), decimals: 0)
            })
    }

    private func writeRoundTrips(_ out: inout OutputBuffer) {
        func tally(
            _ names: (StaticString, StaticString, StaticString, StaticString), _ value: (DirectionStatistics) -> Tally
        ) {
            milliseconds(names.0, &out) { Double(value($0).minimum) }
            milliseconds(names.1, &out) { Double(value($0).maximum) }
            milliseconds(names.2, &out) { value($0).average }
            milliseconds(names.3, &out) { value($0).deviation }
        }
        out.newline()
        integer("RTT samples", "", &out) { $0.roundTrip.count }
        tally(("RTT min", "RTT max", "RTT avg", "RTT stdev")) { $0.roundTrip }
        out.newline()
        milliseconds("RTT from 3WHS", &out) { Double($0.handshakeRoundTrip ?? 0) }
        out.newline()
        integer("RTT full_sz smpls", "", &out) { $0.fullSizeRoundTrip.count }
        tally(("RTT full_sz min", "RTT full_sz max", "RTT full_sz avg", "RTT full_sz stdev")) { $0.fullSizeRoundTrip }
        out.newline()
        integer("post-loss acks", "", &out) { $0.ackedAfterLoss }
        if left.ambiguousRoundTrip.count + right.ambiguousRoundTrip.count > 0 {
            integer("ambiguous acks", "", &out) { $0.ambiguousRoundTrip.count }
            tally(("RTT min (last)", "RTT max (last)", "RTT avg (last)", "RTT sdv (last)")) { $0.ambiguousRoundTrip }
        }
    }

    private func writeRepetitions(_ out: inout OutputBuffer) {
        integer("segs cum acked", "", &out) { $0.cumulativelyAcked }
        integer("duplicate acks", "", &out) { $0.duplicateAcks }
        integer("triple dupacks", "", &out) { $0.tripleDuplicateAcks }
        integer("max # retrans", "", &out) { $0.mostRetransmissions }
        milliseconds("min retr time", &out) { Double($0.retransmissionTime.minimum) }
        milliseconds("max retr time", &out) { Double($0.retransmissionTime.maximum) }
        milliseconds("avg retr time", &out) { $0.retransmissionTime.average }
        milliseconds("sdv retr time", &out) { $0.retransmissionTime.deviation }
    }

    /// Writes what classic tcptrace does not distinguish.
    private func writeOurs(_ out: inout OutputBuffer) {
        out.newline()
        integer("lost, sent again", "", &out) { $0.losses }
        integer("not needed", "", &out) { $0.spurious }
        integer("tail loss probes", "", &out) { $0.count(.tailLossProbe) }
        integer("fast retransmits", "", &out) { $0.count(.fast) }
        integer("timeouts", "", &out) { $0.count(.timeout) }
        integer("RTOs or probes", "", &out) { $0.count(.timeoutOrProbe) }
        integer("timeouts in a row", "", &out) { $0.longestBackoff }
        integer("reordered", "", &out) { $0.count(.reordered) }
        integer("late in capture", "", &out) { $0.count(.reorderedInCapture) }
        integer("lost before here", "", &out) { $0.count(.lostBeforeCapture) }
        integer("dupacks in a row", "", &out) { $0.longestDuplicateRun }
        integer("keep-alives", "", &out) { $0.keepAlives }
        integer("empty wnd probes", "", &out) { $0.emptyWindowProbes }
        integer("zero windows", "times", &out) { $0.closedWindow.episodes }
        milliseconds("zero window time", &out) { Double($0.closedWindow.total(until: end)) }
        integer("largest flight", "bytes", &out) { $0.largestFlight }
        integer("beyond window", "bytes", &out) { $0.beyondWindowBytes }
        integer("RTT by timestamp", "", &out) { $0.resolvedRoundTrip.count }
        if copies > 0 { line("duplicate frames", "", &out, ["\(copies)"]) }
    }
}
