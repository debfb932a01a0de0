// What the tracer saw, recorded for the sentences: the text report, with a recorder beside it.

import TCPModel
import TCPTimeline
import TimelineReport

/// The connections of one scenario as of their latest segments, in the order of their numbers.
final class LabRecord {
    private(set) var connections: [Connection] = []
    /// The number of keep-alives from clients, and how many of them the server's end has answered.
    private(set) var keepAlives = (asked: 0, answered: 0)

    /// The latest connection of the client with this port.
    func connection(clientPort: UInt16) -> Connection? {
        connections.last { $0.tuple.source.port == clientPort }
    }

    fileprivate func count(_ event: SegmentEvent) {
        if event.sender == .originator, event.notes.contains(.keepAlive) {
            keepAlives.asked += 1
        } else if event.sender == .responder, keepAlives.answered < keepAlives.asked {
            keepAlives.answered += 1
        }
    }

    fileprivate func keep(_ connection: Connection) {
        if let index = connections.firstIndex(where: { $0.number == connection.number }) {
            connections[index] = connection
        } else {
            connections.append(connection)
        }
    }
}

/// The text timeline, with a record of its connections.
struct LabReport: ForwardingReport {
    var inner: TextTimelineReport
    private let record: LabRecord

    init(style: TextStyle, record: LabRecord) {
        inner = TextTimelineReport(style: style, order: .stream)
        self.record = record
    }

    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        record.keep(connections[event.connection])
        record.count(event)
        inner.segment(event, connections, &out)
    }
}
