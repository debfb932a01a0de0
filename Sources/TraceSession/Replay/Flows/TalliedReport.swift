// A part's report together with its totals.

import TCPModel
import TCPTimeline
import TimelineReport

/// Reports finished connections, and counts those that are shown.
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

    /// Reports a connection that is over, or was open when the capture ended.
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
