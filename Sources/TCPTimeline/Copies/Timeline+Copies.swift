// Segments that may be other copies of earlier frames.

import TCPModel

extension Timeline {
    /// `trackOnce` for a segment that takes no fast path.
    @inline(never) mutating func trackRest(
        _ segment: Segment, _ search: FlowIndex.Search, _ hash: UInt64, _ time: Timestamp, _ frame: UInt64,
        _ interface: UInt16, _ vantage: UInt32
    ) -> Tracked {
        let known = search.found
        if known.map({ connections.store[$0.id].bringsNews(segment, own: $0.sender) }) ?? true {
            copies.remember(
                segment, flowHash: hash, time: time, frame: frame, interface: interface, vantage: vantage)
        } else if let known {
            let original =
                cutFrames.original(
                    of: segment, flowHash: hash, time: time, frame: frame, interface: interface, vantage: vantage)
                ?? copies.original(
                    of: segment, flowHash: hash, time: time, frame: frame, interface: interface, vantage: vantage,
                    isAskedForAgain: connections.store[known.id].answersRepeatedSyn(segment, own: known.sender))
            if let original {
                cutFrames.isWanted = true
                connections.countCopy(known.id)
                return Tracked(known.id, copyOf: original)
            }
        }
        let tracked = trackStep(segment, search, hash, time, frame, interface)
        noteText(
            segment, tracked.connection, hash, time, frame, interface, vantage,
            isBegin: connections.store[tracked.connection].beginsUnopened)
        noteTranslation(segment, tracked, time)
        return tracked
    }

    /// Remembers the text of a connection that may be captured more than once: see `CutFrames`.
    @inline(never) mutating func noteText(
        _ segment: Segment, _ id: ConnectionID, _ hash: UInt64, _ time: Timestamp, _ frame: UInt64,
        _ interface: UInt16, _ vantage: UInt32, isBegin: Bool = false
    ) {
        guard isBegin || connections.duplicateFrames(of: id) > 0 else { return }
        cutFrames.remember(
            segment, flowHash: hash, time: time, frame: frame, interface: interface, vantage: vantage)
    }
}
