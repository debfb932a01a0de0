// Brings what the parts said of a batch into the order in which it happened, and onto standard output.

import Glibc
import PacketSource
import TCPModel
import TimelineReport

/// The end of the way of a replay that is told in parts. One batch after the other.
struct TellingMerge<Report: TraceReport>: ~Copyable {
    private var report: Report
    private var out = OutputBuffer(capacity: 1 << 17)
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    /// The exit code that a failure to write asks for; nil as long as there is none.
    private(set) var outputStatus: Int32?

    init(_ report: Report) { self.report = report }

    /// - Returns: the report for each of the parts.
    mutating func begin(_ description: CaptureDescription) -> Report {
        report.begin(description, at: nil, &out)
        return report.part(of: ReplayDivision.parts)
    }

    /// Takes over what the parts said.
    mutating func take(_ batch: borrowing TellingBatch) {
        if let time = batch.openTime { report.opens(at: time) }
        var next: ByPart<Int> = .init(repeating: 0)
        if batch.gap.count > 0 {
            write(batch, &next, below: batch.gap.place)
            report.gap(batch.gap.count, at: batch.gap.time, &out)
        }
        write(batch, &next, below: .max)
    }

    /// Writes the pieces of what happened before `limit`, in order.
    private mutating func write(_ batch: borrowing TellingBatch, _ next: inout ByPart<Int>, below limit: UInt32) {
        var places: ByPart<UInt32> = .init(repeating: limit)
        for part in places.indices { places[part] = place(batch, part, next[part], below: limit) }
        while true {
            // The part that comes first, and when the next one of the others does: up to there all pieces are that part's.
            var best = 0
            for part in 1..<ReplayDivision.parts where places[part] < places[best] { best = part }
            guard places[best] < limit else { return }
            var end = limit
            for part in places.indices where part != best { end = min(end, places[part]) }
            // Nobody else touches the shares of a batch that is merged, here and below.
            let share = unsafe batch.shares.place(best)
            var index = next[best]
            var start = unsafe index == 0 ? 0 : share.pointee.pieces[index - 1].end
            repeat {
                let piece = unsafe share.pointee.pieces[index]
                unsafe report.merge(share.pointee.out, start..<piece.end, number: piece.number, &out)
                start = piece.end
                index += 1
                places[best] = place(batch, best, index, below: limit)
            } while places[best] < end
            next[best] = index
            if out.count >= ReplaySession.writeSize { flush() }
        }
    }

    /// The place of a part's piece in the batch; the limit if there is none, or it is not below.
    private func place(_ batch: borrowing TellingBatch, _ part: Int, _ index: Int, below limit: UInt32) -> UInt32 {
        let share = unsafe batch.shares.place(part)
        return unsafe index < share.pointee.pieces.count ? min(limit, share.pointee.pieces[index].place) : limit
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
