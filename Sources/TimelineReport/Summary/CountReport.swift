// `--count`: only the number of packets, in tcpdump's words.

public import TCPModel
public import TCPTimeline

/// The number of packets, at the end.
public struct CountReport: TraceReport {
    /// The report.
    public init() {}

    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {}
    public mutating func segment(_ event: SegmentEvent, _ timeline: borrowing Timeline, _ out: inout OutputBuffer) {}
    public mutating func kernel(_ event: KernelEvent, _ timeline: borrowing Timeline, _ out: inout OutputBuffer) {}
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}
    public mutating func flush(
        now: Timestamp, _ timeline: borrowing Timeline, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {}
    public mutating func finish(
        _ id: ConnectionID, _ timeline: borrowing Timeline, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {}
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        out.append(number: counts.captured)
        out.append(counts.captured == 1 ? " packet\n" : " packets\n")
    }
}
