// The memory of one batch of a replay that reports events through parts.

import TCPModel
import TCPTimeline

/// One of the few batches that are under way at a time; each is reused again and again.
struct EventBatch: ~Copyable {
    /// The events for each part: filled by the reader, then used by the part.
    let shares = SpacedPlaces<EventShare>(count: ReplayDivision.parts) { _ in EventShare() }
    /// The output of each part: filled by the part, then used by the merge. The keys of pieces are places in the batch.
    let said = SpacedPlaces<PartOutput>(count: ReplayDivision.parts) { _ in PartOutput() }
    /// Counted from 0.
    private(set) var number: UInt64 = 0
    /// The number of events in it.
    var count: UInt32 = 0
    /// The approximate number of octets in its excerpts.
    var shown = 0
    /// The time of the capture's first segment, if it is in this batch.
    var openTime: Timestamp?
    /// Everything up to this time has been taken in: late events of reported connections should be shown.
    var restTime: Timestamp?
    /// The number of lost frames, when they were lost, and the place of the next event.
    var gap: (count: UInt64, time: Timestamp?, place: UInt32) = (0, nil, 0)

    /// Empties the batch.
    mutating func clear(for number: UInt64) {
        self.number = number
        // The batch belongs to the reader: no other thread accesses its contents.
        for part in 0..<ReplayDivision.parts {
            unsafe shares.place(part).pointee.clear()
            unsafe said.place(part).pointee.clear()
        }
        count = 0
        shown = 0
        openTime = nil
        restTime = nil
        gap = (0, nil, 0)
    }

    /// Allocates the place of the next event.
    @inline(__always) mutating func nextPlace() -> UInt32 {
        defer { count &+= 1 }
        return count
    }
}
