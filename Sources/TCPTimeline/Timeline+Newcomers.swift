// Whether a segment would begin a connection, for callers that have seen enough of them.

public import TCPModel

extension Timeline {
    /// Whether a segment belongs to no known connection, or opens a new one where the old one is over.
    public func isNewcomer(_ segment: Segment, hash: UInt64) -> Bool {
        guard let found = index.find(segment.tuple, hash: hash, in: connections.store) else { return true }
        return segment.flags.contains(.syn) && !segment.flags.contains(.ack) && isEnded(found.id)
    }
}
