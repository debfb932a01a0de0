// A connection's whole ladder, ready to be drawn: what stands in which order, and beside it.

import TCPTimeline

import TCPMachine
import TCPModel

/// One line of a ladder.
enum LadderStep {
    /// A part of the connection begins.
    case phase(TimelinePhase)
    /// The states before the first SYN.
    case before(LadderSides)
    /// A segment, or a run of data with its ACKs.
    case row(TimelineRow, LadderSides)
    /// A remark across the lane.
    case note(TimelineNote, LadderSides)
}

/// All that is told of one connection, once it is over.
public struct LadderBlock {
    let connection: Connection
    let kernel: KernelView?
    let steps: [LadderStep]
    let findings: [Finding]
    let statistics: ConnectionStatistics?
    /// Frames that were other copies of its frames.
    let copies: UInt32
    /// Whether the capture has answers to SYNs, of any connection.
    let showsAnswers: Bool
    /// The interface that its first segment was seen on; empty if the capture does not say. Untrusted.
    let interface: String

    /// The worst of its findings; nil if it has none.
    var severity: Severity? { findings.map(\.severity).max() }
}

extension ConnectionText {
    /// Hands over its items, with what stands beside them.
    mutating func takeSteps(_ items: [TimelineItem], _ connection: Connection, _ kernel: KernelView?) -> [LadderStep] {
        var steps: [LadderStep] = []
        steps.reserveCapacity(items.count + 4)
        for item in items {
            switch item {
            case .row(let row, _):
                if phase != row.phase {
                    phase = row.phase
                    steps.append(.phase(row.phase))
                }
                if row.isOpening { steps.append(.before(LadderSides(before: row, connection, kernel))) }
                steps.append(.row(row, sides(of: row, connection, kernel)))
            case .note(let note): steps.append(.note(note, sides(of: note, kernel)))
            }
        }
        if let sender = Self.halfClosedSender(connection.originator.state, connection.responder.state), !saidHalfClosed
        {
            steps.append(.note(.halfClosed(stillSending: sender, at: nil), LadderSides(left: .none, right: .none)))
        }
        return steps
    }
}
