// The output of a divided replay's parts for one batch, in pieces, and the order in which the merge takes these.

import TimelineReport

/// The output of one part for one batch.
struct PartOutput {
    /// The output of one call of the report.
    struct Piece: BitwiseCopyable {
        /// Its sort key among the pieces of all parts.
        let key: UInt64
        /// The connection's number.
        let number: UInt64
        /// The offset of its end; it begins at the end of the previous piece.
        let end: Int
    }

    /// Octets of memory to keep for the next batch.
    private static let mostKept = 1 << 20

    var out = OutputBuffer()
    private(set) var pieces: [Piece] = []

    /// Empties the output for the next batch.
    mutating func clear() {
        // Memory that a few long connections needed is released.
        if out.count > Self.mostKept { out = OutputBuffer() } else { out.clear() }
        pieces.removeAll(keepingCapacity: true)
    }

    /// Records the output appended since the last piece as a new piece, if there is any.
    @inline(__always) mutating func addPiece(key: UInt64, number: UInt64) {
        if out.count > pieces.last?.end ?? 0 { pieces.append(Piece(key: key, number: number, end: out.count)) }
    }
}

/// Iterates over the pieces of all parts for a batch, in the order of their keys.
struct PieceOrder {
    /// By part: the index of the next piece.
    private var next: ByPart<Int> = .init(repeating: 0)

    /// Delivers the pieces with keys below `limit`, except those delivered before.
    @inline(__always) mutating func take(
        from said: borrowing SpacedPlaces<PartOutput>, below limit: UInt64,
        _ body: (borrowing OutputBuffer, Range<Int>, _ number: UInt64) -> Void
    ) {
        // The key of each part's next piece.
        var keys: ByPart<UInt64> = .init(repeating: limit)
        for part in keys.indices { keys[part] = Self.key(said, part, next[part], below: limit) }
        while true {
            // The part with the smallest key, and the smallest key of the others: up to that one, all pieces belong to
            // this part.
            var best = 0
            var bestKey = limit
            var nextKey = limit
            for part in keys.indices {
                let key = keys[part]
                nextKey = min(nextKey, max(key, bestKey))
                best = key < bestKey ? part : best
                bestKey = min(key, bestKey)
            }
            guard bestKey < limit else { return }
            // No other thread works on a batch while it is merged, here and below.
            let output = unsafe said.place(best)
            var index = next[best]
            var start = index == 0 ? 0 : unsafe output.pointee.pieces[index - 1].end
            repeat {
                let piece = unsafe output.pointee.pieces[index]
                unsafe body(output.pointee.out, start..<piece.end, piece.number)
                start = piece.end
                index += 1
                keys[best] = Self.key(said, best, index, below: limit)
            } while keys[best] < nextKey
            next[best] = index
        }
    }

    /// The key of a part's piece; `limit` if there is no such piece, or if its key is not below.
    @inline(__always) private static func key(
        _ said: borrowing SpacedPlaces<PartOutput>, _ part: Int, _ index: Int, below limit: UInt64
    ) -> UInt64 {
        // As above.
        let output = unsafe said.place(part)
        return unsafe index < output.pointee.pieces.count ? min(limit, output.pointee.pieces[index].key) : limit
    }
}
