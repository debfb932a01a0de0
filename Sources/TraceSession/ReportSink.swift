// Turns events into findings and into the report.

import TCPDiagnosis
import TCPModel
import TCPTimeline
import TimelineReport

/// A report, together with the diagnosis that makes its findings.
struct ReportSink<Report: TraceReport>: ~Copyable, TraceSink {
    var report: Report
    /// The report's output.
    var out = OutputBuffer()
    /// Finds causes; nil if neither the report nor `--fail-on` needs findings.
    var diagnosis: Diagnosis?
    /// Findings named by `--fail-on`.
    var unwanted: UnwantedFindings
    /// Totals by outcome and by finding.
    private(set) var overview = TraceOverview()
    /// Whether `--pid` and `--pname` matched any connection.
    private(set) var choice: ProcessChoice
    private let selection: ConnectionSelection
    /// Findings of connections that the selection may yet exclude, by slot.
    private var undecided: [UInt32: [Finding]] = [:]

    init(_ report: Report, _ needs: TraceNeeds, _ options: TraceOptions, isLive: Bool) {
        self.report = report
        unwanted = UnwantedFindings(options.failOn)
        choice = ProcessChoice(options.selection)
        selection = options.selection
        if needs.findings { diagnosis = Diagnosis(isLive: isLive) }
    }

    mutating func opens(at time: Timestamp) { report.opens(at: time) }

    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections) {
        diagnosis?.observe(event)
        report.segment(event, connections, &out)
    }

    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections
    ) {
        diagnosis?.observe(event)
        report.segment(event, excerpt, connections, &out)
    }

    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections) {
        diagnosis?.observe(event, connections)
        report.icmp(event, connections, &out)
    }

    mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections
    ) { report.redirected(id, from: called, connections, &out) }

    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections) {
        diagnosis?.observe(event, connections)
        report.kernel(event, connections, &out)
    }

    mutating func counters(_ change: HostCounterChange) { diagnosis?.host = change }

    /// Live: reports what can be found out by now, and returns the connections concerned, each once.
    mutating func review(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?
    ) -> [ConnectionID] {
        var found: [ConnectionID] = []
        for finding in diagnosis?.review(now: now, connections, kernel) ?? [] {
            tell(finding, connections)
            // Findings of the same connection are adjacent.
            if found.last != finding.connection { found.append(finding.connection) }
        }
        return found
    }

    mutating func review(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp
    ) {
        for finding in diagnosis?.review(id, connections, kernel, now: now) ?? [] { tell(finding, connections) }
    }

    /// Reports a finished connection, its findings first.
    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, as record: KnownConnections.Record? = nil,
        _ kernel: KernelView?, now: Timestamp, isKept: Bool = false
    ) {
        for finding in diagnosis?.conclude(id, connections, kernel, now: now) ?? [] { tell(finding, connections) }
        choice.note(kernel)
        let findings = undecided.removeValue(forKey: id.slot) ?? []
        if selection.isEverything || selection.shows(connections[id], kernel) {
            overview.note(connections.outcome(of: id))
            for finding in findings { count(finding, connections) }
        } else if !selection.ofCommand || kernel?.isOfCommand == true {
            overview.leaveOut(connections.outcome(of: id))
        }
        if isKept { report.keep(id) }
        report.finish(id, connections, kernel, &out)
    }

    // The live loop forgets connections by itself, and so do the parts of a replay.
    mutating func forget(_ id: ConnectionID, _ connections: borrowing KnownConnections) {}

    mutating func gap(_ count: UInt64, at time: Timestamp?) { report.gap(count, at: time, &out) }

    private mutating func tell(_ finding: Finding, _ connections: borrowing KnownConnections) {
        if selection.isEverything {
            count(finding, connections)
        } else {
            undecided[finding.connection.slot, default: []].append(finding)
        }
        report.finding(finding, connections, &out)
    }

    /// Counts a finding of a connection that is shown.
    private mutating func count(_ finding: Finding, _ connections: borrowing KnownConnections) {
        overview.note(finding.code)
        unwanted.note(finding, connections.name(of: finding.connection))
    }
}
