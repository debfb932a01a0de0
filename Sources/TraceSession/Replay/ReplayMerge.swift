// Brings what the parts said about a batch into one order and onto standard output: by frame, then by connection.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// The end of a divided replay's way: counts connections and writes results. One batch after the other.
struct ReplayMerge<Report: PartitionedReport>: ~Copyable {
    /// The numbers of the connections that began in one batch.
    private struct Numbers {
        var firstFrame: UInt64 = .max
        /// Sorted: where a connection began, counted from the first frame.
        var offsets: [UInt32] = []
        /// The number of the one at the first offset.
        var base: UInt64 = 0
    }

    private(set) var report: Report
    private var out = OutputBuffer(capacity: 1 << 17)
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    private var recent: [Numbers] = Array(repeating: Numbers(), count: ReplayDivision.depth)
    private var turn = 0
    private(set) var connections: UInt64 = 0
    private(set) var ended: UInt64 = 0
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
        var nextPiece: InlineArray<8, Int> = .init(repeating: 0)
        write(batch, &nextPiece, below: PartResult.atBoundary)
        if batch.gap > 0 { report.gap(batch.gap, at: batch.gapTime, &out) }
        write(batch, &nextPiece, below: .max)
        if out.count >= ReplaySession.writeSize { flush() }
    }

    private mutating func count(_ batch: borrowing ReplayBatch) {
        turn = (turn + 1) % recent.count
        recent[turn].firstFrame = batch.firstFrame
        recent[turn].offsets.removeAll(keepingCapacity: true)
        for part in 0..<ReplayDivision.parts {
            // part is below the number of results, here and below; nobody else works on a batch that is merged.
            let result = unsafe batch.results + part
            for beginning in unsafe result.pointee.beginnings { recent[turn].offsets.append(beginning.offset) }
            unsafe ended += result.pointee.ended
            unsafe evicted += result.pointee.evicted
            unsafe strayErrors += result.pointee.strayErrors
        }
        recent[turn].offsets.sort()
        recent[turn].base = connections + 1
        connections += UInt64(recent[turn].offsets.count)
        for part in 0..<ReplayDivision.parts {
            // As above.
            let result = unsafe batch.results + part
            var rank = 0
            for index in unsafe result.pointee.beginnings.indices {
                // Both lists are in the order of frames.
                let offset = unsafe result.pointee.beginnings[index].offset
                while recent[turn].offsets[rank] < offset { rank += 1 }
                unsafe result.pointee.beginnings[index].number = recent[turn].base + UInt64(rank)
            }
        }
    }

    /// Writes the pieces with keys below `limit`, those with the least key first.
    private mutating func write(
        _ batch: borrowing ReplayBatch, _ next: inout InlineArray<8, Int>, below limit: UInt64
    ) {
        while true {
            var best = -1
            var bestKey = limit
            for part in 0..<ReplayDivision.parts {
                // As above.
                let result = unsafe batch.results + part
                guard unsafe next[part] < result.pointee.pieces.count else { continue }
                let key = unsafe result.pointee.pieces[next[part]].key
                if key < bestKey {
                    best = part
                    bestKey = key
                }
            }
            guard best >= 0 else { return }
            // As above.
            let result = unsafe batch.results + best
            let start = next[best] == 0 ? 0 : unsafe result.pointee.pieces[next[best] - 1].end
            let piece = unsafe result.pointee.pieces[next[best]]
            unsafe report.merge(result.pointee.out, start..<piece.end, number: number(piece.number), &out)
            next[best] += 1
        }
    }

    /// A connection's number; it may have begun so recently that its part does not know it yet.
    private func number(_ number: UInt64) -> UInt64 {
        guard number >= Timeline.provisional else { return number }
        let frame = number & ~Timeline.provisional
        for numbers in recent where numbers.firstFrame <= frame && frame - numbers.firstFrame < ReplayDivision.batch {
            let offset = UInt32(frame - numbers.firstFrame)
            var low = 0
            var high = numbers.offsets.count
            while low < high {
                let middle = (low + high) / 2
                if numbers.offsets[middle] < offset { low = middle + 1 } else { high = middle }
            }
            if low < numbers.offsets.count, numbers.offsets[low] == offset { return numbers.base + UInt64(low) }
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
