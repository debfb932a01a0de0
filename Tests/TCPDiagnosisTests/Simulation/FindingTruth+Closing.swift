// Findings about how a simulated connection closed.

import TCPModel
import TCPTimeline

@testable import Simulator

extension FindingTruth {
    /// The index of the first captured segment with a FIN of one side.
    func fin(_ side: Int) -> Int? {
        truth.captured.firstIndex { $0.sender == side && $0.segment.flags.has(.fin) }
    }

    var halfClose: Expectation {
        for side in 0..<2 {
            guard let end = truth.ends[side], let peer = truth.ends[1 - side], let fin = fin(side) else { continue }
            let isHeard = peer.taken.contains { piece in end.ownFin.map { piece.end == $0.advanced(by: 1) } ?? false }
            let again = Set(repetitions[1 - side].map { $0.number })
            // Its ACK shows that its sender knew of the FIN.
            let later = truth.captured[fin...].contains { item in
                item.sender != side && item.segment.length > 0 && !item.segment.isProbe
                    && !again.contains(item.segment.number)
                    && end.ownFin.map { item.segment.acknowledgment.isAfter($0) } ?? false
            }
            if later && isHeard && !hasForgery && end.abort == nil && !end.readsNoMore && isLast { return .required }
            if later || hasLateRepetition(1 - side, fin) { return .open }
        }
        return .forbidden
    }

    /// Whether a side retransmitted after a FIN what was lost before the capture: the capture cannot distinguish that
    /// from a first transmission.
    private func hasLateRepetition(_ side: Int, _ fin: Int) -> Bool {
        let numbers = Set(truth.captured[fin...].map { $0.segment.number })
        return repetitions[side].contains { numbers.contains($0.number) && $0.segment.length > 0 }
    }

    /// Whether a side aborted, but its own RST was not captured.
    private func hasUnseenReset(_ side: Int) -> Bool {
        truth.ends[side]?.abort == .sent
            && !resets([.abort, .unreadText, .lateText, .keepAliveTimeout]).contains { $0.sender == side }
    }

    var closeWaitLeak: Expectation {
        if hasForgery { return .open }
        for side in 0..<2 {
            guard let end = truth.ends[side], isLast else { continue }
            // Nothing in a capture reveals a crash.
            if truth.sides[side].abort == .silent && end.closeWaitTime != nil { return .open }
            if end.state == .closeWait {
                return fin(1 - side) != nil && simulation.hasEveryFrame ? .required : .open
            }
        }
        // A FIN that was not captured does not show.
        return simulation.hasEveryControl ? .forbidden : .open
    }

    var resetAfterClose: Expectation {
        let late = resets([.lateText, .noConnection]).filter { truth.ends[$0.sender]?.ownFin != nil }
        // An answer cannot be distinguished from a forged RST, and a server that lost the first ACK after its cookie
        // answers the same way.
        if hasUnseenReset(0) || hasUnseenReset(1) { return .open }
        guard let first = late.first else { return hasForgery || hasCookies ? .open : .forbidden }
        guard first.segment.cause == .lateText, let fin = fin(first.sender), !hasForgery, !hasOvertakingReset else {
            return .open
        }
        return truth.captured[fin].segment.number < first.segment.number ? .required : .open
    }

    var timeWaitAssassination: Expectation {
        let answers = resets([.noConnection, .lateText]).filter { !$0.segment.flags.has(.ack) }
        if hasForgery || isReused || hasOvertakingReset { return .open }
        guard !answers.isEmpty else { return .forbidden }
        let ended = truth.ends.contains { end in answers.contains { $0.segment.number == end?.timeWaitReset } }
        // A RST that was captured may have been lost afterwards, and segments that were not captured may explain it
        // otherwise.
        let network = simulation.network
        guard network.lossBefore + network.lossBehind + network.notCaptured == 0 else { return .open }
        return ended ? .required : .forbidden
    }

    var halfOpenPeer: Expectation {
        let answers = resets([.noConnection])
        if isReused || hasForgery || hasCookies || hasOvertakingReset { return .open }
        if hasUnseenReset(0) || hasUnseenReset(1) { return .open }
        // Text that arrived after a close() whose FIN was not captured looks the same.
        if resets([.lateText]).contains(where: { fin($0.sender) == nil }) { return .open }
        guard let first = answers.first, let end = truth.ends[first.sender] else { return .forbidden }
        guard truth.sides[first.sender].abort == .silent, end.irs != nil else { return .forbidden }
        // A RST from a side that had closed is no surprise, unless its FIN was lost before the capture.
        if end.ownFin != nil { return fin(first.sender) == nil ? .open : .forbidden }
        let wasOpen = first.sender == 1 || !captured(0) { !$0.flags.hasAny([.syn, .rst]) }.isEmpty
        return first.segment.flags.has(.ack) || !wasOpen ? .open : .required
    }

    var reset: Expectation {
        guard let first = resets([.abort, .unreadText]).first, let client = truth.ends[0], client.irs != nil else {
            // The handshake was broken off.
            let others = resets([.abort, .unreadText, .badAck, .lateText, .noConnection, .keepAliveTimeout])
            return others.isEmpty && !hasForgery && !isReused ? .forbidden : .open
        }
        // Once both FINs were captured, the connection counts as closed, and a RST adds nothing.
        let before = truth.captured.prefix { $0.segment.number != first.segment.number }
        let fins = Set(before.filter { $0.segment.flags.has(.fin) }.map { $0.sender })
        let isDisputed = before.contains { $0.segment.flags.has(.rst) }
        return fins.count == 2 || isDisputed || hasForgery || isReused || hasOvertakingReset ? .open : .required
    }

    /// Whether the server keeps nothing for a SYN.
    var hasCookies: Bool { truth.ends[1]?.host.usesCookies == true }
}
