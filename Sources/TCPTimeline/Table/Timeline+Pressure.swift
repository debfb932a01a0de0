// Which connection to give up when there are more than there is room for.

import TCPMachine
import TCPModel

extension Timeline {
    /// The connection whose loss costs least: one that ended, the longest ago first; else one that is half-open, else the one
    /// silent for longest, of the next few in the order of places, so that a look costs the same however many there are.
    ///
    /// - Parameter kept: one that is not to be chosen.
    /// - Returns: nil only if there is no other one.
    public mutating func leastUseful(besides kept: ConnectionID) -> ConnectionID? {
        for queue in endings.indices {
            while let entry = endings[queue].first {
                endings[queue].removeFirst()
                let id = entry.id
                guard id != kept, store.isOccupied(id.slot), store[id].facts.contains(.queued),
                    entry.isOf(store[id])
                else { continue }
                store[id].facts.remove(.queued)
                if store[id].hasEnded() { return id }
            }
        }
        var silent: ConnectionID?
        var looked = 0
        var steps: UInt32 = 0
        while looked < 64 && steps < store.limit {
            hand = hand + 1 < store.limit ? hand + 1 : 0
            steps += 1
            guard hand != kept.slot, store.isOccupied(hand) else { continue }
            looked += 1
            let id = ConnectionID(slot: hand)
            if store[id].isHalfOpen() { return id }
            if silent.map({ store[id].lastTime < store[$0].lastTime }) ?? true { silent = id }
        }
        return silent
    }
}

extension HotPart {
    /// Whether only one side has been heard, or the handshake is not complete.
    fileprivate mutating func isHalfOpen() -> Bool {
        sides[0].packets == 0 || sides[1].packets == 0 || endpoints[0].state == .synSent
            || endpoints[1].state == .synReceived
    }
}
