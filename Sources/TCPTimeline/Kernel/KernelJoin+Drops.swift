// Whose SYN the kernel threw away: a dropped packet's event has no ports, and a listener's socket is followed by nobody.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// A packet is dropped at most so long after it was captured, in nanoseconds: both happen in the same interrupt, mostly.
    static let dropDelay = Span.millisecond
    private static let openingLimit = 1024
    /// So many are added, or taken away, before all are looked at again: a flood of SYNs must not cost a look at all of them each.
    private static let openingStep = 256

    /// Whether a SYN may still be said to be dropped: it got no answer, or a RST, which a rule that rejects it sends as well.
    private static func mayBeDropped(_ connection: Connection) -> Bool {
        connection.outcome == .noAnswer || connection.outcome == .refused
    }

    /// Notes a connection whose SYN may get no answer. Under a flood the oldest make room: what is dropped was just sent.
    mutating func noteOpening(_ id: ConnectionID, _ connection: Connection) {
        guard Self.mayBeDropped(connection) else { return }
        if opening.count >= Self.openingLimit { opening.removeFirst(Self.openingStep) }
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

    /// Takes out those that were answered meanwhile, or are gone.
    mutating func tidyOpenings(_ timeline: borrowing Timeline) {
        guard opening.count >= openingsToTidy else { return }
        var kept: [(id: ConnectionID, number: UInt64, dropped: Timestamp?)] = []
        for entry in opening where timeline.contains(entry.id, number: entry.number) {
            if Self.mayBeDropped(timeline[entry.id]) { kept.append(entry) }
        }
        opening = kept
        openingsToTidy = min(kept.count + Self.openingStep, Self.openingLimit)
    }

    /// The responder of the one unanswered SYN that was captured just before this drop. Each SYN is dropped once.
    mutating func droppedSyn(_ event: SocketEvent, _ timeline: borrowing Timeline) -> EndpointReference? {
        guard case .dropped(let word) = event.kind, !opening.isEmpty else { return nil }
        let reason = word.text
        guard Self.dropsSyns(reason, isRefused: false) else { return nil }
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
            guard Self.mayBeDropped(connection),
                Self.dropsSyns(reason, isRefused: connection.outcome == .refused)
            else { continue }
            if let listener, !Self.takes(listener, connection.tuple.destination) { continue }
            // Two are as bad as many.
            if found != nil { return nil }
            found = place
        }
        guard let found else { return nil }
        let entry = opening[found]
        opening[found].dropped = timeline.store[entry.id].lastTime
        // It may listen on all addresses: only the port is known for sure.
        let port = timeline.store[entry.id].destinationPort
        if event.socket != 0 { learnListener(event.socket, SocketAddress(.anyV4, port)) }
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
