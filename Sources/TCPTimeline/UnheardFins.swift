// FINs that were lost beyond the capture point: their receiver, which is thought to have them, continues without.
//
// A segment that does not acknowledge the FIN may have crossed it. If the receiver still sends such segments when
// nothing can cross any more, the FIN never arrived.

import TCPMachine
import TCPModel

/// Since when receivers have continued without a FIN, by the place of the connection.
struct UnheardFins {
    /// The most connections that are remembered: enough for those whose ACK is still to come.
    private static let limit = 1024
    private var since: [UInt32: Timestamp] = [:]

    init() {}

    /// What `segment` of a known connection retracts; nil if nothing.
    mutating func disproved(by segment: Segment, time: Timestamp, at id: ConnectionID, _ hot: inout HotPart)
        -> Reaction?
    {
        let own = hot.isOriginator(segment.tuple.source) ? 0 : 1
        guard !hot.isSelfConnect, hot.endpoints[own].lacksPeerFin(segment),
            segment.remarks.isDisjoint(with: .dropped)
        else { return nil }
        // The FIN was captured at the latest with the segment before the first of these.
        let first = since[id.slot] ?? hot.lastTime
        guard time.since(first) > hot.longestCrossing else {
            if since.count >= Self.limit { since.removeAll(keepingCapacity: true) }
            since[id.slot] = first
            return nil
        }
        forget(id)
        return hot.endpoints[own].takeBackPeerFin()
    }

    /// The place has another connection now, or none.
    mutating func forget(_ id: ConnectionID) { if !since.isEmpty { since[id.slot] = nil } }
}
