// What one part of a replay found in one batch, besides what is reported of it: the connections that began.

import TCPModel
import TCPTimeline

/// What a part found in one batch.
struct PartResult {
    /// A connection that began.
    struct Beginning: BitwiseCopyable {
        let id: ConnectionID
        let offset: UInt32
        /// Its number, once it is counted.
        var number: UInt64
        /// Of its first segment, where it is asked for: parts do not know each other's connections.
        let syn: SynTraits
    }

    /// Keys of pieces are the frames that caused them; from here on, numbers of connections that were over at the batch's end.
    static let atBoundary: UInt64 = 1 << 62

    var beginnings: [Beginning] = []
    /// The batch that all this is of begins with this frame.
    var firstFrame: UInt64 = 0
    var evicted: UInt64 = 0
    /// ICMP errors about connections that are not known.
    var strayErrors = StrayErrors()

    mutating func clear(firstFrame: UInt64) {
        self.firstFrame = firstFrame
        beginnings.removeAll(keepingCapacity: true)
        evicted = 0
        strayErrors = StrayErrors()
    }
}
