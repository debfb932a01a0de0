// What the parts of a divided replay say about one batch, in pieces, and the order into which the merge brings these.

import TimelineReport

/// What one part says about one batch.
struct PartOutput {
    /// What one call of the report appended.
    struct Piece: BitwiseCopyable {
        /// Where it belongs among the pieces of all parts.
        let key: UInt64
        /// The connection's number.
        let number: UInt64
        /// Where its bytes end; they begin where those of the piece before end.
        let end: Int
    }

    /// Octets of memory that are kept for the next batch.
    private static let mostKept = 1 << 20

    var out = OutputBuffer()
    private(set) var pieces: [Piece] = []

    /// Empties it for the next batch.
    mutating func clear() {
        // What a few long connections took is given back.
        if out.count > Self.mostKept { out = OutputBuffer() } else { out.clear() }
        pieces.removeAll(keepingCapacity: true)
    }

    /// Takes down what has been appended since the last piece, if there is anything.
    @inline(__always) mutating func addPiece(key: UInt64, number: UInt64) {
        if out.count > pieces.last?.end ?? 0 { pieces.append(Piece(key: key, number: number, end: out.count)) }
    }
}

/// Goes through what all parts say about a batch, in the order of keys.
struct PieceOrder {
    /// By part: the next piece.
    private var next: ByPart<Int> = .init(repeating: 0)

    /// Hands over the pieces with keys below `limit`, but for those that were handed over before.
    @inline(__always) mutating func take(
        from said: borrowing SpacedPlaces<PartOutput>, below limit: UInt64,
        _ body: (borrowing OutputBuffer, Range<Int>, _ number: UInt64) -> Void
    ) {
        // What each part comes with next.
        var keys: ByPart<UInt64> = .init(repeating: limit)
        for part in keys.indices { keys[part] = Self.key(said, part, next[part], below: limit) }
        while true {
            // The part with the least key, and the least key of the others: up to there all pieces are that part's.
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
            // Nobody else works on a batch that is merged, here and below.
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

    /// The key of a part's piece; the limit if there is none, or it is not below.
    @inline(__always) private static func key(
        _ said: borrowing SpacedPlaces<PartOutput>, _ part: Int, _ index: Int, below limit: UInt64
    ) -> UInt64 {
        // As above.
        let output = unsafe said.place(part)
        return unsafe index < output.pointee.pieces.count ? min(limit, output.pointee.pieces[index].key) : limit
    }
}
