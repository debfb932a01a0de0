// A part's report, and the count of what it came to.

import TCPModel
import TCPTimeline
import TimelineReport

/// Reports connections that are over, and counts those that are shown.
struct TalliedReport<Report: PartitionedReport> {
    private var report: Report
    private let selection: ConnectionSelection
    private let showsAll: Bool
    private(set) var overview = TraceOverview()

    init(_ report: Report, _ selection: ConnectionSelection) {
        self.report = report
        self.selection = selection
        showsAll = selection.isEverything
    }

    /// A connection is over, or the capture is.
    @inline(__always) mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        if showsAll || selection.shows(connections[id], nil) {
            overview.note(connections.outcome(of: id))
        } else {
            overview.leaveOut(connections.outcome(of: id))
        }
        report.finish(id, connections, &out)
    }
}
