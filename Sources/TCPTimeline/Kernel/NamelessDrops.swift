// Whose packet the kernel dropped, if its event has no ports (perf's has none): a listener's socket is not followed,
// and a packet that a firewall rule drops has no socket at all. The packet is then the one that was captured just
// before, provided that only one qualifies, it was going to this host, and not many others are dropped at that moment.

import TCPMachine
import TCPModel

/// Finds the receivers of dropped packets whose events do not identify them.
struct NamelessDrops {
    /// Text dropped by a rule is looked for only while at most this many connections are watched, and at most this
    /// often per reading of events: a rule may drop a flood of others' packets.
    private static let textLimit = 128
    private static let textLooks = 64
    /// This many foreign packets dropped within this many nanoseconds are many:
    /// one of them may well have been dropped just after a SYN was captured.
    private static let manyOthers = 3
    private static let othersTime = 100 * Span.millisecond

    private var openings = UnansweredOpenings()
    /// When the latest dropped segment with text was captured.
    private var lastText: Timestamp?
    /// How often dropped text was looked for in this reading of events.
    private var textLooks = 0
    /// When the latest packets were dropped that belong to no connection here.
    private var others: [Timestamp] = []

    /// Starts watching a connection for its SYN or SYN-ACK.
    mutating func watch(_ id: ConnectionID, _ number: UInt64, _ timeline: borrowing Timeline) {
        openings.add(id, number, timeline)
    }

    /// A reading of events begins.
    mutating func beginReading(_ timeline: borrowing Timeline) {
        textLooks = 0
        openings.tidy(timeline)
    }

    /// The receiver of the packet that was captured just before this drop. If that is a SYN,
    /// the event's socket is a listener's.
    mutating func receiver(
        of drop: SocketEvent, among views: KernelViews, _ listeners: inout KnownListeners,
        _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard case .dropped(let reason) = drop.kind else { return nil }
        if let end = receiverOfOpening(drop, reason, views, &listeners, timeline)
            ?? receiverOfText(drop, reason, views, timeline)
        {
            return end
        }
        guard reason.mayDropSyn else { return nil }
        others.append(drop.time)
        if others.count > Self.manyOthers { others.removeFirst() }
        return nil
    }

    /// Whether many packets that belong to no connection here were dropped around this moment.
    private func isAmongOthers(_ drop: SocketEvent) -> Bool {
        guard others.count == Self.manyOthers, let first = others.first else { return false }
        return drop.time.since(first) < Self.othersTime
    }

    /// The receiver of the only unanswered SYN or SYN-ACK.
    private mutating func receiverOfOpening(
        _ drop: SocketEvent, _ reason: KernelWord, _ views: KernelViews, _ listeners: inout KnownListeners,
        _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard !openings.isEmpty, reason.mayDropSyn, !isAmongOthers(drop),
            let (place, id, number) = openings.onlyOne(
                droppedAt: drop.time, reason, by: listeners.address(of: drop.socket), timeline)
        else { return nil }
        // The client, if the capture or the kernel shows that the server has answered: then the SYN arrived.
        let isAnswered =
            timeline[id].facts.contains(.synAckSeen) || views.look(id) { $0.responder.answeredSyn } == true
        let side = isAnswered ? Side.originator : .responder
        guard Self.isHere(id, side, views, timeline) else { return nil }
        openings.noteDrop(at: place, timeline)
        // The listener may be bound to all addresses: only the port is certain.
        let port = timeline.connections.store[id].destinationPort
        if drop.socket != 0 { listeners.learn(drop.socket, SocketAddress(.anyV4, port)) }
        return EndpointReference(id: id, number: number, side: side)
    }

    /// The receiver of the only unacknowledged segment with text or FIN:
    /// only a rule drops one without naming its socket.
    private mutating func receiverOfText(
        _ drop: SocketEvent, _ reason: KernelWord, _ views: KernelViews, _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard reason == .netfilterDrop, views.count <= Self.textLimit, textLooks < Self.textLooks else { return nil }
        textLooks += 1
        var found: (end: EndpointReference, sent: Timestamp)?
        for id in views.ids where timeline.connections.store[id].lastTime.isJustBefore(drop: drop.time) {
            let connection = timeline[id]
            // Two candidates are as bad as many.
            guard found == nil, let number = views.number(of: id), number == connection.number else { return nil }
            // If both sides have sent something, either segment may have been dropped.
            let waiting = [Side.originator, .responder].filter { connection.endpoint($0).hasUnacknowledged }
            guard connection.openDelay >= 0, waiting.count == 1 else { return nil }
            guard Self.isHere(id, waiting[0].other, views, timeline) else { return nil }
            let end = EndpointReference(id: id, number: number, side: waiting[0].other)
            found = (end, connection.lastTime)
        }
        guard let found, lastText != found.sent else { return nil }
        lastText = found.sent
        return found.end
    }

    /// Whether this end is on this host: a packet for another host is not dropped here after it was captured.
    private static func isHere(
        _ id: ConnectionID, _ side: Side, _ views: KernelViews, _ timeline: borrowing Timeline
    ) -> Bool {
        timeline[id].address(side).address.isLoopback || views.look(id) { $0[side].isLocal } == true
    }
}

extension EndpointMachine {
    /// Whether something that it sent is in flight.
    fileprivate var hasUnacknowledged: Bool { knowsSendSequence && sendUnacknowledged.isBefore(sendNext) }
}
