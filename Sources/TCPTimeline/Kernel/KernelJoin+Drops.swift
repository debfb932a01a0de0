// Whose packet the kernel threw away, where its event has no ports (perf's has none): a listener's socket is followed by nobody, and
// what a firewall's rule drops has no socket at all. Then the packet is the one that was captured just before, if only one can be
// meant, it was going to this host, and not many others are dropped in that moment.

import TCPMachine
public import TCPModel

extension KernelJoin {
    /// A packet is dropped at most so long after it was captured, in nanoseconds: both happen in the same interrupt, mostly.
    static let dropDelay = Span.millisecond
    private static let openingLimit = 1024
    /// So many are added, or taken away, before all are looked at again: a flood of SYNs must not cost a look at all of them each.
    private static let openingStep = 256
    /// Text that a rule drops is looked for while no more than so many connections are watched, and so often in one reading of
    /// events: a rule may drop a flood of others' packets.
    private static let textLimit = 128
    private static let textLooks = 64

    /// Whether a SYN or SYN-ACK may still be said to be dropped: it got no answer, or a RST, which a rule that rejects it sends as
    /// well.
    private static func mayBeDropped(_ connection: Connection) -> Bool {
        switch connection.outcome {
        case .noAnswer, .refused: true
        case .halfOpen: connection.openDelay < 0
        case .closed, .reset, .halfClosed, .open, .partial: false
        }
    }

    /// Notes a connection whose SYN or SYN-ACK may get no answer. Under a flood the oldest make room: what is dropped was just sent.
    mutating func noteOpening(_ id: ConnectionID, _ number: UInt64, _ timeline: borrowing Timeline) {
        guard Self.mayBeDropped(timeline[id]) else { return }
        if opening.count >= Self.openingLimit { opening.removeFirst(Self.openingStep) }
        opening.append((id, number, nil))
    }

    /// Whether a SYN can be dropped for this reason. Events come from everybody on this host: a RST that finds no socket, or an old
    /// segment, somewhere else at the same moment, is none.
    private static func dropsSyns(_ word: KernelWord) -> Bool {
        if word == .netfilterDrop { return true }
        if word == .noSocket { return false }
        let reason = word.text
        // What was captured was not dropped on its way out before that.
        if reason.hasPrefix("NEIGH_") || KernelWord.outbound.contains(reason) { return false }
        guard reason.hasPrefix("TCP_") else { return true }
        return reason.hasPrefix("TCP_MD5") || reason.hasPrefix("TCP_AO") || reason.hasPrefix("TCP_LISTEN")
            || reason == "TCP_CSUM" || reason == "TCP_FLAGS"
    }

    /// Takes out those that were answered meanwhile, or are gone.
    mutating func tidyOpenings(_ timeline: borrowing Timeline) {
        guard opening.count >= openingsToTidy else { return }
        var kept: [(id: ConnectionID, number: UInt64, dropped: Timestamp?)] = []
        for entry in opening where timeline.connections.contains(entry.id, number: entry.number) {
            if Self.mayBeDropped(timeline[entry.id]) { kept.append(entry) }
        }
        opening = kept
        openingsToTidy = min(kept.count + Self.openingStep, Self.openingLimit)
    }

    /// Whom the packet was for that was captured just before this drop.
    mutating func droppedPacket(_ event: SocketEvent, _ timeline: borrowing Timeline) -> EndpointReference? {
        guard case .dropped(let word) = event.kind else { return nil }
        if let end = droppedSyn(event, word, timeline) ?? droppedText(event, word, timeline) { return end }
        guard Self.dropsSyns(word) else { return nil }
        othersDropped.append(event.time)
        if othersDropped.count > Self.manyOthers { othersDropped.removeFirst() }
        return nil
    }

    /// So many packets of others dropped within so many nanoseconds are many: one of them may well have been dropped just after a SYN
    /// was captured.
    private static let manyOthers = 3
    private static let othersTime = 100 * Span.millisecond

    /// Whether packets that are nobody's here were dropped in this moment, and many.
    private func isAmongOthers(_ event: SocketEvent) -> Bool {
        guard othersDropped.count == Self.manyOthers, let first = othersDropped.first else { return false }
        return event.time.since(first) < Self.othersTime
    }

    /// Whether this end is on this host: what left for another one is not dropped here after it was captured.
    private func isHere(_ id: ConnectionID, _ side: Side, _ timeline: borrowing Timeline) -> Bool {
        timeline[id].address(side).address.isLoopback || look(id) { $0[side].isLocal } == true
    }

    private static func isJustBefore(_ sent: Timestamp, _ event: SocketEvent) -> Bool {
        isJustBefore(sent, event.time)
    }

