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

/// The text timeline, with a record of what it was made from.
struct LabReport: ForwardingReport {
    var inner: TextTimelineReport
    private let record: LabRecord

    init(style: TextStyle, record: LabRecord) {
        inner = TextTimelineReport(style: style, order: .stream)
        self.record = record
    }

    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        record.keep(connections[event.connection])
        inner.segment(event, connections, &out)
    }
}
