// Which findings a simulated connection must have and which it must not: from what its ends did, and what the capture has of it.

import TCPModel
import TCPTimeline

@testable import Simulator

/// The truth about one connection's findings.
struct FindingTruth {
    let simulation: Simulation
    let truth: SimulatedTruth
    let isFirst: Bool
    let isLast: Bool
    /// What was captured, by who sent it; without forgeries.
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

    /// What is to be expected of a finding in this connection.
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
        // Simulated programs write when they like, at times when an ACK comes.
        case .nagleDelay: .open
        // Only a kernel tells of these, and there is none; nor does anybody connect to himself, or drop segments for their size, here.
        case .acceptQueueFull, .neverAccepted, .acceptedLate, .resetUnreadData, .resetLinger, .resetListenerClosed,
            .resetKilled, .orphanFinWait2, .timeWaitHeld, .selfConnect, .silentClose, .stateMismatch, .synCookies,
            .mtuBlackHole, .acceptDeferred, .unreadText, .segmentsDropped:
            .forbidden
        }
    }

    /// The captured segments that fit, of one side.
    func captured(_ side: Int, _ fits: (SimulatedSegment) -> Bool) -> [Simulation.Captured] {
        own[side].filter { fits($0.segment) }
    }

    /// The captured RSTs that an end sent for one of these reasons.
    func resets(_ causes: Set<SimulatedCause>) -> [Simulation.Captured] {
        truth.captured.filter {
            $0.forgery == nil && $0.segment.flags.has(.rst) && causes.contains($0.segment.cause)
        }
    }

    /// Whether a RST was captured before what its sender had sent before it: who looks at the capture thinks that it went on.
    func isOvertaking(_ reset: Simulation.Captured) -> Bool {
        own[reset.sender].drop { $0.segment.number != reset.segment.number }.contains {
            $0.segment.number < reset.segment.number
        }
    }

    /// The same of any RST of an end.
    var hasOvertakingReset: Bool {
        truth.captured.contains { $0.forgery == nil && $0.segment.flags.has(.rst) && isOvertaking($0) }
    }

    /// Whether somebody else sent something.
    var hasForgery: Bool { simulation.sent.contains { $0.forgery != nil } }
    /// Whether the four-tuple was used again, or was tried to.
    var isReused: Bool { simulation.endpoints[0].count > 1 || simulation.endpoints[1].count > 1 }
}
