// Whether a segment would begin a connection: who has seen enough of them leaves those out.

public import TCPModel

extension Timeline {
    /// Whether a segment is of no connection that is known, or opens a new one where one is over.
    public func isNewcomer(_ segment: Segment, hash: UInt64) -> Bool {
        guard let found = index.find(segment.tuple, hash: hash, in: connections.store) else { return true }
        return segment.flags.contains(.syn) && !segment.flags.contains(.ack) && isEnded(found.id)
    }
}
