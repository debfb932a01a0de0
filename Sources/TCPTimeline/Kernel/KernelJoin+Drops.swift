// Whose SYN the kernel threw away: a dropped packet's event has no ports, and a listener's socket is followed by nobody.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// A packet is dropped at most so long after it was captured, in nanoseconds: both happen in the same interrupt, mostly.
    static let dropDelay = Span.millisecond
    private static let openingLimit = 1024

    /// Whether a SYN may still be said to be dropped: it got no answer, or a RST, which a rule that rejects it sends as well.
    private static func mayBeDropped(_ connection: Connection) -> Bool {
        connection.outcome == .noAnswer || connection.outcome == .refused
    }

    /// Notes a connection whose SYN may get no answer.
    mutating func noteOpening(_ id: ConnectionID, _ connection: Connection) {
        guard Self.mayBeDropped(connection) else { return }
        // The oldest are the least likely to be sent again.
        if opening.count >= Self.openingLimit { opening.removeFirst(Self.openingLimit / 2) }
        opening.append((id, connection.number, nil))
    }

    /// Whether a SYN can be dropped for this reason. Events come from everybody on this host: a RST that finds no socket, or an old
    /// segment, somewhere else at the same moment, is none. A SYN that was answered with RST was rejected by a rule, or by nothing.
    private static func dropsSyns(_ reason: String, isRefused: Bool) -> Bool {
        if reason == "NETFILTER_DROP" { return true }
        guard !isRefused else { return false }
        if reason.hasPrefix("TCP_") {
            return reason.hasPrefix("TCP_MD5") || reason.hasPrefix("TCP_AO") || reason.hasPrefix("TCP_LISTEN")
                || reason == "TCP_CSUM" || reason == "TCP_FLAGS"
        }
        return reason != "NO_SOCKET"
    }

    /// The responder of the one unanswered SYN that was captured just before this drop. Each SYN is dropped once.
    mutating func droppedSyn(_ event: SocketEvent, _ timeline: borrowing Timeline) -> EndpointReference? {
        guard case .dropped(let reason) = event.kind, !opening.isEmpty, Self.dropsSyns(reason, isRefused: false) else {
            return nil
        }
        var kept: [(id: ConnectionID, number: UInt64, dropped: Timestamp?)] = []
        for entry in opening where timeline.contains(entry.id, number: entry.number) {
            if Self.mayBeDropped(timeline[entry.id]) { kept.append(entry) }
        }
        opening = kept
        // Several may have been sent at once: then the listener decides, if it is known by its address in memory.
        let listener = listenerAddresses[event.socket]
        let candidates = opening.indices.filter { place in
            let entry = opening[place]
            let delay = event.time.since(timeline[entry.id].lastTime)
            let isRefused = timeline[entry.id].outcome == .refused
            guard Self.dropsSyns(reason, isRefused: isRefused) else { return false }
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
