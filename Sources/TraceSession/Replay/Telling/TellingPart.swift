// One part of a replay that is told in parts: what is kept of its connections, its statistics and findings, and its report.

import TCPDiagnosis
import TCPModel
import TCPTimeline
import TimelineReport

/// The state of one part.
struct TellingPart<Report: TraceReport>: ~Copyable {
    private var connections: KnownConnections
    private var teller: Teller<Report>

    init(_ report: Report, _ needs: TraceNeeds, _ options: TraceOptions) {
        connections = KnownConnections(keepsStatistics: needs.statistics)
        teller = Teller(report, options, isLive: false)
    }

    /// The whole report has begun, and this is the part of it.
    mutating func begin(_ report: Report) { teller.report = report }

    var unwanted: UnwantedFindings { teller.unwanted }

    /// Tells its share of a batch.
    mutating func work(_ index: Int, of batch: borrowing TellingBatch) {
        // The crew gave this share to this thread alone.
        unsafe tell(&batch.shares.place(index).pointee, batch.number)
    }

    private mutating func tell(_ share: inout TellingShare, _ batch: UInt64) {
        swap(&teller.out, &share.out)
        var start = 0
        var beginning = 0
        for interruption in share.interruptions {
            tell(&share, start..<interruption.index, &beginning, before: interruption.place)
            start = interruption.index
            tell(interruption, &share, batch)
        }
        tell(&share, start..<share.segments.count, &beginning, before: .max)
        swap(&teller.out, &share.out)
    }

    /// Tells segments that nothing interrupts. One thing is done with all of them before the next is: the instructions that each
    /// takes fit in a core's cache, and all together do not.
    private mutating func tell(
        _ share: inout TellingShare, _ range: Range<Int>, _ beginning: inout Int, before end: UInt32
    ) {
        while beginning < share.beginnings.count, share.beginnings[beginning].place < end {
            connections.keep(share.beginnings[beginning].record, at: share.beginnings[beginning].id)
            beginning += 1
        }
        for index in range { connections.judge(&share.segments[index]) }
        if teller.diagnosis != nil {
            for index in range { teller.diagnosis?.observe(share.segments[index]) }
        }
        for index in range {
            teller.report.segment(share.segments[index], connections, &teller.out)
            share.addPiece(share.places[index], share.segments[index].number, upTo: teller.out.count)
        }
    }

    private mutating func tell(_ interruption: TellingShare.Interruption, _ share: inout TellingShare, _ batch: UInt64)
    {
        switch interruption.kind {
        case .icmp(let event):
            teller.icmp(event, connections)
            share.addPiece(interruption.place, connections.number(of: event.connection), upTo: teller.out.count)
        case .finish(let id, let record, let now):
            connections.keep(record, at: id)
            teller.unwanted.place = batch << 32 | UInt64(interruption.place)
            teller.finish(id, connections, nil, now: now)
            share.addPiece(interruption.place, record.connection.number, upTo: teller.out.count)
            connections.release(id)
        }
    }
}
