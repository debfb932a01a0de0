// The interface of all output formats: a consumer of timeline events that appends bytes to one buffer.

public import TCPTimeline
public import TCPModel

/// The source of the frames, for headings and the `capture` record.
public struct CaptureDescription: Sendable {
    /// One interface of the capture.
    public struct Interface: Sendable {
        /// Its name; untrusted if it comes from a file.
        public var name: String
        /// The link type, which determines how its frames begin.
        public var linkType: LinkType

        /// An interface with these properties.
        public init(name: String, linkType: LinkType) {
            self.name = name
            self.linkType = linkType
        }
    }

    /// The file that is read; nil in a live trace.
    public var file: String?
    /// The interfaces, by index.
    public var interfaces: [Interface]
    /// The maximum number of octets captured of each frame; nil if unknown.
    public var snapshotLength: Int?
    /// The filter expression.
    public var filter: String
    /// The name and version of this tool.
    public var tool: String

    /// A description with these properties.
    public init(file: String?, interfaces: [Interface], snapshotLength: Int?, filter: String, tool: String) {
        self.file = file
        self.interfaces = interfaces
        self.snapshotLength = snapshotLength
        self.filter = filter
        self.tool = tool
    }
}

/// The number of frames, and what is missing besides them.
public struct CaptureCounts: Sendable {
    /// Frames handed to the decoder.
    public var captured: UInt64 = 0
    /// Frames that passed the filter, as counted by the kernel; nil for files.
    public var received: UInt64?
    /// Frames lost according to the kernel or the capture file.
    public var dropped: UInt64 = 0
    /// What could not be read from the kernel, or was not understood.
    public var kernelFaults = ReadingFaults()

    /// No frames.
    public init() {}
}

/// A consumer of timeline events. Calls come in capture order; all output goes into `out`.
public protocol TraceReport {
    /// Whether a frame that was captured several times counts once. A report that imitates another tool's log counts as
    /// that tool does.
    var countsCopiesOnce: Bool { get }
    /// Whether the first fragment of a packet that never became complete counts as a segment.
    var countsIncomplete: Bool { get }
    /// Whether it reads the timeline's per-direction statistics, which are otherwise not kept.
    var readsStatistics: Bool { get }
    /// Whether it needs the segments. In a live trace it receives all of them in any case.
    var readsSegments: Bool { get }
    /// Sets the page width, because the terminal was resized.
    mutating func fit(columns: Int)
    /// The first segment came at this time.
    mutating func opens(at time: Timestamp)
    /// The capture begins.
    mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer)
    /// The capture's interfaces as of now, if there are more than at its beginning.
    mutating func learn(_ interfaces: [CaptureDescription.Interface])
    /// A segment; `connections` reflect it already.
    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// The parts of frames that it shows; others are not kept.
    var excerpts: ExcerptNeeds { get }
    /// The memory limit for excerpts that wait to be shown; nil if there are none.
    var excerptRoom: ExcerptRoom? { get }
    /// A segment with the excerpt of its frame. Called for all segments if `excerpts` requests anything.
    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer)
    /// Whether it needs all kernel events. Otherwise, of tracepoint events it may receive only those that report a
    /// dropped socket.
    var readsKernelEvents: Bool { get }
    /// The kernel reported something new.
    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// A finding about a connection that is not finished yet.
    mutating func finding(_ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// Whether it needs findings, which take time to compute.
    var wantsFindings: Bool { get }
    /// An ICMP error about a connection; `connections` reflect it already.
    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// The client of a connection called this address, and its own host redirected it to the server, as the preceding
    /// segment shows.
    mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer)
    /// The capture lost `count` frames.
    mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer)
    /// Everything up to `now` has been processed, including the kernel's view, so what is ready may be shown. Called in
    /// live traces, and for captures that are still running.
    mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer)
    /// The next connection to be finished stays open for late segments, which `flush` shows.
    mutating func keep(_ id: ConnectionID)
    /// A connection is over (or the capture is); nothing more will happen to it.
    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer)
    /// The changes of the host's TCP counters during the trace. Called before the end if the kernel was read.
    mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer)
    /// The capture ends; every connection has been finished.
    mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer)
    /// A report for one of `count` parts of the connections, so that several threads can share the work. It receives
    /// the events of those connections and has its share of the memory limits. What it appends in one call is passed to
    /// `merge` of the whole report, which receives all other events.
    func part(of count: Int) -> Self
    /// A partial report is done: takes over what the end of the whole report depends on.
    mutating func join(_ part: Self)
    /// Takes over what a partial report appended: the bytes in `range`, for the connection with this number (0 if that
    /// does not matter).
    mutating func merge(_ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer)
}

/// Default implementations for what most formats ignore.
extension TraceReport {
    /// True: copies are not segments.
    public var countsCopiesOnce: Bool { true }
    /// True: the packet was sent.
    public var countsIncomplete: Bool { true }
    /// False: the connection's own counters are enough.
    public var readsStatistics: Bool { false }
    /// True: every segment is needed.
    public var readsSegments: Bool { true }
    /// Ignored: there is no page.
    public mutating func fit(columns: Int) {}
    /// Ignored.
    public mutating func opens(at time: Timestamp) {}
    /// Writes nothing at the beginning.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {}
    /// Ignored: the output names no interfaces.
    public mutating func learn(_ interfaces: [CaptureDescription.Interface]) {}
    /// Ignored: single segments are not shown.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {}
    /// No parts of frames are shown.
    public var excerpts: ExcerptNeeds { ExcerptNeeds() }
    /// Nil: no memory is needed for excerpts.
    public var excerptRoom: ExcerptRoom? { nil }
    /// Ignores the excerpt.
    public mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) { segment(event, connections, &out) }
    /// False: the kernel's view is used in `finish`.
    public var readsKernelEvents: Bool { false }
    /// Ignored: kernel events are not shown as they come.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {}
    /// Ignored: findings are not shown.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {}
    /// False: findings are not needed.
    public var wantsFindings: Bool { false }
    /// Ignored: the host's counters are not shown.
    public mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer) {}
    /// Ignored: single ICMP errors are not shown.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {}
    /// Ignored: the called address is used in `finish`.
    public mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {}
    /// Partial reports are the same as the whole.
    public func part(of count: Int) -> Self { self }
    /// Nothing to take over: the end does not depend on partial reports.
    public mutating func join(_ part: Self) {}
    /// Appends the output of a partial report unchanged.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) { out.append(said, range) }
    /// Ignored: late segments are not shown, or are shown at once.
    public mutating func keep(_ id: ConnectionID) {}
    /// Nothing is held back.
    public mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {}
}

/// A report about connections that are over and nothing before that, so that flows can be divided before anything is
/// known of them.
public protocol PartitionedReport: TraceReport, Sendable {
    /// A connection is over, and there is no view of the kernel.
    mutating func finish(_ id: ConnectionID, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// A connection whose row is still to be merged turns out to be another one behind an address translation (NAT).
    /// Both are given by number, and may be in different partial reports.
    mutating func link(_ number: UInt64, translationOf source: UInt64)
}

extension PartitionedReport {
    /// The same as without a view of the kernel.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        finish(id, connections, nil, &out)
    }

    /// Ignored: the link is not shown.
    public mutating func link(_ number: UInt64, translationOf source: UInt64) {}
}
