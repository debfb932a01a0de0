// Which findings a simulated connection must have and must not have, derived from its endpoints' actions and the
// capture.

import TCPModel
import TCPTimeline

@testable import Simulator

/// The truth about the findings of one connection.
struct FindingTruth {
    let simulation: Simulation
    let truth: SimulatedTruth
    let isFirst: Bool
    let isLast: Bool
    /// The captured segments by sender, without forged ones.
    let own: [[Simulation.Captured]]
    let repetitions: [[Repetition]]

    init(_ simulation: Simulation, _ truth: SimulatedTruth, isFirst: Bool, isLast: Bool) {
        self.simulation = simulation
        self.truth = truth
        self.isFirst = isFirst
        self.isLast = isLast
        own = (0..<2).map { side in truth.captured.filter { $0.sender == side && $0.forgery == nil } }
        repetitions = (0..<2).map { Repetition.all(truth, $0) }
    }

    /// Whether this connection must have, must not have, or may have a finding.
    func expectation(_ code: FindingCode) -> Expectation {
        switch code {
        case .simultaneousOpen: simultaneousOpen
        case .fastOpen: fastOpen
        case .portReused: portReused
        case .refused: refused
        case .synUnanswered: synUnanswered
        case .synAckLost: synAckLost
        case .captureGap: captureGap
        case .retransmission: retransmission
        case .tailLossProbe: tailLossProbe
        case .spuriousRetransmission: spurious
        case .reordering: reordering
        case .zeroWindowStall: zeroWindowStall
        case .challengeAck: challengeAck
        case .rstIgnored: rstIgnored
        case .keepaliveDead: keepaliveDead
        case .middlebox: middlebox
        case .halfClose: halfClose
        case .closeWaitLeak: closeWaitLeak
        case .resetAfterClose: resetAfterClose
        case .timeWaitAssassination: timeWaitAssassination
        case .halfOpenPeer: halfOpenPeer
        case .reset: reset
        // Simulated programs write at any time, also just when an ACK arrives.
        case .nagleDelay: .open
        // Only a kernel reveals these, and there is none. Nor does a simulated host connect to itself, or the network
        // drop segments for their size.
        case .acceptQueueFull, .neverAccepted, .acceptedLate, .resetUnreadData, .resetLinger, .resetListenerClosed,
            .resetKilled, .orphanFinWait2, .timeWaitHeld, .selfConnect, .silentClose, .stateMismatch, .synCookies,
            .mtuBlackHole, .acceptDeferred, .unreadText, .segmentsDropped:
            .forbidden
        }
    }

    /// The captured segments of one side that fit.
    func captured(_ side: Int, _ fits: (SimulatedSegment) -> Bool) -> [Simulation.Captured] {
        own[side].filter { fits($0.segment) }
    }

    /// The captured RSTs that an endpoint sent for one of these reasons.
    func resets(_ causes: Set<SimulatedCause>) -> [Simulation.Captured] {
        truth.captured.filter {
            $0.forgery == nil && $0.segment.flags.has(.rst) && causes.contains($0.segment.cause)
        }
    }

    /// Whether a RST was captured before segments that its sender had sent earlier: in the capture, the sender seems to
    /// continue.
    func isOvertaking(_ reset: Simulation.Captured) -> Bool {
        own[reset.sender].drop { $0.segment.number != reset.segment.number }.contains {
            $0.segment.number < reset.segment.number
        }
    }

    /// Whether any RST of an endpoint was captured that way.
    var hasOvertakingReset: Bool {
        truth.captured.contains { $0.forgery == nil && $0.segment.flags.has(.rst) && isOvertaking($0) }
    }

    /// Whether a third party sent anything.
    var hasForgery: Bool { simulation.sent.contains { $0.forgery != nil } }
    /// Whether the four-tuple was reused, or a reuse was attempted.
    var isReused: Bool { simulation.endpoints[0].count > 1 || simulation.endpoints[1].count > 1 }
}
