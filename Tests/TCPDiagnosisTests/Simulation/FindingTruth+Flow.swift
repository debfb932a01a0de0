// Findings about the data transfer of a simulated connection.

import TCPModel
import TCPTimeline

@testable import Simulator

extension FindingTruth {
    var captureGap: Expectation {
        // Octets of text that were acknowledged in the capture, but never captured.
        if truth.lackingOctets > 0 { return simulation.hasEveryControl && !hasForgery ? .required : .open }
        // A FIN that was not captured looks like an octet of text.
        return simulation.hasEveryControl ? .forbidden : .open
    }

    var retransmission: Expectation {
        let all = repetitions.flatMap { $0 }
        if !all.contains(where: { $0.isCaptured }) {
            let isDoubtful = (0..<2).contains { isReordered($0) && !canTellOrder($0) }
            return isDoubtful || hasOvertakenSyn ? .open : .forbidden
        }
        // SYNs without an answer, and retransmissions for a lost answer, belong to other findings.
        return all.contains { $0.isLost && $0.isCaptured && $0.isRecognizable && !$0.isSyn } ? .required : .open
    }

    var tailLossProbe: Expectation {
        let needless = repetitions.joined().filter { $0.isCaptured && !$0.isNeeded }
        // Whether it looks like a probe depends on how much of the round trips was captured.
        if needless.contains(where: { $0.segment.cause == .tailLossProbe }) { return .open }
        // A fixed waiting time, which some simulated hosts use, may look like any kind.
        return needless.isEmpty || measuresRoundTrips ? .forbidden : .open
    }

    var spurious: Expectation {
        for side in 0..<2 where repetitions[side].contains(where: { isShownNeedless($0, side) }) { return .required }
        return repetitions.flatMap { $0 }.contains { $0.isCaptured && !$0.isNeeded } ? .open : .forbidden
    }

    /// Whether all of a segment had been acknowledged in the capture before it was retransmitted.
    private func isShownNeedless(_ repetition: Repetition, _ side: Int) -> Bool {
        guard repetition.isCaptured, !repetition.isNeeded, !repetition.isSyn,
            repetition.segment.cause != .tailLossProbe
        else { return false }
        let before = truth.captured.prefix { $0.segment.number != repetition.number }
        let acks = before.filter { $0.sender != side && $0.segment.flags.has(.ack) && !$0.segment.flags.has(.rst) }
        // A segment sent into a closed window, or crossing the ACK that closes it, counts as a probe.
        if acks.contains(where: { $0.segment.window == 0 }) { return false }
        return acks.contains { $0.segment.acknowledgment.isAtOrAfter(repetition.segment.end) }
    }

    var measuresRoundTrips: Bool { truth.ends.allSatisfy { $0?.host.measuresRoundTrips ?? true } }

    var reordering: Expectation {
        for side in 0..<2 {
            guard isReordered(side) else { continue }
            return canTellOrder(side) && hasOvertakenText(side) ? .required : .open
        }
        return .forbidden
    }

    /// Whether text was captured after later text, from a side that sent nothing twice, and no window was closed
    /// meanwhile.
    private func hasOvertakenText(_ side: Int) -> Bool {
        let hasClosedWindow = truth.captured.contains { $0.segment.window == 0 && !$0.segment.flags.has(.rst) }
        guard !hasClosedWindow, repetitions[side].isEmpty, captured(side, { $0.flags.has(.syn) }).count == 1 else {
            return false
        }
        let text = captured(side) { $0.length > 0 && !$0.flags.hasAny([.syn, .rst]) && !$0.isProbe }
        return zip(text, text.dropFirst()).contains { $1.segment.number < $0.segment.number }
    }

    /// Whether text of one side was captured in another order than it was sent.
    func isReordered(_ side: Int) -> Bool {
        let numbers = captured(side) { $0.end != $0.sequence && !$0.flags.has(.rst) }.map { $0.segment.number }
        return zip(numbers, numbers.dropFirst()).contains { $1 < $0 }
    }

    /// Whether a late segment itself shows that it was sent before the segments that it follows.
    func canTellOrder(_ side: Int) -> Bool {
        guard let host = truth.ends[side]?.host else { return false }
        // Segments sent at the same moment have equal timestamps.
        return host.numbersPackets
    }

    var zeroWindowStall: Expectation {
        if (0..<2).contains(where: stalls) { return .required }
        return truth.captured.contains { $0.segment.window == 0 && !$0.segment.flags.has(.rst) } ? .open : .forbidden
    }

    /// Whether a side kept its window closed for a second while the peer probed it; a RST ends that, too.
    func stalls(_ side: Int) -> Bool {
        var (shut, probes): (Int64?, Int) = (nil, 0)
        for item in truth.captured {
            let segment = item.segment
            let isOpening = item.sender == side && segment.flags.has(.ack) && segment.window > 0
            if let since = shut, probes > 0, item.time - since >= 1_000_000 { return true }
            if segment.flags.has(.rst) { return false }
            if isOpening { (shut, probes) = (nil, 0) }
            if item.sender == side && segment.flags.has(.ack) && segment.window == 0 { shut = shut ?? item.time }
            if item.sender != side && shut != nil && (segment.isProbe || segment.length > 0) { probes += 1 }
        }
        return false
    }

    var challengeAck: Expectation {
        if !hasForgery && !isReused { return .forbidden }
        let wasForged = truth.captured.contains { $0.forgery?.isReset == false && isOutlived($0) }
        return wasForged && !isReused && resets.isEmpty ? .required : .open
    }

    /// Whether both ends continued after a forged segment.
    private func isOutlived(_ forged: Simulation.Captured) -> Bool {
        let after = truth.captured.drop { $0.segment.number != forged.segment.number }
        return (0..<2).allSatisfy { side in
            after.contains { $0.sender == side && $0.forgery == nil && $0.time > forged.time + 50_000 }
        }
    }

    private var resets: [Simulation.Captured] { truth.captured.filter { $0.segment.flags.has(.rst) } }

    var rstIgnored: Expectation {
        let ignored = Set(truth.ends.flatMap { $0?.ignoredResets ?? [] })
        if resets.isEmpty { return .forbidden }
        // Every RST was forged, and its receiver neither obeyed it nor could have.
        if hasForgery && resets.allSatisfy({ $0.forgery.map { $0.number != .exact } ?? false }) {
            return resets.contains(where: isOutlived) ? .required : .open
        }
        if hasForgery || isReused || hasOvertakingReset { return .open }
        let heard = Set(truth.ends.flatMap { $0?.heard.map { $0.number } ?? [] })
        return resets.contains { ignored.contains($0.segment.number) || !heard.contains($0.segment.number) }
            ? .open : .forbidden
    }

    var keepaliveDead: Expectation {
        guard let reset = resets([.keepAliveTimeout]).first else { return .forbidden }
        // An answer that was captured may have been lost afterwards.
        let before = truth.captured.prefix { $0.segment.number != reset.segment.number }
        let probes = before.reversed().prefix { $0.sender == reset.sender }.filter { $0.segment.isProbe }
        return probes.count > 1 ? .required : .open
    }

    /// All simulated hosts have the same hop limit.
    var middlebox: Expectation { .forbidden }
}
