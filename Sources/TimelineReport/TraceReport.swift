// What every output format is: a consumer of timeline events that appends bytes to one buffer.

public import TCPTimeline
public import TCPModel

/// Where the frames come from, for headings and the `capture` record.
public struct CaptureDescription: Sendable {
    /// One interface of the capture.
    public struct Interface: Sendable {
        /// Its name; untrusted if it comes from a file.
        public var name: String
        /// How its frames begin.
        public var linkType: LinkType

        /// An interface from its parts.
        public init(name: String, linkType: LinkType) {
            self.name = name
            self.linkType = linkType
        }
    }

    /// The file read; nil if live.
    public var file: String?
    /// The interfaces, by index.
    public var interfaces: [Interface]
    /// Octets kept of a frame; nil if not known.
    public var snapshotLength: Int?
    /// The filter words.
    public var filter: String
    /// This tool and its version.
    public var tool: String

    /// A description from its parts.
    public init(file: String?, interfaces: [Interface], snapshotLength: Int?, filter: String, tool: String) {
        self.file = file
        self.interfaces = interfaces
        self.snapshotLength = snapshotLength
        self.filter = filter
        self.tool = tool
    }
}

/// How many frames there were, and what is missing beside them.
public struct CaptureCounts: Sendable {
    /// Frames handed to the decoder.
    public var captured: UInt64 = 0
    /// Frames that passed the filter, as the kernel counts; nil for files.
    public var received: UInt64?
    /// Frames that the kernel or the capture file says were lost.
    public var dropped: UInt64 = 0
    /// What could not be read of the kernel, or was not understood.
    public var kernelFaults = ReadingFaults()

    /// No frames.
    public init() {}
}

/// A consumer of timeline events. Calls come in capture order; all output goes into `out`.
public protocol TraceReport {
    /// Whether a frame that was captured several times counts once. What copies another tool's log counts them as it does.
    var countsCopiesOnce: Bool { get }
    /// Whether the first fragment of a packet that was never complete counts as a segment.
    var countsIncomplete: Bool { get }
    /// Whether it reads the timeline's per-direction statistics, which are not kept for nobody.
    var readsStatistics: Bool { get }
    /// Whether it is to be told of segments. From a live trace it hears of every one.
    var readsSegments: Bool { get }
    /// The page has so many columns from now on: somebody resized the terminal.
    mutating func fit(columns: Int)
    /// The first segment came at this time.
    mutating func opens(at time: Timestamp)
    /// The capture begins.
    mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer)
    /// These are the capture's interfaces by now: more than when it began.
    mutating func learn(_ interfaces: [CaptureDescription.Interface])
    /// A segment; `connections` are as it left them.
    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// What it shows of frames: nothing is kept of them for nobody.
    var excerpts: ExcerptNeeds { get }
    /// The memory for what waits to be shown of frames; nil where nothing is.
    var excerptRoom: ExcerptRoom? { get }
    /// The same with what is shown of its frame; all segments come this way where `excerpts` asks for something.
    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer)
    /// Whether it wants to hear of every event of the kernel's: else of what tracepoints say it may hear only that a socket was
    /// dropped.
    var readsKernelEvents: Bool { get }
    /// The kernel said something new.
    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// Something was found out about a connection that is not finished yet.
    mutating func finding(_ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// Whether findings are wanted: making them costs time.
    var wantsFindings: Bool { get }
    /// An ICMP error about a connection; `connections` are as it left them.
    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// The client of a connection called this address, and its own host redirected it to the server: the segment before this shows it.
    mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer)
    /// Frames were lost, `count` of them.
    mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer)
    /// Live, and where a capture that runs is read: everything up to `now` has been taken in, the kernel's view included; what is ready
    /// may be shown.
    mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer)
    /// The connection that is finished next is kept for late segments, and `flush` shows these.
    mutating func keep(_ id: ConnectionID)
    /// A connection is over (or the capture is); nothing more comes of it.
    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer)
    /// Before the end, if the kernel was read: what moved among the host's TCP counters during the trace.
    mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer)
    /// The capture ends; every connection has been finished.
    mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer)
    /// The report for one of `count` parts of the connections, so that several threads can make it. It hears of what happens to
    /// them, and its memory is its share of the whole one's; what it appends in one call is handed to `merge` of the whole one, which
    /// hears of the rest.
    func part(of count: Int) -> Self
    /// A part has said all that it had to say: what the end of the whole one depends on is taken over.
    mutating func join(_ part: Self)
    /// Takes over what a part appended: the bytes in `range`, of the connection with this number (0 if that does not matter).
    mutating func merge(_ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer)
}

/// What most formats have nothing to say to.
extension TraceReport {
    /// Copies are no segments.
    public var countsCopiesOnce: Bool { true }
    /// It was sent.
    public var countsIncomplete: Bool { true }
    /// The connection's own counters are enough.
    public var readsStatistics: Bool { false }
    /// It wants to hear of every segment.
    public var readsSegments: Bool { true }
    /// It has no page.
    public mutating func fit(columns: Int) {}
    /// When the first segment came does not matter.
    public mutating func opens(at time: Timestamp) {}
    /// Nothing is said at the beginning.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {}
    /// Interfaces have no names in the output.
    public mutating func learn(_ interfaces: [CaptureDescription.Interface]) {}
    /// Segments are not shown one by one.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {}
    /// Frames are not shown.
    public var excerpts: ExcerptNeeds { ExcerptNeeds() }
    /// So they need no memory.
    public var excerptRoom: ExcerptRoom? { nil }
    /// A segment is what it means.
    public mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) { segment(event, connections, &out) }
    /// What the kernel says is for `finish`.
    public var readsKernelEvents: Bool { false }
    /// What the kernel says is not shown as it comes.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {}
    /// Findings are not shown.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {}
    /// No findings are wanted.
    public var wantsFindings: Bool { false }
    /// The host's counters are not shown.
    public mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer) {}
    /// ICMP errors are not shown one by one.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {}
    /// What was called is for `finish`.
    public mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {}
    /// Each part is as the whole is.
    public func part(of count: Int) -> Self { self }
    /// The end does not depend on what parts have said.
    public mutating func join(_ part: Self) {}
    /// What a part says is said as it is.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) { out.append(said, range) }
    /// What comes late is not shown, or at once.
    public mutating func keep(_ id: ConnectionID) {}
    /// Nothing is held back.
    public mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {}
}

/// A report of what connections have come to, and of nothing before: then flows can be divided before anything is known of them.
public protocol PartitionedReport: TraceReport, Sendable {
    /// A connection is over; the kernel has nothing to say.
    mutating func finish(_ id: ConnectionID, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    /// A connection whose row is still to be merged is another one behind a translation of addresses (NAT), by their numbers; it is in
    /// another part, perhaps.
    mutating func link(_ number: UInt64, translationOf source: UInt64)
}

extension PartitionedReport {
    /// As with a kernel that knows nothing.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        finish(id, connections, nil, &out)
    }

    /// Nothing is said of it.
    public mutating func link(_ number: UInt64, translationOf source: UInt64) {}
}
