// FINs that were lost behind the capture: their receiver, which is thought to have them, goes on without.
//
// What it sends without acknowledging the FIN may have crossed that. If it still does so after a time in which nothing crosses any more, the
// FIN never came.

import TCPMachine
import TCPModel

/// Since when receivers go on without a FIN, by the place of the connection.
struct UnheardFins {
    /// So many connections at most are remembered: enough for those whose ACK is still to come.
    private static let limit = 1024
    private var since: [UInt32: Timestamp] = [:]

    init() {}

    /// What `segment` of a known connection takes back; nil if nothing.
    mutating func disproved(by segment: Segment, time: Timestamp, at id: ConnectionID, _ hot: inout HotPart)
        -> Reaction?
    {
        let own = hot.isOriginator(segment.tuple.source) ? 0 : 1
        guard !hot.isSelfConnect, hot.endpoints[own].lacksPeerFin(segment),
            segment.remarks.isDisjoint(with: .dropped)
        else { return nil }
        // The FIN had come by the time of the segment before the first of these, at the latest.
        let first = since[id.slot] ?? hot.lastTime
        guard time.since(first) > hot.longestCrossing else {
            if since.count >= Self.limit { since.removeAll(keepingCapacity: true) }
            since[id.slot] = first
            return nil
        }
        forget(id)
        return hot.endpoints[own].takeBackPeerFin()
    }

    /// The connection at this place is another one, or gone.
    mutating func forget(_ id: ConnectionID) { if !since.isEmpty { since[id.slot] = nil } }
}
