// Connections whose opening has no answer: the SYN or the SYN-ACK may be what the kernel throws away.

import TCPMachine
import TCPModel

/// Those that had no answer when they were last looked at, the latest last.
struct UnansweredOpenings {
    /// One of them, and the time of its latest SYN or SYN-ACK that was dropped: each is dropped once.
    private struct Opening {
        let id: ConnectionID
        let number: UInt64
        var dropped: Timestamp?
    }

    private static let limit = 1024
    /// So many are added, or taken away, before all are looked at again: a flood of SYNs must not cost a look at all of them each.
    private static let step = 256

    private var openings: [Opening] = []
    /// How many there may be before those that were answered are taken out.
    private var countToTidy = Self.step

    var isEmpty: Bool { openings.isEmpty }

    /// Notes a connection, if it may get no answer. Under a flood the oldest make room: what is dropped was just sent.
    mutating func add(_ id: ConnectionID, _ number: UInt64, _ timeline: borrowing Timeline) {
        guard Self.mayBeDropped(timeline[id]) else { return }
        if openings.count >= Self.limit { openings.removeFirst(Self.step) }
        openings.append(Opening(id: id, number: number))
    }

    /// Takes out those that were answered meanwhile, or are gone.
    mutating func tidy(_ timeline: borrowing Timeline) {
        guard openings.count >= countToTidy else { return }
        var kept: [Opening] = []
        for opening in openings where timeline.connections.contains(opening.id, number: opening.number) {
            if Self.mayBeDropped(timeline[opening.id]) { kept.append(opening) }
        }
        openings = kept
        countToTidy = min(kept.count + Self.step, Self.limit)
    }

    /// The one whose latest segment was captured just before this drop and may be what was dropped. Several may have sent one at once:
    /// then the listener decides, if it is known; else two are as bad as many.
    func onlyOne(
        droppedAt time: Timestamp, _ reason: KernelWord, by listener: SocketAddress?, _ timeline: borrowing Timeline
    ) -> (place: Int, id: ConnectionID, number: UInt64)? {
        var found: Int?
        for place in openings.indices.reversed() {
            let opening = openings[place]
            guard timeline.connections.contains(opening.id, number: opening.number) else { continue }
            let sent = timeline.connections.store[opening.id].lastTime
            guard sent.isJustBefore(drop: time), opening.dropped != sent else { continue }
            let connection = timeline[opening.id]
            // A SYN that was answered with RST was rejected by a rule, or by nothing; a SYN-ACK goes to no listener.
            guard Self.mayBeDropped(connection), connection.outcome == .noAnswer || reason == .netfilterDrop else {
                continue
            }
            if let listener, !listener.takes(connection.tuple.destination) { continue }
            if found != nil { return nil }
            found = place
        }
        return found.map { ($0, openings[$0].id, openings[$0].number) }
    }

    /// The latest segment of the one at this place was dropped.
    mutating func noteDrop(at place: Int, _ timeline: borrowing Timeline) {
        openings[place].dropped = timeline.connections.store[openings[place].id].lastTime
    }

    /// Whether a SYN or SYN-ACK may still be said to be dropped: it got no answer, or a RST, which a rule that rejects it sends as
    /// well.
    private static func mayBeDropped(_ connection: Connection) -> Bool {
        switch connection.outcome {
        case .noAnswer, .refused: true
        case .halfOpen: connection.openDelay < 0
        case .closed, .reset, .halfClosed, .open, .partial: false
        }
    }
}
