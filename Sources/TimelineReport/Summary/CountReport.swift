// `--count`: only the number of packets, in tcpdump's words.

public import TCPModel
public import TCPTimeline

/// The number of packets, at the end.
public struct CountReport: PartitionedReport {
    /// Segments are not asked for.
    public var readsSegments: Bool { false }

    /// The report.
    public init() {}

    /// Connections are not counted here, nor what is theirs.
    public var countsCopiesOnce: Bool { false }

    /// Lost frames are not counted here.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}

    /// Connections are not counted here.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {}

    /// Ends the report.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        out.append(number: counts.captured)
        out.append(counts.captured == 1 ? " packet\n" : " packets\n")
    }
}
