// The memory of one batch of a replay that is told in parts.

import TCPModel
import TCPTimeline

/// One of the few batches that are under way at a time, used again and again.
struct TellingBatch: ~Copyable {
    /// What each part is to tell: the reader's to fill, then its part's.
    let shares = SpacedPlaces<TellingShare>(count: ReplayDivision.parts) { _ in TellingShare() }
    /// What each part says: its own to fill, then the merge's. The keys of pieces are places in the batch.
    let said = SpacedPlaces<PartOutput>(count: ReplayDivision.parts) { _ in PartOutput() }
    /// Counted from 0.
    private(set) var number: UInt64 = 0
    /// How many things happen in it.
    var count: UInt32 = 0
    /// Octets of frames that are shown in it, about.
    var shown = 0
    /// The time of the capture's first segment, if it is in this batch.
    var openTime: Timestamp?
    /// Everything up to this time has been taken in: what came late of connections that were reported is to be shown.
    var restTime: Timestamp?
    /// Frames lost, when, and the place of what happens after that.
    var gap: (count: UInt64, time: Timestamp?, place: UInt32) = (0, nil, 0)

    /// Empties it.
    mutating func clear(for number: UInt64) {
        self.number = number
        // The batch is the reader's: nobody else touches what is in it.
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

    /// The place of the next thing that happens.
    @inline(__always) mutating func nextPlace() -> UInt32 {
        defer { count &+= 1 }
        return count
    }
}
