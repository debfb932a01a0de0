// A connection's whole ladder, ready to be drawn: its lines in order, with the states beside them.

import TCPTimeline

import TCPMachine
import TCPModel

/// One line of a ladder.
enum LadderStep {
    /// The beginning of a phase of the connection.
    case phase(TimelinePhase)
    /// The states before the first SYN.
    case before(LadderSides)
    /// A segment, or a run of data with its ACKs.
    case row(TimelineRow, LadderSides)
    /// A remark across the lane.
    case note(TimelineNote, LadderSides)
}

/// Everything that is shown of a connection once it is over.
public struct LadderBlock {
    let connection: Connection
    let kernel: KernelView?
    let steps: [LadderStep]
    let findings: [Finding]
    let statistics: ConnectionStatistics?
    /// The number of frames that were copies of other frames.
    let copies: UInt32
    /// Whether the capture has answers to SYNs, of any connection.
    let showsAnswers: Bool
    /// The interface on which the first segment was seen; empty if the capture does not record it. Untrusted.
    let interface: String

    /// The most severe of its findings; nil if there are none.
    var severity: Severity? { findings.map(\.severity).max() }
}

extension ConnectionText {
    /// Converts items into lines, with the states beside them.
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
