// Connections whose opening has no answer: the kernel may have dropped the SYN or the SYN-ACK.

import TCPMachine
import TCPModel

/// The openings that had no answer when they were last examined, the latest last.
struct UnansweredOpenings {
    /// One opening, and the time of its latest SYN or SYN-ACK that was dropped: each is dropped once.
    private struct Opening {
        let id: ConnectionID
        let number: UInt64
        var dropped: Timestamp?
    }

    private static let limit = 1024
    /// How many are added, or removed, before all are examined again: in a flood of SYNs,
    /// each must not cost a look at all of them.
    private static let step = 256

    private var openings: [Opening] = []
    /// How many there may be before the answered ones are removed.
    private var countToTidy = Self.step

    var isEmpty: Bool { openings.isEmpty }

    /// Notes a connection, if it may get no answer. Under a flood the oldest make room: a dropped packet was just sent.
    mutating func add(_ id: ConnectionID, _ number: UInt64, _ timeline: borrowing Timeline) {
        guard Self.mayBeDropped(timeline[id]) else { return }
        if openings.count >= Self.limit { openings.removeFirst(Self.step) }
        openings.append(Opening(id: id, number: number))
    }

    /// Removes the openings that were answered meanwhile, or whose connection is gone.
    mutating func tidy(_ timeline: borrowing Timeline) {
        guard openings.count >= countToTidy else { return }
        var kept: [Opening] = []
        for opening in openings where timeline.connections.contains(opening.id, number: opening.number) {
            if Self.mayBeDropped(timeline[opening.id]) { kept.append(opening) }
        }
        openings = kept
        countToTidy = min(kept.count + Self.step, Self.limit)
    }

    /// The opening whose latest segment was captured just before this drop and may be the dropped one. If several
    /// qualify, the listener decides, if it is known; else two are as bad as many.
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
            // A SYN that was answered with RST was rejected by a rule, or not dropped at all;
            // a SYN-ACK goes to no listener.
            guard Self.mayBeDropped(connection), connection.outcome == .noAnswer || reason == .netfilterDrop else {
                continue
            }
            if let listener, !listener.takes(connection.tuple.destination) { continue }
            if found != nil { return nil }
            found = place
        }
        return found.map { ($0, openings[$0].id, openings[$0].number) }
    }

    /// Notes that the latest segment of the opening at this place was dropped.
    mutating func noteDrop(at place: Int, _ timeline: borrowing Timeline) {
        openings[place].dropped = timeline.connections.store[openings[place].id].lastTime
    }

    /// Whether a SYN or SYN-ACK may still be reported as dropped: it got no answer, or a RST,
    /// which a rule that rejects it sends as well.
    private static func mayBeDropped(_ connection: Connection) -> Bool {
        switch connection.outcome {
        case .noAnswer, .refused: true
        case .halfOpen: connection.openDelay < 0
        case .closed, .reset, .halfClosed, .open, .partial: false
        }
    }
}
