// Who hears what a pipeline finds out: a teller at once, or the parts of a replay through their batches.

import TCPModel
import TCPTimeline
import TimelineReport

/// Hears of everything in capture order. `connections` are as the event left them.
protocol TraceSink: ~Copyable {
    /// The first segment of all came.
    mutating func opens(at time: Timestamp)
    /// A segment.
    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections)
    /// A segment, with what is shown of its frame: where somebody asks for that, all come this way.
    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections)
    /// An ICMP error about a connection.
    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections)
    /// The client of a connection called this address, and its host redirected it to the server.
    mutating func redirected(_ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections)
    /// What the kernel said.
    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections)
    /// What moved among the host's counters between two readings of them.
    mutating func counters(_ change: HostCounterChange)
    /// A connection that is not over is to be judged: on replay, when the live trace found something of it, or the capture runs.
    mutating func review(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp)
    /// A connection is over, or the capture is. `record` is the connection as it was when that was found out; nil: as it is. What
    /// `isKept` may get late segments until `forget`.
    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, as record: KnownConnections.Record?,
        _ kernel: KernelView?, now: Timestamp, isKept: Bool)
    /// A connection that was kept is not any longer: on replay of a capture that runs.
    mutating func forget(_ id: ConnectionID, _ connections: borrowing KnownConnections)
    /// Frames were lost, `count` of them.
    mutating func gap(_ count: UInt64, at time: Timestamp?)
}

/// What a format, and `--fail-on`, ask of a trace.
struct TraceNeeds {
    /// Whether a frame that was captured several times counts once.
    let countsCopiesOnce: Bool
    /// Whether the first fragment of a packet that was never complete counts as a segment.
    let countsIncomplete: Bool
    /// Whether findings are to be made.
    let findings: Bool
    /// Whether statistics are to be kept: some findings rest on them, and all formats are to agree on findings.
    let statistics: Bool
    /// Whether anybody hears of segments one by one.
    let segments: Bool
    /// Whether somebody wants to hear of every event of the kernel's.
    let kernelEvents: Bool
    /// What is shown of frames.
    let excerpts: ExcerptNeeds

    init<Report: TraceReport>(_ report: Report, _ options: TraceOptions) {
        countsCopiesOnce = report.countsCopiesOnce
        countsIncomplete = report.countsIncomplete
        findings = report.wantsFindings || !options.failOn.isEmpty
        statistics = report.readsStatistics || findings
        segments = statistics || report.readsSegments
        kernelEvents = report.readsKernelEvents
        excerpts = report.excerpts
    }
}
