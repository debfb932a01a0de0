// The results of one part in one batch, besides its report: the connections that began.

import TCPModel
import TCPTimeline

/// The results of one part in one batch.
struct PartResult {
    /// A connection that began.
    struct Beginning: BitwiseCopyable {
        let id: ConnectionID
        let offset: UInt32
        /// The connection's number, once it has been counted.
        var number: UInt64
        /// Traits of its first segment, if requested: they link connections across parts, which do not know each
        /// other's.
        let syn: SynTraits
    }

    /// The key of a piece is the frame that caused it; from this value on, it is this value plus the number of a
    /// connection that was reported at the batch's end.
    static let atBoundary: UInt64 = 1 << 62

    var beginnings: [Beginning] = []
    /// The first frame of the batch that these results belong to.
    var firstFrame: UInt64 = 0
    var evicted: UInt64 = 0
    /// ICMP errors about unknown connections.
    var strayErrors = StrayErrors()

    mutating func clear(firstFrame: UInt64) {
        self.firstFrame = firstFrame
        beginnings.removeAll(keepingCapacity: true)
        evicted = 0
        strayErrors = StrayErrors()
    }
}
