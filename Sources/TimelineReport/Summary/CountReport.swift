// `--count`: only the number of packets, worded as in tcpdump.

public import TCPModel
public import TCPTimeline

/// Reports the number of packets at the end.
public struct CountReport: PartitionedReport {
    /// False: single segments are not needed.
    public var readsSegments: Bool { false }

    /// A report with nothing counted.
    public init() {}

    /// False: packets are counted, not connections, so copies count as well.
    public var countsCopiesOnce: Bool { false }

    /// Ignored: lost frames are not counted.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}

    /// Ignored: connections are not counted.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {}

    /// Writes the number of packets.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        out.append(number: counts.captured)
        out.append(counts.captured == 1 ? " packet\n" : " packets\n")
    }
}
