// Puts the output of the parts for a batch into the order of events, and writes it to standard output.

import PacketSource
import TCPModel
import TimelineReport

/// The last stage of a replay that reports events through parts. Takes one batch after the other.
struct EventMerge<Report: TraceReport>: ~Copyable {
    private var report: Report
    private var out = MergedOutput()

    init(_ report: Report) { self.report = report }

    /// The exit code after a failed write; nil if none has failed.
    var outputStatus: Int32? { out.status }

    /// - Returns: the report for each of the parts.
    mutating func begin(_ description: CaptureDescription) -> Report {
        report.begin(description, at: nil, &out.buffer)
        return report.part(of: ReplayDivision.parts)
    }

    mutating func learn(_ interfaces: [CaptureDescription.Interface]) { report.learn(interfaces) }

    /// Takes in the output of the parts.
    mutating func take(_ batch: borrowing EventBatch) {
        if let time = batch.openTime { report.opens(at: time) }
        var order = PieceOrder()
        if batch.gap.count > 0 {
            write(batch, &order, below: UInt64(batch.gap.place))
            report.gap(batch.gap.count, at: batch.gap.time, &out.buffer)
        }
        write(batch, &order, below: .max)
    }

    /// Writes the pieces of events before `limit`, in order.
    private mutating func write(_ batch: borrowing EventBatch, _ order: inout PieceOrder, below limit: UInt64) {
        order.take(from: batch.said, below: limit) { said, range, number in
            report.merge(said, range, number: number, &out.buffer)
            out.flushIfFull()
        }
    }

    mutating func flush() { out.flush() }

    /// Joins a part's report when all parts have finished.
    mutating func join(_ part: Report) { report.join(part) }

    /// Ends the report; `host` are the changes of the traced host's counters, if the capture has them.
    mutating func end(
        _ description: CaptureDescription, _ counts: CaptureCounts, host: HostCounterChange?, at time: Timestamp?
    ) {
        if let host { report.host(host, &out.buffer) }
        report.end(description, counts, at: time, &out.buffer)
        flush()
    }
}
