// Which connection to evict when there are more than there is room for,
// and which ones count as gone because they are silent.

import TCPMachine
public import TCPModel

extension Timeline {
    /// The connection whose loss costs least: one that ended, the earliest first; otherwise, among the
    /// next few in the order of places, one that has hardly begun, or else the one silent for longest.
    /// So a look costs the same however many there are.
    ///
    /// - Parameter kept: a connection that must not be chosen, if any.
    /// - Returns: nil only if there is no other connection.
    public mutating func leastUseful(besides kept: ConnectionID?) -> ConnectionID? {
        // A connection that must be kept stays in its queue.
        defer {
            if let kept, connections.store.isOccupied(kept.slot), !connections.store[kept].facts.contains(.queued),
                connections.store[kept].hasEnded()
            {
                noteEnding(kept)
            }
        }
        for queue in endings.indices {
            while let entry = endings[queue].first {
                endings[queue].removeFirst()
                let id = entry.id
                if id == kept { connections.store[id].facts.remove(.queued) }
                guard id != kept, connections.store.isOccupied(id.slot), connections.store[id].facts.contains(.queued),
                    entry.isOf(connections.store[id])
                else { continue }
                connections.store[id].facts.remove(.queued)
                if connections.store[id].hasEnded() { return id }
            }
        }
        var silent: ConnectionID?
        var looked = 0
        var steps: UInt32 = 0
        while looked < 64 && steps < connections.store.limit {
            hand = hand + 1 < connections.store.limit ? hand + 1 : 0
            steps += 1
            guard hand != kept?.slot, connections.store.isOccupied(hand) else { continue }
            looked += 1
            let id = ConnectionID(slot: hand)
            if connections.store[id].isHardlyBegun() { return id }
            if silent.map({ connections.store[id].lastTime < connections.store[$0].lastTime }) ?? true { silent = id }
        }
        return silent
    }

    /// `leastUseful(besides:)` if there are more connections in memory than `most`, else nil.
    public mutating func leastUseful(besides kept: ConnectionID, ifMoreThan most: Int) -> ConnectionID? {
        connections.store.count > most ? leastUseful(besides: kept) : nil
    }

    /// The next connection that has been silent for longer than its state lasts (`Silence`), in the order of places.
    ///
    /// Connections that ended are left out: `nextExpired` returns them.
    ///
    /// - Parameter looks: the most places to look at; on return, what is left of them.
    public mutating func nextSilent(at now: Timestamp, looks: inout Int) -> ConnectionID? {
        while looks > 0 && connections.store.limit > 0 {
            looks -= 1
            hand = hand + 1 < connections.store.limit ? hand + 1 : 0
            guard connections.store.isOccupied(hand) else { continue }
            let id = ConnectionID(slot: hand)
            let facts = connections.store[id].facts
            guard !facts.contains(.reported), !facts.contains(.replaced), !facts.contains(.queued) else { continue }
            if now.since(connections.store[id].lastTime) > connections.store[id].longestSilence() { return id }
        }
        return nil
    }

    /// Places in the table, free ones included: this many looks cover all connections.
    public var placeCount: Int { Int(connections.store.limit) }
}

/// How long a connection that has not ended may be silent before it counts as gone, in nanoseconds.
///
/// Hosts are expected to keep connections for ever, and nothing on the wire shows that one has not (a crash, a
/// firewall). So each time is longer than any silence that Linux's own timers leave in that state.
public enum Silence {
    /// SYN-SENT and SYN-RECEIVED. Linux retransmits SYNs with pauses of at most 120 s,
    /// and gives up after 131 s by default.
    public static let opening = 300 * Span.second
    /// Both sides have closed and an ACK is missing: CLOSING and LAST-ACK.
    /// The FIN is retransmitted with pauses of at most 120 s.
    public static let closing = 600 * Span.second
    /// One side has closed, or only one side was ever seen. A half-close has no timer,
    /// but keep-alives come every 2 hours.
    public static let halfClosed = 24 * 3600 * Span.second
    /// Both sides were seen, and neither has closed: as long as Linux's connection tracking keeps them.
    public static let open = 5 * 24 * 3600 * Span.second
}

extension HotPart {
    /// Whether only one side has been seen, or the handshake is not complete.
    fileprivate mutating func isHardlyBegun() -> Bool {
        sides[0].packets == 0 || sides[1].packets == 0 || endpoints[0].state == .synSent
            || endpoints[1].state == .synReceived
    }

    /// The time in `Silence` for the states of the two endpoints.
    fileprivate mutating func longestSilence() -> Int64 {
        let first = endpoints[0].state
        let second = endpoints[1].state
        if first.isOpening || second.isOpening { return Silence.opening }
        if first.hasBothFINs || second.hasBothFINs { return Silence.closing }
        if first.hasOneFIN || second.hasOneFIN || sides[0].packets == 0 || sides[1].packets == 0 {
            return Silence.halfClosed
        }
        return Silence.open
    }
}
