// Puts the output of the parts for a batch into one order, by frame and then by connection, and writes it to standard
// output.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// The last stage of a divided replay: counts connections and writes results, one batch after the other.
struct ReplayMerge<Report: PartitionedReport>: ~Copyable {
    /// The numbers of the connections that began in one batch: a bit for each of its frames tells whether one began
    /// there.
    private struct Numbers {
        var firstFrame: UInt64 = .max
        private var bits: [UInt64] = Array(repeating: 0, count: ReplayDivision.batch / 64)
        /// By word of `bits`: the number of the first connection in that word.
        private var bases: [UInt64] = Array(repeating: 0, count: ReplayDivision.batch / 64)

        mutating func clear(firstFrame: UInt64) {
            self.firstFrame = firstFrame
            for word in bits.indices { bits[word] = 0 }
        }

        /// Notes that a connection began with the frame at `offset`.
        mutating func insert(_ offset: UInt32) { bits[Int(offset >> 6)] |= 1 << UInt64(offset & 63) }

        /// Continues counting from the `count` connections before the batch; returns the new total.
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
    private var out = MergedOutput()
    private var recent: [Numbers] = Array(repeating: Numbers(), count: ReplayDivision.depth)
    private var turn = 0
    private(set) var connections: UInt64 = 0
    private(set) var evicted: UInt64 = 0
    private(set) var strayErrors = StrayErrors()
    /// The number of connections that are the same as others, seen on the other side of an address translation.
    private(set) var translated: UInt64 = 0
    private var translations = Translations()
    /// Traits of the SYNs of the connections that began in one batch, in the order of their numbers.
    private var syns: [SynTraits] = []
    /// The exit code after a failed write; nil if none has failed.
    var outputStatus: Int32? { out.status }

    init(report: Report) { self.report = report }

    mutating func begin(_ description: CaptureDescription) { report.begin(description, at: nil, &out.buffer) }

    /// Takes in the output of the parts for a batch.
    mutating func take(_ batch: borrowing ReplayBatch) {
        if let time = batch.openTime { report.opens(at: time) }
        count(batch)
        var order = PieceOrder()
        write(batch, &order, below: PartResult.atBoundary)
        if batch.gap > 0 { report.gap(batch.gap, at: batch.gapTime, &out.buffer) }
        write(batch, &order, below: .max)
        out.flushIfFull()
    }

    private mutating func count(_ batch: borrowing ReplayBatch) {
        turn = (turn + 1) % recent.count
        recent[turn].clear(firstFrame: batch.firstFrame)
        for part in 0..<ReplayDivision.parts {
            // No other thread works on a batch while it is merged, here and below.
            let result = unsafe batch.results.place(part)
            for beginning in unsafe result.pointee.beginnings { recent[turn].insert(beginning.offset) }
            unsafe evicted += result.pointee.evicted
            unsafe strayErrors.add(result.pointee.strayErrors)
        }
        let before = connections
        connections = recent[turn].close(after: before)
        if report.countsCopiesOnce {
            syns.removeAll(keepingCapacity: true)
            syns.append(contentsOf: repeatElement(.none, count: Int(connections - before)))
        }
        for part in 0..<ReplayDivision.parts {
            // As above.
            let result = unsafe batch.results.place(part)
            for index in unsafe result.pointee.beginnings.indices {
                let offset = unsafe result.pointee.beginnings[index].offset
                let number = recent[turn].number(offset)
                unsafe result.pointee.beginnings[index].number = number
                if report.countsCopiesOnce {
                    syns[Int(number - before - 1)] = unsafe result.pointee.beginnings[index].syn
                }
            }
        }
        guard report.countsCopiesOnce else { return }
        for (index, syn) in syns.enumerated() {
            let number = before + 1 + UInt64(index)
            guard let source = translations.source(of: syn, number: number) else { continue }
            translated += 1
            report.link(number, translationOf: source)
        }
    }

    /// Writes the pieces with keys below `limit` in ascending order.
    private mutating func write(_ batch: borrowing ReplayBatch, _ order: inout PieceOrder, below limit: UInt64) {
        order.take(from: batch.said, below: limit) { said, range, number in
            report.merge(said, range, number: self.number(number), &out.buffer)
        }
    }

    /// A connection's number; the connection may be so recent that its part does not know the number yet.
    private func number(_ number: UInt64) -> UInt64 {
        guard number >= Timeline.provisional else { return number }
        let frame = number & ~Timeline.provisional
        for index in recent.indices {
            // A batch may have ended early, at the end of a file; the next one then has this frame.
            let first = recent[index].firstFrame
            guard first <= frame && frame - first < ReplayDivision.batch else { continue }
            let number = recent[index].number(UInt32(frame - first))
            if number > 0 { return number }
        }
        return 0
    }

    mutating func flush() { out.flush() }

    mutating func end(_ description: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?) {
        report.end(description, counts, at: time, &out.buffer)
        flush()
    }
}
