// The truth about a simulated connection that its capture can show: derived from its endpoints, not from the tool's
// results.

import TCPModel

/// One connection of a simulated four-tuple: a client's endpoint, and the server's endpoint that answered it.
struct SimulatedTruth {
    /// The truth about one side.
    struct Side {
        var state: TCPState
        var abort: SimulatedEndpoint.Abort?
        /// Octets of text that were captured, or acknowledged in the capture.
        var octets: UInt64 = 0
        /// Captured segments with sequence numbers that had been captured before.
        var retransmissions: UInt32 = 0
        var keepAlives: UInt32 = 0
        var hasFin = false
        /// Whether any segment of this side was captured.
        var isSeen = false
        /// Whether a forged RST was captured that only this side could tell from its own.
        var isSlandered = false
    }

    enum Ending {
        case open
        case halfClosed
        case closed
        case reset
        case refused
        /// Whether a RST counts is a matter of definition, or the capture cannot show it.
        case doubtful
    }

    var sides: [Side] = []
    /// The endpoints: the client's, and the server's if it answered.
    let ends: [SimulatedEndpoint?]
    /// The captured segments of the connection.
    let captured: [Simulation.Captured]
    /// The segments that both ends sent.
    let sent: [Simulation.Captured]
    /// All segments captured from its first one up to the next connection's, including those of hosts without a
    /// connection.
    let meanwhile: [Simulation.Captured]
    /// Octets of text that were acknowledged in the capture before they were captured, if ever.
    var missedOctets: UInt64 = 0
    /// Those of them that were never captured.
    var lackingOctets: UInt64 = 0
    var ending = Ending.doubtful

    /// The connections of which at least the SYN was captured.
    static func connections(_ simulation: Simulation) -> [SimulatedTruth] {
        simulation.endpoints[0].indices.compactMap { index in
            let hasSyn = simulation.captured.contains {
                $0.sender == 0 && $0.connection == index && $0.segment.flags.has(.syn) && $0.error == nil
            }
            guard hasSyn || index == 0 && simulation.endpoints[0].count == 1 else { return nil }
            return SimulatedTruth(simulation, index)
        }
    }

    private init(_ simulation: Simulation, _ index: Int) {
        let client = simulation.endpoints[0][index]
        let isOnly = simulation.endpoints[0].count == 1
        let answer = simulation.endpoints[1].lastIndex { $0.irs == client.iss } ?? (isOnly ? 0 : nil)
        ends = [client, answer.map { simulation.endpoints[1][$0] }]
        sides = ends.map { Side(state: $0?.state ?? .unseen, abort: $0?.abort) }
        // A server that sent a cookie appears to have kept state.
        if let server = ends[1], server.hasSentCookie, server.state == .listen, client.abort == nil {
            sides[1].state = .synReceived
        }
        // Segments after the next SYN belong to another connection.
        let next = simulation.captured.firstIndex {
            $0.sender == 0 && $0.connection > index && $0.segment.flags.has(.syn)
        }
        let own = simulation.captured[..<(next ?? simulation.captured.count)].filter {
            $0.connection == ($0.sender == 0 ? index : answer) && $0.error == nil
        }
        captured = own
        let first = simulation.captured.firstIndex { $0.sender == 0 && $0.connection == index } ?? 0
        let last = next ?? simulation.captured.count
        meanwhile = simulation.captured[min(first, last)..<last].filter { $0.error == nil }
        sent = simulation.sent.filter { $0.connection == ($0.sender == 0 ? index : answer) }
        for side in 0..<2 {
            guard let end = ends[side] else { continue }
            sides[side].isSlandered = own.contains {
                $0.sender == side && $0.forgery?.isReset == true && $0.forgery?.number == .exact
            }
            // Nor can an observer know of a RST that did not pass the capture.
            let hasReset = own.contains { $0.sender != side && $0.segment.flags.has(.rst) }
            if end.abort == .received && !hasReset { sides[side].abort = .silent }
            let own = own.filter { $0.forgery == nil }
            count(own, side)
            let text = end.iss.advanced(by: 1)
            var last = text
            for item in own where !item.segment.flags.has(.rst) {
                let segment = item.segment
                if item.sender == side {
                    if segment.length > 0 && segment.textEnd.isAfter(last) { last = segment.textEnd }
                    if segment.flags.has(.fin) && segment.textEnd.isAfter(last) { last = segment.textEnd }
                } else if segment.flags.has(.ack) && segment.acknowledgment.isAfter(last) {
                    last = segment.acknowledgment
                }
            }
            // Neither a FIN nor the octet of a keep-alive in its place is text.
            if let fin = end.ownFin, last.isAfter(fin) { last = fin }
            sides[side].octets = UInt64(last.offset(from: text))
            let (missed, lacking) = Self.missed(own, side, from: text, upTo: last)
            missedOctets += missed
            lackingOctets += lacking
        }
        ending = Self.ending(sides, own)
    }

