// Whose SYN the kernel threw away: a dropped packet's event has no ports, and a listener's socket is followed by nobody.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// A packet is dropped at most so long after it was captured, in nanoseconds: both happen in the same interrupt, mostly.
    static let dropDelay = Span.millisecond
    private static let openingLimit = 1024

    /// Notes a connection whose SYN may get no answer.
    mutating func noteOpening(_ id: ConnectionID, _ connection: Connection) {
        guard connection.outcome == .noAnswer, opening.count < Self.openingLimit else { return }
        opening.append((id, connection.number, nil))
    }

    /// The responder of the one unanswered SYN that was captured just before this drop. Each SYN is dropped once.
    mutating func droppedSyn(_ event: SocketEvent, _ timeline: borrowing Timeline) -> EndpointReference? {
        guard case .dropped = event.kind, !opening.isEmpty else { return nil }
        var kept: [(id: ConnectionID, number: UInt64, dropped: Timestamp?)] = []
        for entry in opening where timeline.contains(entry.id, number: entry.number) {
            if timeline[entry.id].outcome == .noAnswer { kept.append(entry) }
        }
        opening = kept
        // Several may have been sent at once: then the listener decides, if it is known by its address in memory.
        let listener = listenerAddresses[event.socket]
        let candidates = opening.indices.filter { place in
            let entry = opening[place]
            let delay = event.time.since(timeline[entry.id].lastTime)
            return delay >= -SocketTracks.clockError && delay <= Self.dropDelay
                && entry.dropped != timeline[entry.id].lastTime
                && listener.map { Self.takes($0, timeline[entry.id].tuple.destination) } ?? true
        }
        guard candidates.count == 1, let place = candidates.first else { return nil }
        let entry = opening[place]
        opening[place].dropped = timeline[entry.id].lastTime
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
