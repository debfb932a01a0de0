// One part of a replay that reports events through parts: its connections, with their statistics and findings, and its
// report.

import TCPDiagnosis
import TCPModel
import TCPTimeline
import TimelineReport

/// The state of one part.
struct EventPart<Report: TraceReport>: ~Copyable {
    private var connections: KnownConnections
    private var sink: ReportSink<Report>

    init(_ report: Report, _ needs: TraceNeeds, _ options: TraceOptions) {
        connections = KnownConnections(keepsStatistics: needs.statistics)
        sink = ReportSink(report, needs, options, isLive: false)
    }

    /// Sets this part's report, when the whole report has begun.
    mutating func begin(_ report: Report) { sink.report = report }

    mutating func learn(_ interfaces: [CaptureDescription.Interface]) { sink.report.learn(interfaces) }

    var unwanted: UnwantedFindings { sink.unwanted }
    var overview: TraceOverview { sink.overview }
    var choice: ProcessChoice { sink.choice }

    /// Its part of the report.
    var report: Report { sink.report }

    /// Reports its share of a batch.
    mutating func work(_ index: Int, of batch: borrowing EventBatch) {
        // The crew gave this part's share, and the place of its output, to this thread alone.
        unsafe tell(&batch.shares.place(index).pointee, &batch.said.place(index).pointee, batch.number)
        if let time = batch.restTime { unsafe showLate(at: time, &batch.said.place(index).pointee) }
    }

    /// Shows late events of reported connections, behind everything else in the batch.
    private mutating func showLate(at time: Timestamp, _ said: inout PartOutput) {
        swap(&sink.out, &said.out)
        sink.report.flush(now: time, connections, nil, &sink.out)
        swap(&sink.out, &said.out)
        said.addPiece(key: UInt64(UInt32.max), number: 0)
    }

    private mutating func tell(_ share: inout EventShare, _ said: inout PartOutput, _ batch: UInt64) {
        var start = 0
        var beginning = 0
        for interruption in share.interruptions {
            tell(&share, start..<interruption.index, &beginning, before: interruption.place, &said)
            start = interruption.index
            // The sink needs the output while it reports.
            swap(&sink.out, &said.out)
            let number = tell(interruption, share, batch)
            swap(&sink.out, &said.out)
            said.addPiece(key: UInt64(interruption.place), number: number)
        }
        tell(&share, start..<share.segments.count, &beginning, before: .max, &said)
    }

    /// Reports segments with no interruption among them. Each step is applied to all of them before the next step: the
    /// code of a single step fits into a core's cache, that of all steps does not.
    private mutating func tell(
        _ share: inout EventShare, _ range: Range<Int>, _ beginning: inout Int, before end: UInt32,
        _ said: inout PartOutput
    ) {
        while beginning < share.beginnings.count, share.beginnings[beginning].place < end {
            connections.keep(share.beginnings[beginning].record, at: share.beginnings[beginning].id)
            beginning += 1
        }
        for index in range { connections.judge(&share.segments[index]) }
        if sink.diagnosis != nil {
            for index in range { sink.diagnosis?.observe(share.segments[index]) }
        }
        guard share.excerpts.isEmpty else { return report(share, range, &said) }
        for index in range {
            sink.report.segment(share.segments[index], connections, &said.out)
            said.addPiece(key: UInt64(share.places[index]), number: share.segments[index].number)
        }
    }

    /// Makes the report of segments with excerpts of their frames.
    private mutating func report(_ share: borrowing EventShare, _ range: Range<Int>, _ said: inout PartOutput) {
        for index in range {
            sink.report.segment(share.segments[index], share.excerpts[index], connections, &said.out)
            said.addPiece(key: UInt64(share.places[index]), number: share.segments[index].number)
        }
    }

    /// - Returns: the number of the connection concerned.
    private mutating func tell(
        _ interruption: EventShare.Interruption, _ share: borrowing EventShare, _ batch: UInt64
    ) -> UInt64 {
        switch interruption.kind {
        case .icmp(let event):
            connections.judge(event)
            sink.icmp(event, connections)
            return connections.number(of: event.connection)
        case .redirected(let id, let called):
            connections.note(id, .called(called))
            sink.redirected(id, from: called, connections)
            return connections.number(of: id)
        case .kernel(let index):
            sink.kernel(share.kernelEvents[index], connections)
            return connections.number(of: share.kernelEvents[index].connection)
        case .counters(let index):
            sink.counters(share.counterChanges[index])
            return 0
        case .review(let id, let record, let view, let now):
            connections.keep(record, at: id)
            sink.unwanted.place = batch << 32 | UInt64(interruption.place)
            sink.review(id, connections, view.map { share.views[$0] }, now: now)
            return record.connection.number
        case .finish(let id, let record, let view, let now, let isKept):
            connections.keep(record, at: id)
            sink.unwanted.place = batch << 32 | UInt64(interruption.place)
            sink.finish(id, connections, view.map { share.views[$0] }, now: now, isKept: isKept)
            if !isKept { connections.release(id) }
            return record.connection.number
        case .forget(let id):
            // Late events may still be waiting for more of their row.
            sink.report.flush(now: Timestamp(nanoseconds: .max), connections, nil, &sink.out)
            connections.release(id)
            return 0
        }
    }
}
