// The words at both sides of a ladder's row: the states to which its segment led, and whether the kernel confirms them.

import TCPMachine
import TCPModel
import TCPTimeline

/// The words at both sides.
struct LadderSides {
    var left = StateWords.none
    var right = StateWords.none

    /// Whether the kernel confirms either of them.
    var isConfirmed: Bool { left.mark == StateWords.confirmed || right.mark == StateWords.confirmed }

    /// The words of one side only.
    init(_ words: StateWords, of side: Side) {
        if side == .originator { left = words } else { right = words }
    }

    init(left: StateWords, right: StateWords) {
        self.left = left
        self.right = right
    }

    /// The states before the SYN: CLOSED, and LISTEN if the SYN was answered or the kernel shows a listener.
    init(before row: TimelineRow, _ connection: Connection, _ kernel: KernelView?) {
        let hasListener = kernel?.responder.listener != nil
        let hasNoSocket = kernel?.responder.hasNoSocket == true
        // A firewall rule rejects the SYN: the client's kernel reported the RST, but the listener's kernel reported
        // sending none.
        let isRejected = hasListener && kernel?.isRejected == true
        left = StateWords(.closed)
        switch row.answerer {
        case .noSocket where isRejected: right = StateWords(.listen, isConfirmed: true)
        case .listener: right = StateWords(.listen, isConfirmed: hasListener)
        case .noSocket: right = StateWords("(no socket)", isConfirmed: hasNoSocket)
        case .unknown where connection.isSelfConnect: right = .none
        case .unknown where hasListener: right = StateWords(.listen, isConfirmed: true)
        case .unknown: right = StateWords(hasNoSocket ? "(no socket)" : "(unknown)", isConfirmed: hasNoSocket)
        }
    }
}

extension ConnectionText {
    /// The words beside a row that is being written now.
    mutating func sides(of row: TimelineRow, _ connection: Connection, _ kernel: KernelView?) -> LadderSides {
        // A self-connect has one socket: the left side shows the effect of sending, the right side that of the same
        // segment arriving.
        LadderSides(
            left: words(.originator, row.states.originator, row.denied.originator ? nil : kernel),
            right: words(
                .responder, row.states.responder, connection.isSelfConnect || row.denied.responder ? nil : kernel))
    }

    /// The words beside a note that is being written now.
    mutating func sides(of note: TimelineNote, _ view: KernelView?) -> LadderSides {
        switch note {
        case .icmp(let event):
            let entered = event.reaction.count > 0 ? event.reaction[event.reaction.count - 1].to : .unseen
            return LadderSides(words(event.side, entered, view), of: event.side)
        case .uncaptured(let event, let own, let peer):
            let (left, right) = event.side == .originator ? (own, peer) : (peer, own)
            return LadderSides(left: words(.originator, left, view), right: words(.responder, right, view))
        case .kernel(let event):
            switch event.kind {
            case .dropped: return LadderSides(StateWords(.closed, isConfirmed: true), of: event.side)
            case .contradiction(let said?, let wire)
            where !event.isCorrected && (wire == .closed || event.lacksAnswer):
                return LadderSides(StateWords(said, isConfirmed: true), of: event.side)
            case .contradiction(let said?, _) where event.isCorrected:
                return LadderSides(words(event.side, said, view), of: event.side)
            case .contradiction(_, let wire):
                return LadderSides(StateWords(wire, mark: StateWords.contradicted), of: event.side)
            case .state, .owner, .notAccepted, .accepted, .uncaptured, .translated, .traced: break
            }
        case .halfClosed, .idle, .midstream, .elided, .translated, .redirected, .notNeeded, .subflow: break
        }
        return LadderSides(left: .none, right: .none)
    }

    /// The words for a state that changes, or that the kernel first confirms.
    private mutating func words(_ side: Side, _ entered: TCPState, _ kernel: KernelView?) -> StateWords {
        guard let shown = show(side, entered: entered, kernel) else { return .none }
        return StateWords(shown.state, isConfirmed: shown.isConfirmed)
    }
}

extension TimelineNote {
    /// When the note's event happened; nil if its place is determined by its neighbours.
    var time: Timestamp? {
        switch self {
        case .icmp(let event): event.time
        case .kernel(let event), .uncaptured(let event, _, _): event.time
        case .halfClosed, .idle, .midstream, .elided, .translated, .redirected, .notNeeded, .subflow: nil
        }
    }
}

extension TimelineRow {
    /// The transitions of the sender and of the receiver.
    var reactions: [(Side, Reaction)] { [(sender, sent), (sender.other, arrived)] }
}

extension OutputBuffer {
    /// Appends the title of a phase of the timeline.
    mutating func append(titleOf phase: TimelinePhase, _ connection: Connection) {
        switch phase {
        case .handshake: append("handshake")
        case .data: append("data")
        case .teardown:
            append("teardown")
            if connection.mayLackFin { return }
            append(connection.facts.contains(.originatorClosedFirst) ? " (client" : " (server")
            append(" closes first)")
        case .reset:
            append("reset")
            guard connection.facts.contains(.reset) else { return }
            switch connection.closer {
            case .originator: append(" (by client)")
            case .responder: append(" (by server)")
            case nil: append(" (by neither end)")
            }
        }
    }

    /// Appends why an endpoint changed its state: `client observed: C:3.10.7.3-syn-ack`.
    mutating func append(reasonOf transition: Transition, _ side: Side) {
        append(side == .originator ? "client " : "server ")
        append(transition.certainty.name)
        append(": ")
        append(transition.rule.id)
    }
}
