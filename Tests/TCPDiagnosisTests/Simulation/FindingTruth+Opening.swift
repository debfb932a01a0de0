// Findings about how a simulated connection opened.

import TCPModel
import TCPTimeline

@testable import Simulator

extension FindingTruth {
    var simultaneousOpen: Expectation {
        guard truth.ends.contains(where: { $0?.hasCrossedSyns == true }) else { return .forbidden }
        // Both SYNs and one of the answers were captured.
        let areSeen = (0..<2).allSatisfy { !captured($0) { $0.flags == .syn }.isEmpty }
        let isAnswered = (0..<2).contains { !captured($0) { $0.flags.has([.syn, .ack]) }.isEmpty }
        return areSeen && isAnswered && !hasOvertakenSyn ? .required : .open
    }

    /// Whether a SYN was captured after the SYN-ACK of the same side, which looks like an ordinary opening.
    var hasOvertakenSyn: Bool {
        (0..<2).contains { side in
            let first = captured(side) { $0.flags.has(.syn) }.first
            return first?.segment.flags.has(.ack) == true && !captured(side) { $0.flags == .syn }.isEmpty
        }
    }

    var fastOpen: Expectation {
        captured(0) { $0.flags == .syn && $0.length > 0 }.isEmpty ? .forbidden : .required
    }

    var portReused: Expectation { isFirst ? .forbidden : .required }

    var refused: Expectation {
        guard let client = truth.ends[0] else { return .forbidden }
        // The server does not exist, or no longer does; then the client's SYN was a retransmission.
        let answers = truth.meanwhile.contains {
            $0.sender == 1 && $0.segment.cause == .noConnection && $0.segment.acknowledgment.isAfter(client.iss)
                && $0.segment.acknowledgment.isAtOrBefore(client.highest)
        }
        let isAnswered = !captured(1) { $0.flags.has(.syn) }.isEmpty
        // If its answer was not captured, an abort looks like a refusal.
        guard answers else { return isAnswered || resets([.abort, .unreadText]).isEmpty ? .forbidden : .open }
        return client.abort == .refused && !isAnswered && !captured(0) { $0.flags == .syn }.isEmpty ? .required : .open
    }

    var synUnanswered: Expectation {
        // A client that continues was answered, and one that gives up does not wait.
        guard let first = truth.meanwhile.first, let last = truth.meanwhile.last,
            truth.meanwhile.allSatisfy({ $0.sender == first.sender && $0.segment.flags == .syn })
        else { return .forbidden }
        return isLast || last.time - first.time >= 1_000_000 ? .required : .open
    }

    var synAckLost: Expectation {
        guard let client = truth.ends[0] else { return .forbidden }
        let answers = truth.captured.firstIndex { $0.sender == 1 && $0.segment.flags.has([.syn, .ack]) }
        guard let answers else { return .forbidden }
        // The client has the answer; whether the capture has the client's ACK is another matter.
        if client.irs != nil { return captured(0) { !$0.flags.has(.syn) }.isEmpty ? .open : .forbidden }
        let again = truth.captured[answers...].contains { $0.sender == 0 && $0.segment.flags == .syn }
        return client.state == .synSent && again ? .required : .open
    }
}
