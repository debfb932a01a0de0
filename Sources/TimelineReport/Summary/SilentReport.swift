// `-w -`: frames take standard output, where results would be among them.

public import TCPModel
public import TCPTimeline

/// Says nothing.
public struct SilentReport: PartitionedReport {
    /// Segments are not asked for.
    public var readsSegments: Bool { false }

    /// The report.
    public init() {}

    /// Nobody is told of copies.
    public var countsCopiesOnce: Bool { false }

    /// Nobody is told of lost frames.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}

    /// Nobody is told of connections.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {}

    /// Nobody is told of the end.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {}
}
