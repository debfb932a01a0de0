// What the tracer saw, kept for the sentences: the text report with a note-taker beside it.

import TCPModel
import TCPTimeline
import TimelineReport

/// The connections of one scenario as they were at their latest segment, in the order of their numbers.
final class LabRecord {
    private(set) var connections: [Connection] = []

    /// The connection of the client with this port.
    func connection(clientPort: UInt16) -> Connection? {
        connections.last { $0.tuple.source.port == clientPort }
    }

    fileprivate func keep(_ connection: Connection) {
        if let index = connections.firstIndex(where: { $0.number == connection.number }) {
            connections[index] = connection
        } else {
            connections.append(connection)
        }
    }
}

/// The text timeline, with a record of what it was made from. It hands on everything that a live trace asks or tells a report: where it
/// did not, the protocol's default would stand in for what the text timeline wants.
struct LabReport: TraceReport {
    private var text: TextTimelineReport
    private let record: LabRecord

    init(style: TextStyle, record: LabRecord) {
        text = TextTimelineReport(style: style, order: .stream)
        self.record = record
    }

    var countsCopiesOnce: Bool { text.countsCopiesOnce }
    var countsIncomplete: Bool { text.countsIncomplete }
    var readsStatistics: Bool { text.readsStatistics }
    var readsSegments: Bool { text.readsSegments }
    var readsKernelEvents: Bool { text.readsKernelEvents }
    var wantsFindings: Bool { text.wantsFindings }

    mutating func opens(at time: Timestamp) { text.opens(at: time) }

    mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        text.begin(capture, at: time, &out)
    }

    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        record.keep(connections[event.connection])
        text.segment(event, connections, &out)
    }

    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        text.kernel(event, connections, &out)
    }

    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        text.icmp(event, connections, &out)
    }

    mutating func finding(_ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        text.finding(finding, connections, &out)
    }

    mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        text.gap(count, at: time, &out)
    }

    mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {
        text.flush(now: now, connections, kernel, &out)
    }

    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        text.finish(id, connections, kernel, &out)
    }

    mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer) { text.host(change, &out) }

    mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        text.end(capture, counts, at: time, &out)
    }
}
