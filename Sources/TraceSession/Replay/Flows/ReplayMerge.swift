// Brings what the parts said about a batch into one order and onto standard output: by frame, then by connection.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// The end of a divided replay's way: counts connections and writes results. One batch after the other.
struct ReplayMerge<Report: PartitionedReport>: ~Copyable {
    /// The numbers of the connections that began in one batch: which of its frames began one, as a bit each.
    private struct Numbers {
        var firstFrame: UInt64 = .max
        private var bits: [UInt64] = Array(repeating: 0, count: ReplayDivision.batch / 64)
        /// By word of `bits`: the number of the first connection in it.
        private var bases: [UInt64] = Array(repeating: 0, count: ReplayDivision.batch / 64)

        mutating func clear(firstFrame: UInt64) {
            self.firstFrame = firstFrame
            for word in bits.indices { bits[word] = 0 }
        }

        /// One began with the frame at `offset`.
        mutating func insert(_ offset: UInt32) { bits[Int(offset >> 6)] |= 1 << UInt64(offset & 63) }

        /// Counts on from `count` connections that there were before; how many there are now.
        mutating func close(after count: UInt64) -> UInt64 {
            var next = count + 1
            for word in bits.indices {
                bases[word] = next
                next += UInt64(bits[word].nonzeroBitCount)
            }
            return next - 1
        }

        /// The number of the connection that began with the frame at `offset`, or 0 if none did.
        func number(_ offset: UInt32) -> UInt64 {
            let word = Int(offset >> 6)
            let bit = UInt64(1) << UInt64(offset & 63)
            return bits[word] & bit == 0 ? 0 : bases[word] + UInt64((bits[word] & (bit - 1)).nonzeroBitCount)
        }
    }

    private(set) var report: Report
    private var out = OutputBuffer(capacity: 1 << 17)
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    private var recent: [Numbers] = Array(repeating: Numbers(), count: ReplayDivision.depth)
    private var turn = 0
    private(set) var connections: UInt64 = 0
    private(set) var evicted: UInt64 = 0
    private(set) var strayErrors: UInt64 = 0
    /// The exit code that a failure to write asks for; nil as long as there is none.
    private(set) var outputStatus: Int32?

    init(report: Report) { self.report = report }

    mutating func begin(_ description: CaptureDescription) { report.begin(description, at: nil, &out) }

    /// Takes over what the parts said about a batch.
    mutating func take(_ batch: borrowing ReplayBatch) {
        if let time = batch.openTime { report.opens(at: time) }
        count(batch)
        var nextPiece: ByPart<Int> = .init(repeating: 0)
        write(batch, &nextPiece, below: PartResult.atBoundary)
        if batch.gap > 0 { report.gap(batch.gap, at: batch.gapTime, &out) }
        write(batch, &nextPiece, below: .max)
        if out.count >= ReplaySession.writeSize { flush() }
    }

    private mutating func count(_ batch: borrowing ReplayBatch) {
        turn = (turn + 1) % recent.count
        recent[turn].clear(firstFrame: batch.firstFrame)
        for part in 0..<ReplayDivision.parts {
            // Nobody else works on a batch that is merged, here and below.
            let result = unsafe batch.results.place(part)
            for beginning in unsafe result.pointee.beginnings { recent[turn].insert(beginning.offset) }
            unsafe evicted += result.pointee.evicted
            unsafe strayErrors += result.pointee.strayErrors
        }
        connections = recent[turn].close(after: connections)
        for part in 0..<ReplayDivision.parts {
            // As above.
            let result = unsafe batch.results.place(part)
            for index in unsafe result.pointee.beginnings.indices {
                let offset = unsafe result.pointee.beginnings[index].offset
                unsafe result.pointee.beginnings[index].number = recent[turn].number(offset)
            }
        }
    }

    /// Writes the pieces with keys below `limit`, those with the least key first.
    private mutating func write(
        _ batch: borrowing ReplayBatch, _ next: inout ByPart<Int>, below limit: UInt64
    ) {
        // What each part comes with next.
        var keys: ByPart<UInt64> = .init(repeating: limit)
        for part in keys.indices { keys[part] = key(batch, part, next[part], below: limit) }
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
            // As above.
            let result = unsafe batch.results.place(best)
            var index = next[best]
            var start = index == 0 ? 0 : unsafe result.pointee.pieces[index - 1].end
            repeat {
                let piece = unsafe result.pointee.pieces[index]
                unsafe report.merge(result.pointee.out, start..<piece.end, number: number(piece.number), &out)
                start = piece.end
                index += 1
                keys[best] = key(batch, best, index, below: limit)
            } while keys[best] < nextKey
            next[best] = index
        }
    }

    /// The key of a part's piece; the limit if there is none, or it is not below.
    @inline(__always) private func key(
        _ batch: borrowing ReplayBatch, _ part: Int, _ index: Int, below limit: UInt64
    ) -> UInt64 {
        // As above.
        let result = unsafe batch.results.place(part)
        return unsafe index < result.pointee.pieces.count ? min(limit, result.pointee.pieces[index].key) : limit
    }

    /// A connection's number; it may have begun so recently that its part does not know it yet.
    private func number(_ number: UInt64) -> UInt64 {
        guard number >= Timeline.provisional else { return number }
        let frame = number & ~Timeline.provisional
        for index in recent.indices {
            // A batch may have ended early, at the end of a file: then the next one has this frame.
            let first = recent[index].firstFrame
            guard first <= frame && frame - first < ReplayDivision.batch else { continue }
            let number = recent[index].number(UInt32(frame - first))
            if number > 0 { return number }
        }
        return 0
    }

    mutating func flush() {
        guard outputStatus == nil else { return out.clear() }
        do throws(ResultOutputError) {
            try output.write(&out)
        } catch {
            outputStatus = error.exitCode
        }
    }

    mutating func end(_ description: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?) {
        report.end(description, counts, at: time, &out)
        flush()
    }
}
