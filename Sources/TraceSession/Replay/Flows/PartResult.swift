// What one part of a replay says about one batch: what it reports, and the connections that began.

import TCPModel
import TCPTimeline
import TimelineReport

/// What a part has to say about one batch.
struct PartResult {
    /// What one call of the report appended.
    struct Piece: BitwiseCopyable {
        /// The frame that caused it; above `atBoundary` the number of a connection that was over at the batch's end.
        let key: UInt64
        /// The connection's number.
        let number: UInt64
        /// Where its bytes end; they begin where those of the piece before end.
        let end: Int
    }

    /// A connection that began.
    struct Beginning: BitwiseCopyable {
        let id: ConnectionID
        let offset: UInt32
        /// Its number, once it is counted.
        var number: UInt64
    }

    static let atBoundary: UInt64 = 1 << 62

    var out = OutputBuffer()
    var pieces: [Piece] = []
    var beginnings: [Beginning] = []
    /// The batch that all this is of begins with this frame.
    var firstFrame: UInt64 = 0
    var evicted: UInt64 = 0
    /// ICMP errors about connections that are not known.
    var strayErrors: UInt64 = 0

    mutating func clear(firstFrame: UInt64) {
        self.firstFrame = firstFrame
        out.clear()
        pieces.removeAll(keepingCapacity: true)
        beginnings.removeAll(keepingCapacity: true)
        evicted = 0
        strayErrors = 0
    }

    mutating func addPiece(key: UInt64, number: UInt64) {
        if out.count > pieces.last?.end ?? 0 { pieces.append(Piece(key: key, number: number, end: out.count)) }
    }
}
