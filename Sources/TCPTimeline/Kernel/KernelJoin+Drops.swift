// Whose SYN the kernel threw away: a dropped packet's event has no ports, and a listener's socket is followed by nobody.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// A packet is dropped at most so long after it was captured, in nanoseconds: both happen in the same interrupt, mostly.
    static let dropDelay = Span.millisecond
    private static let openingLimit = 1024
    /// So many are added, or taken away, before all are looked at again: a flood of SYNs must not cost a look at all of them each.
    private static let openingStep = 256

    /// Notes a connection whose SYN may get no answer. Under a flood the oldest make room: what is dropped was just sent.
    mutating func noteOpening(_ id: ConnectionID, _ connection: Connection) {
        guard connection.outcome == .noAnswer else { return }
        if opening.count >= Self.openingLimit { opening.removeFirst(Self.openingStep) }
        opening.append((id, connection.number, nil))
    }

    /// Takes out those that were answered meanwhile, or are gone.
    mutating func tidyOpenings(_ timeline: borrowing Timeline) {
        guard opening.count >= openingsToTidy else { return }
        var kept: [(id: ConnectionID, number: UInt64, dropped: Timestamp?)] = []
        for entry in opening where timeline.contains(entry.id, number: entry.number) {
            if timeline[entry.id].outcome == .noAnswer { kept.append(entry) }
        }
        opening = kept
        openingsToTidy = min(kept.count + Self.openingStep, Self.openingLimit)
    }

    /// The responder of the one unanswered SYN that was captured just before this drop. Each SYN is dropped once.
    mutating func droppedSyn(_ event: SocketEvent, _ timeline: borrowing Timeline) -> EndpointReference? {
        guard case .dropped = event.kind, !opening.isEmpty else { return nil }
        // Several may have been sent at once: then the listener decides, if it is known by its address in memory.
        let listener = listenerAddresses[event.socket]
        var found: Int?
        for place in opening.indices.reversed() {
            let entry = opening[place]
            guard timeline.contains(entry.id, number: entry.number) else { continue }
            let sent = timeline.store[entry.id].lastTime
            let delay = event.time.since(sent)
            guard delay >= -SocketTracks.clockError && delay <= Self.dropDelay && entry.dropped != sent else {
                continue
            }
            let connection = timeline[entry.id]
            guard connection.outcome == .noAnswer else { continue }
            if let listener, !Self.takes(listener, connection.tuple.destination) { continue }
            // Two are as bad as many.
            if found != nil { return nil }
            found = place
        }
        guard let found else { return nil }
        let entry = opening[found]
        opening[found].dropped = timeline.store[entry.id].lastTime
        if event.socket != 0 { learnListener(event.socket, timeline[entry.id].tuple.destination) }
        return EndpointReference(id: entry.id, number: entry.number, side: .responder)
    }

    /// A listener's socket, by its address in memory: where it listens.
    mutating func learnListener(_ socket: UInt64, _ address: SocketAddress) {
        if listenerAddresses.count >= Self.listenerLimit { listenerAddresses.removeAll(keepingCapacity: true) }
        if listenerAddresses[socket] == nil { listenerAddresses[socket] = address }
    }

    private static func takes(_ listener: SocketAddress, _ target: SocketAddress) -> Bool {
        listener.port == target.port
            && (listener.address == target.address || listener.address == .anyV4 || listener.address == .anyV6)
    }
}