    /// Whether what was captured then may be what was dropped now.
    static func isJustBefore(_ sent: Timestamp, _ drop: Timestamp) -> Bool {
        (-SocketTracks.clockError...dropDelay).contains(drop.since(sent))
    }

    /// The receiver of the one unanswered SYN or SYN-ACK. Each is dropped once.
    private mutating func droppedSyn(
        _ event: SocketEvent, _ word: KernelWord, _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard !opening.isEmpty, Self.dropsSyns(word), !isAmongOthers(event) else { return nil }
        // Several may have been sent at once: then the listener decides, if it is known by its address in memory.
        let listener = listenerAddresses[event.socket]
        var found: Int?
        for place in opening.indices.reversed() {
            let entry = opening[place]
            guard timeline.connections.contains(entry.id, number: entry.number) else { continue }
            let sent = timeline.connections.store[entry.id].lastTime
            guard Self.isJustBefore(sent, event), entry.dropped != sent else { continue }
            let connection = timeline[entry.id]
            // A SYN that was answered with RST was rejected by a rule, or by nothing; a SYN-ACK goes to no listener.
            guard Self.mayBeDropped(connection), connection.outcome == .noAnswer || word == .netfilterDrop else {
                continue
            }
            if let listener, !Self.takes(listener, connection.tuple.destination) { continue }
            // Two are as bad as many.
            if found != nil { return nil }
            found = place
        }
        guard let found else { return nil }
        let entry = opening[found]
        let side = droppedSide(entry.id, timeline)
        guard isHere(entry.id, side, timeline) else { return nil }
        opening[found].dropped = timeline.connections.store[entry.id].lastTime
        // It may listen on all addresses: only the port is known for sure.
        let port = timeline.connections.store[entry.id].destinationPort
        if event.socket != 0 { learnListener(event.socket, SocketAddress(.anyV4, port)) }
        return EndpointReference(id: entry.id, number: entry.number, side: side)
    }

    /// Whose packet is gone: the client's, if the server has answered, which the capture or its kernel says. Then the SYN arrived.
    private func droppedSide(_ id: ConnectionID, _ timeline: borrowing Timeline) -> Side {
        let isAnswered = timeline[id].facts.contains(.synAckSeen) || look(id) { $0.responder.answeredSyn } == true
        return isAnswered ? .originator : .responder
    }

    /// The receiver of the one segment with text, or FIN, that is not acknowledged: only a rule drops it without its socket's name.
    private mutating func droppedText(
        _ event: SocketEvent, _ word: KernelWord, _ timeline: borrowing Timeline
    ) -> EndpointReference? {
        guard word == .netfilterDrop, count <= Self.textLimit, textLooks < Self.textLooks else { return nil }
        textLooks += 1
        var found: (end: EndpointReference, sent: Timestamp)?
        for id in watched where Self.isJustBefore(timeline.connections.store[id].lastTime, event) {
            let connection = timeline[id]
            // Two are as bad as many.
            guard found == nil, let number = number(of: id), number == connection.number else { return nil }
            // Where both have sent something, either may have been dropped.
            let waiting = [Side.originator, .responder].filter { connection.endpoint($0).hasUnacknowledged }
            guard connection.openDelay >= 0, waiting.count == 1 else { return nil }
            guard isHere(id, waiting[0].other, timeline) else { return nil }
            let end = EndpointReference(id: id, number: number, side: waiting[0].other)
            found = (end, connection.lastTime)
        }
        guard let found, lastDroppedText != found.sent else { return nil }
        lastDroppedText = found.sent
        return found.end
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

extension KernelWord {
    /// Reasons for dropping what leaves this host, as others than NEIGH_... are.
    fileprivate static let outbound: Set<String> = [
        "IP_OUTNOROUTES", "BPF_CGROUP_EGRESS", "TC_EGRESS", "PKT_TOO_BIG", "PSP_OUTPUT", "SKB_GSO_SEG",
        "RECURSION_LIMIT",
    ]

    /// Whether what is dropped for this reason (skb_drop_reason) may be on its way out of this host, so that the capture lacks it. The others
    /// are a receiver's.
    public var mayBeOnTheWayOut: Bool {
        if self == .netfilterDrop { return true }
        let reason = text
        return reason.hasPrefix("NEIGH_") || reason.hasPrefix("QDISC_") || Self.outbound.contains(reason)
    }
}

extension EndpointMachine {
    /// Whether something that it sent is on its way.
    fileprivate var hasUnacknowledged: Bool { knowsSendSequence && sendUnacknowledged.isBefore(sendNext) }
}