    /// Offsets from here on stand for numbers before the start.
    private static let before: UInt32 = 0xf000_0000

    /// Octets of text of one side that an ACK covered before they were captured, and those of them that never were.
    private static func missed(
        _ captured: [Simulation.Captured], _ side: Int, from start: SequenceNumber, upTo end: SequenceNumber
    ) -> (missed: UInt64, lacking: UInt64) {
        // The captured ranges, which do not touch each other.
        var ranges: [Range<UInt32>] = []
        var known: UInt32 = 0
        var missed: UInt64 = 0
        for item in captured where !item.segment.flags.has(.rst) {
            let segment = item.segment
            if item.sender != side {
                let offset = segment.acknowledgment.offset(from: start)
                guard segment.flags.has(.ack), offset < Self.before else { continue }
                let acknowledged = min(offset, end.offset(from: start))
                guard acknowledged > known else { continue }
                let there = ranges.reduce(0) { $0 + $1.clamped(to: known..<acknowledged).count }
                missed += UInt64(acknowledged - known) - UInt64(there)
                known = acknowledged
            } else if segment.length > 0 && segment.textStart.offset(from: start) < Self.before {
                var new = segment.textStart.offset(from: start)..<segment.textEnd.offset(from: start)
                for range in ranges where range.lowerBound <= new.upperBound && new.lowerBound <= range.upperBound {
                    new = min(range.lowerBound, new.lowerBound)..<max(range.upperBound, new.upperBound)
                }
                ranges.removeAll { new.contains($0.lowerBound) }
                ranges.append(new)
            }
        }
        let there = ranges.reduce(0) { $0 + $1.clamped(to: 0..<known).count }
        return (missed, UInt64(known) - UInt64(there))
    }

    private mutating func count(_ captured: [Simulation.Captured], _ side: Int) {
        var sent: [(start: SequenceNumber, end: SequenceNumber)] = []
        var hasSynAck = false
        var peerWindow: UInt16 = .max
        for item in captured where !item.segment.flags.has(.rst) {
            let segment = item.segment
            if item.sender != side {
                peerWindow = segment.window
                continue
            }
            sides[side].isSeen = true
            if segment.flags.has(.fin) { sides[side].hasFin = true }
            let end = segment.end
            let isRepeated =
                end != segment.sequence
                && sent.contains { $0.start.isBefore(end) && segment.sequence.isBefore($0.end) }
            if end != segment.sequence { sent.append((segment.sequence, end)) }
            // Text sent as a window probe counts as text again once the window is open.
            if segment.isProbe && (segment.length == 0 || isRepeated && (!segment.isTextProbe || peerWindow == 0)) {
                sides[side].keepAlives += 1
                continue
            }
            // A SYN-ACK after this side's own SYN is the other half of a simultaneous open.
            let isOpening = segment.flags.has([.syn, .ack]) && !hasSynAck
            hasSynAck = hasSynAck || segment.flags.has([.syn, .ack])
            if isRepeated && !isOpening { sides[side].retransmissions += 1 }
        }
    }

    private static func ending(_ sides: [Side], _ own: [Simulation.Captured]) -> Ending {
        let resets = own.indices.filter { own[$0].segment.flags.has(.rst) }
        let hasBothFins = sides[0].hasFin && sides[1].hasFin
        let aborts = sides.compactMap { $0.abort }
        if aborts.contains(.silent) || aborts.contains(.unreachable) { return .doubtful }
        if aborts.isEmpty && resets.isEmpty {
            return hasBothFins ? .closed : sides[0].hasFin || sides[1].hasFin ? .halfClosed : .open
        }
        guard let first = resets.first, !aborts.isEmpty else { return .doubtful }
        if aborts.contains(.refused) {
            // If there was a SYN-ACK, only the client knows that it never arrived.
            return own.contains { $0.segment.flags.has([.syn, .ack]) } ? .doubtful : .refused
        }
        let before = own[..<first]
        let closers = (0..<2).filter { side in before.contains { $0.sender == side && $0.segment.flags.has(.fin) } }
        return closers.count == 2 ? .closed : hasBothFins ? .doubtful : .reset
    }
}

extension Simulation {
    /// Whether SYN, SYN-ACK and all FINs were captured: without them, text cannot be told from controls.
    var hasEveryControl: Bool {
        (0..<2).allSatisfy { end in
            let own = captured.filter { $0.sender == end }
            return own.contains { $0.segment.flags.has(.syn) }
                && (ends[end].ownFin == nil || own.contains { $0.segment.flags.has(.fin) })
        }
    }
}
