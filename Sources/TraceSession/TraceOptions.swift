// The settings of a trace, apart from the look of its output.

import Glibc
public import PacketSource
public import TCPModel
public import TCPTimeline
public import TimelineReport

/// Settings for a trace, live or from files.
public struct TraceOptions: Sendable {
    /// This tool's name and version, as written to files and records.
    public static let tool = "tcptrace 0.1.0"

    /// Octets kept of each frame by default: a link header with tags (22), IPv6 with extension headers (104), a full
    /// TCP header (60), and as much again for one tunnel around it. Of most frames that is also about 190 octets of
    /// payload. No more is kept, so that large payloads cost no frames.
    public static let headerSnapshotLength = 256

    /// Octets kept of each frame when whole frames are wanted.
    public static let wholeFrame = Int(CaptureInterface.wholeFrame)

    /// The largest frame, in octets, on loopback or before a network card segments it; this snapshot length keeps every
    /// frame whole.
    public static let largestFrame = 65_535

    /// Default size of the kernel's ring buffer in KiB when whole frames are kept: room for a thousand of the largest.
    public static let wholeFrameBufferKiB = 64 * 1024

    /// Interfaces to capture on, in order; `any` stands for all.
    public var interfaces: [String] = []
    /// Capture files to read; `-` stands for standard input.
    public var files: [String] = []
    /// A pcap-filter(7) expression; empty for every TCP segment.
    public var filter = ""
    /// Octets to keep of each frame.
    public var snapshotLength = TraceOptions.headerSnapshotLength
    /// Size of the kernel's ring buffer in KiB.
    public var bufferKiB = 16 * 1024
    /// Whether to put interfaces into promiscuous mode, to see frames addressed to other hosts.
    public var promiscuous = true
    /// Which direction of an interface's frames to capture.
    public var direction = LiveCapture.Direction.both
    /// The link type to request from the interface; nil for its default.
    public var linkType: LinkType?
    /// Number of frames after which to stop.
    public var packetLimit: UInt64?
    /// Number of ended connections after which to stop.
    public var connectionLimit: UInt64?
    /// Seconds after which a live trace stops.
    public var duration: Double?
    /// Whether to verify checksums.
    public var verifiesChecksums = false
    /// Whether to use the kernel's socket tables; on replay, those recorded in the capture files.
    public var usesKernel = true
    /// Whether to look up the processes behind the sockets; on replay, whether to use those recorded in the capture
    /// files.
    public var usesProcesses = true
    /// Which connections are shown.
    public var selection = ConnectionSelection()
    /// Whether connections are chosen by their processes.
    public var selectsProcesses: Bool { selection.choosesProcesses }
    /// Findings that make the trace fail; the exit code is then 3.
    public var failOn: Set<FindingCode> = []
    /// Whether a live trace ends with the number of kernel events and every host counter that changed, not only those
    /// that explain trouble.
    public var tellsAllCounters = false
    /// The user to become once everything is open (`-Z`); nil for the user who called sudo, if any.
    public var user: String?
    /// Resolver for the names of hosts and services; nil to show numbers.
    public var names: NameLookup?
    /// Whether a live trace's output keeps to the width of its terminal, even when that is resized.
    public var fitsTerminal = false
    /// The command to run, and the only one to trace; empty for none.
    public var command: [String] = []
    /// The file to write frames to.
    public var output: String?

    /// Number of threads for a replay; nil for one per processor. The results do not depend on it.
    public var workers: Int?
    /// Connections that a replay keeps in memory at most; nil for as many as memory allows.
    public var trackedLimit: Int?
    /// Connections that a live trace keeps in memory at most, including ended ones kept for late segments and their
    /// TIME_WAIT.
    public var liveTrackedLimit = TraceOptions.defaultFullTrackedLimit

    /// The machine's physical memory in octets.
    private static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// As many connections as fill half of the machine's memory when only the connection table is kept, and at least
    /// 100 000. A connection and its share of the table take less than 512 octets, even while the table grows.
    static var defaultTrackedLimit: Int { max(100_000, memory / 2 / 512) }

    /// As many connections as fill half of the machine's memory when each also keeps statistics, the data for findings
    /// and its timeline's rows or, live, the kernel's view: all of that takes less than 8 KiB.
    static var defaultFullTrackedLimit: Int { max(100_000, memory / 2 / 8192) }

    /// As many rows of a text timeline's blocks as fill a quarter of the machine's memory.
    public static var defaultRowLimit: Int { max(100_000, memory / 4 / TextTimelineReport.rowSize) }

    /// Limit in octets for records held back until their connection is selected: an eighth of the machine's memory, as
    /// buffers may be twice as large as their contents.
    public static var defaultHeldOctets: Int { memory / 8 }

    /// Limit in octets for payload waiting to be shown and for the output made from it (`ExcerptRoom` counts both): a
    /// third of the machine's memory.
    public static var defaultExcerptOctets: Int { memory / 3 }

    /// Creates the default settings.
    public init() {}

    /// The exit code if a finding in `failOn` was made.
    public static let failedStatus: Int32 = 3

    /// The filter in force, as shown to the user.
    public var effectiveFilter: String { filter.isEmpty ? "tcp" : filter }

    /// The filter that interfaces apply. Without a filter by the user it lets more through than `tcp`, which finds TCP
    /// only right behind an IPv6 header or a fragment header (pcap-filter(7)): TCP may also follow other extension
    /// headers (RFC 8200 4.1), of which hop-by-hop options are mostly followed by ICMP. TCP's own frames take no more
    /// comparisons than with `tcp` alone.
    public var captureFilter: String {
        guard filter.isEmpty else { return filter }
        return "tcp or (ip6[6] = 0 and ip6[40] != 58) or ip6[6] = 43 or (ip6[6] = 44 and ip6[40] = 60) or ip6[6] = 51"
            + " or ip6[6] = 60"
    }
}

/// Reasons why a trace could not begin or continue.
public enum TraceError: Error, Sendable {
    /// The interface or the filter failed.
    case capture(CaptureError)
    /// The capture file cannot be read.
    case file(CaptureFileError)
    /// The capture file being written failed.
    case output(CaptureWriteError)
    /// The command after `--` cannot be run; a sentence, and the exit code that a shell would return.
    case command(String, code: Int32)
    /// Privileges cannot be dropped as requested; a sentence.
    case privileges(String)
    /// The system refused a descriptor that the trace needs (errno).
    case system(what: String, code: Int32)

    /// Whether the reader of the frames (`-w -`) has gone: a request to stop rather than a failure.
    var isClosedPipe: Bool { if case .output(let error) = self { error.isClosedPipe } else { false } }

    /// The exit code.
    var exitCode: Int32 { if case .command(_, let code) = self { code } else { 1 } }

    /// The message for the user, remedy included. Where capturing itself may fail, `command` is the command line as typed
    /// and `executable` the program's file: the remedy repeats them.
    public func explanation(command: String = "", executable: String = "") -> String {
        switch self {
        case .capture(let error): error.explanation(command: command, executable: executable)
        case .file(let error): error.description
        case .output(let error): error.description
        case .command(let sentence, _): sentence
        case .privileges(let sentence): sentence
        case .system(let what, let code): "\(what): \(describeErrno(code))"
        }
    }
}
