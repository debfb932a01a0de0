// The receiver of a pipeline's results: the report's sink directly, or the parts of a replay through their batches.

import TCPModel
import TCPTimeline
import TimelineReport

/// Receives everything in capture order. `connections` are as the event left them.
protocol TraceSink: ~Copyable {
    /// The trace's first segment arrived.
    mutating func opens(at time: Timestamp)
    /// A segment.
    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections)
    /// A segment with the excerpt of its frame. If excerpts are requested, all segments are delivered this way.
    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections)
    /// An ICMP error about a connection.
    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections)
    /// The client of a connection called the address `called`, and its host redirected it to the server.
    mutating func redirected(_ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections)
    /// An event reported by the kernel.
    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections)
    /// Changes of the host's counters between two readings.
    mutating func counters(_ change: HostCounterChange)
    /// An open connection should be judged: on replay, when the live trace made a finding about it, or when the capture
    /// is still running.
    mutating func review(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp)
    /// A connection is over, or the capture is. `record` is the connection as it was when its end was detected; nil
    /// stands for its current state. If `isKept`, it may receive late segments until `forget`.
    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, as record: KnownConnections.Record?,
        _ kernel: KernelView?, now: Timestamp, isKept: Bool)
    /// A kept connection is released: on replay of a capture that is still running.
    mutating func forget(_ id: ConnectionID, _ connections: borrowing KnownConnections)
    /// Frames were lost; `count` is their number.
    mutating func gap(_ count: UInt64, at time: Timestamp?)
}

/// What a format and `--fail-on` require of a trace.
struct TraceNeeds {
    /// Whether a frame that was captured several times counts once.
    let countsCopiesOnce: Bool
    /// Whether the first fragment of a packet that was never completed counts as a segment.
    let countsIncomplete: Bool
    /// Whether findings are required.
    let findings: Bool
    /// Whether statistics are required: some findings depend on them, and all formats must agree on findings.
    let statistics: Bool
    /// Whether segments are delivered one by one.
    let segments: Bool
    /// Whether every kernel event is delivered.
    let kernelEvents: Bool
    /// The parts of frames to show.
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
