// `-w -`: frames occupy standard output, where results would get in between.

public import TCPModel
public import TCPTimeline

/// A report without any output.
public struct SilentReport: PartitionedReport {
    /// False: single segments are not needed.
    public var readsSegments: Bool { false }

    /// The report.
    public init() {}

    /// False: nothing is counted.
    public var countsCopiesOnce: Bool { false }

    /// Ignored.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}

    /// Ignored.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {}

    /// Ignored.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {}
}
