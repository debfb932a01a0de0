// Tells what happens to connections: has findings made, and the report written.

import TCPDiagnosis
import TCPModel
import TCPTimeline
import TimelineReport

/// A report, and the findings that are made for it.
struct Teller<Report: TraceReport>: ~Copyable, TraceSink {
    var report: Report
    /// What the report wrote.
    var out = OutputBuffer()
    /// Finds causes, if anybody wants to know.
    var diagnosis: Diagnosis?
    /// Those of `--fail-on`.
    var unwanted: UnwantedFindings
    /// What it all came to.
    private(set) var overview = TraceOverview()
    /// Whether `--pid` and `--pname` met anybody.
    private(set) var choice: ProcessChoice
    private let selection: ConnectionSelection
    /// Those whose connections may turn out not to be asked for, by slot.
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

    /// Live: tells what is found out by now, and returns of which connections, each once.
    mutating func review(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?
    ) -> [ConnectionID] {
        var found: [ConnectionID] = []
        for finding in diagnosis?.review(now: now, connections, kernel) ?? [] {
            tell(finding, connections)
            // Those of one connection come one after the other.
            if found.last != finding.connection { found.append(finding.connection) }
        }
        return found
    }

    mutating func review(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp
    ) {
        for finding in diagnosis?.review(id, connections, kernel, now: now) ?? [] { tell(finding, connections) }
    }

    /// Reports a connection that is over, its findings first.
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

    // The live loop forgets by itself, and so do the parts of a replay.
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

    /// Counts a finding of a connection that is asked for.
    private mutating func count(_ finding: Finding, _ connections: borrowing KnownConnections) {
        overview.note(finding.code)
        unwanted.note(finding, connections.name(of: finding.connection))
    }
}
