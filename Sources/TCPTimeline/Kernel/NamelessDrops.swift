// Whose packet the kernel threw away, where its event has no ports (perf's has none): a listener's socket is followed by nobody, and
// what a firewall's rule drops has no socket at all. Then the packet is the one that was captured just before, if only one can be
// meant, it was going to this host, and not many others are dropped in that moment.

import TCPMachine
import TCPModel

/// What was dropped of which no event says whose it was.
struct NamelessDrops {
    /// Text that a rule drops is looked for while no more than so many connections are watched, and so often in one reading of
    /// events: a rule may drop a flood of others' packets.
    private static let textLimit = 128
    private static let textLooks = 64
    /// So many packets of others dropped within so many nanoseconds are many: one of them may well have been dropped just after a SYN
    /// was captured.
    private static let manyOthers = 3
    private static let othersTime = 100 * Span.millisecond

    private var openings = UnansweredOpenings()
    /// When the latest segment with text that was dropped was captured.
    private var lastText: Timestamp?
    /// How often text that was dropped was looked for in this reading of events.
    private var textLooks = 0
    /// When the latest packets were dropped that are of no connection here.
    private var others: [Timestamp] = []

    /// Begins to watch a connection for its SYN or SYN-ACK.
    mutating func watch(_ id: ConnectionID, _ number: UInt64, _ timeline: borrowing Timeline) {
        openings.add(id, number, timeline)
    }

    /// Events were read, which are to come.
    mutating func beginReading(_ timeline: borrowing Timeline) {
        textLooks = 0
        openings.tidy(timeline)
    }

    /// Whom the packet was for that was captured just before this drop. Its socket is a listener's, if it was a SYN.
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

    /// Whether packets that are nobody's here were dropped in this moment, and many.
    private func isAmongOthers(_ drop: SocketEvent) -> Bool {
        guard others.count == Self.manyOthers, let first = others.first else { return false }
        return drop.time.since(first) < Self.othersTime
    }

    /// The receiver of the one unanswered SYN or SYN-ACK.
    private mutating func receiverOfOpening(
        _ drop: SocketEvent, _ reason: KernelWord, _ views: KernelViews, _ listeners: inout KnownListeners,
        _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard !openings.isEmpty, reason.mayDropSyn, !isAmongOthers(drop),
            let (place, id, number) = openings.onlyOne(
                droppedAt: drop.time, reason, by: listeners.address(of: drop.socket), timeline)
        else { return nil }
        // The client, if the server has answered, which the capture or its kernel says: then the SYN arrived.
        let isAnswered =
            timeline[id].facts.contains(.synAckSeen) || views.look(id) { $0.responder.answeredSyn } == true
        let side = isAnswered ? Side.originator : .responder
        guard Self.isHere(id, side, views, timeline) else { return nil }
        openings.noteDrop(at: place, timeline)
        // It may listen on all addresses: only the port is known for sure.
        let port = timeline.connections.store[id].destinationPort
        if drop.socket != 0 { listeners.learn(drop.socket, SocketAddress(.anyV4, port)) }
        return EndpointReference(id: id, number: number, side: side)
    }

    /// The receiver of the one segment with text, or FIN, that is not acknowledged: only a rule drops it without its socket's name.
    private mutating func receiverOfText(
        _ drop: SocketEvent, _ reason: KernelWord, _ views: KernelViews, _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard reason == .netfilterDrop, views.count <= Self.textLimit, textLooks < Self.textLooks else { return nil }
        textLooks += 1
        var found: (end: EndpointReference, sent: Timestamp)?
        for id in views.ids where timeline.connections.store[id].lastTime.isJustBefore(drop: drop.time) {
            let connection = timeline[id]
            // Two are as bad as many.
            guard found == nil, let number = views.number(of: id), number == connection.number else { return nil }
            // Where both have sent something, either may have been dropped.
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

    /// Whether this end is on this host: what left for another one is not dropped here after it was captured.
    private static func isHere(
        _ id: ConnectionID, _ side: Side, _ views: KernelViews, _ timeline: borrowing Timeline
    ) -> Bool {
        timeline[id].address(side).address.isLoopback || views.look(id) { $0[side].isLocal } == true
    }
}

extension EndpointMachine {
    /// Whether something that it sent is on its way.
    fileprivate var hasUnacknowledged: Bool { knowsSendSequence && sendUnacknowledged.isBefore(sendNext) }
}
