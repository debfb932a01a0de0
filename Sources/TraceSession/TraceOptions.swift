// What a trace is to do, apart from how it looks.

import Glibc
public import PacketSource
public import TCPModel
public import TCPTimeline
public import TimelineReport

/// The choices for a trace, live or from files.
public struct TraceOptions: Sendable {
    /// This tool's name and version, for files and records.
    public static let tool = "tcptrace 0.1.0"

    /// Octets of each frame kept by default: link header with tags (22), IPv6 with extension headers (104), a full TCP header
    /// (60), and as much again for one tunnel around it. No payload: a header tracer must not lose frames because
    /// payloads are large.
    public static let headerSnapshotLength = 256

    /// Octets of each frame that are kept where all are: tcpdump's own.
    public static let wholeFrame = 262_144

    /// Octets of a frame on loopback, or before a network card cuts it, at most; with so many kept of each, all of them are.
    public static let largestFrame = 65_535

    /// Size of the kernel's ring in KiB where whole frames are kept, unless another is asked for: a thousand of the largest.
    public static let wholeFrameBufferKiB = 64 * 1024

    /// Interfaces to capture on, in order; `any` for all.
    public var interfaces: [String] = []
    /// Capture files to read; `-` is standard input.
    public var files: [String] = []
    /// pcap-filter(7) words; empty = every TCP segment.
    public var filter = ""
    /// Octets to keep of each frame.
    public var snapshotLength = TraceOptions.headerSnapshotLength
    /// Size of the kernel's ring in KiB.
    public var bufferKiB = 16 * 1024
    /// Whether to see frames that are for others.
    public var promiscuous = true
    /// Which frames of an interface.
    public var direction = LiveCapture.Direction.both
    /// The link type to ask the interface for.
    public var linkType: LinkType?
    /// Stop after so many frames.
    public var packetLimit: UInt64?
    /// Stop after so many connections have ended.
    public var connectionLimit: UInt64?
    /// Stop after so many seconds (live).
    public var duration: Double?
    /// Whether to verify checksums.
    public var verifiesChecksums = false
    /// Whether to read the kernel's socket tables; on replay, what capture files say of them.
    public var usesKernel = true
    /// Whether to look up the processes behind the sockets; on replay, to heed those that capture files name.
    public var usesProcesses = true
    /// Which connections are shown.
    public var selection = ConnectionSelection()
    /// Whether connections are chosen by their processes.
    public var selectsProcesses: Bool { selection.choosesProcesses }
    /// Findings that make the trace fail; the exit code is then 3.
    public var failOn: Set<FindingCode> = []
    /// Whether the end of a live trace tells how many kernel events there were, and every counter of the host that moved, not only
    /// those that explain trouble.
    public var tellsAllCounters = false
    /// The user to become once everything is open (`-Z`); nil: who called sudo, if anybody did.
    public var user: String?
    /// Who looks up names of hosts and services; nil: nobody.
    public var names: NameLookup?
    /// Whether a live trace's output keeps to the width of the terminal that it goes to, also when that is resized.
    public var fitsTerminal = false
    /// The command to run and to trace alone; empty: none.
    public var command: [String] = []
    /// File to write the frames to.
    public var output: String?

    /// Threads that a replay is divided among; nil = as many as there are processors. The results do not depend on it.
    public var workers: Int?
    /// Connections to keep in memory at most, in a replay; nil = as many as there is memory for.
    public var trackedLimit: Int?
    /// The same in a live trace, those included that ended and are kept for late segments and their TIME_WAIT.
    public var liveTrackedLimit = TraceOptions.defaultFullTrackedLimit

    /// The machine's memory in octets.
    private static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// As many connections as fill half of the machine's memory where nothing but the table is kept of each, and never fewer than
    /// 100 000. 512 octets are more than a connection takes with its share of the table, even while that grows.
    static var defaultTrackedLimit: Int { max(100_000, memory / 2 / 512) }

    /// The same where statistics, what findings need and the rows of a timeline are kept with each, or, live, the kernel's view: 8 KiB
    /// are more than that.
    static var defaultFullTrackedLimit: Int { max(100_000, memory / 2 / 8192) }

    /// As many rows of a text timeline's blocks as fill a quarter of the machine's memory.
    public static var defaultRowLimit: Int { max(100_000, memory / 4 / TextTimelineReport.rowSize) }

    /// As many octets of records that wait for a connection to be chosen as an eighth of the machine's memory: buffers are up to
    /// twice as large as what is in them.
    public static var defaultHeldOctets: Int { memory / 8 }

    /// As many octets for texts that wait to be shown, and for what is written of them, as a third of the machine's memory: `ExcerptRoom`
    /// counts both.
    public static var defaultExcerptOctets: Int { memory / 3 }

    /// The defaults.
    public init() {}

    /// The exit code when a finding of `failOn` was made.
    public static let failedStatus: Int32 = 3

    /// The filter that is in force, for people.
    public var effectiveFilter: String { filter.isEmpty ? "tcp" : filter }

    /// What interfaces are to let through. Without a filter that is more than `tcp`, which looks for TCP right behind an IPv6 header or a
    /// fragment's alone (pcap-filter(7)): it may stand behind other extension headers (RFC 8200 4.1), of which that of hop-by-hop options
    /// mostly has ICMP behind it. TCP's own frames are compared with no more than before.
    public var captureFilter: String {
        guard filter.isEmpty else { return filter }
        return "tcp or (ip6[6] = 0 and ip6[40] != 58) or ip6[6] = 43 or (ip6[6] = 44 and ip6[40] = 60) or ip6[6] = 51"
            + " or ip6[6] = 60"
    }
}

/// Why a trace could not begin or go on.
public enum TraceError: Error, Sendable {
    /// The interface, or the filter.
    case capture(CaptureError)
    /// The capture file.
    case file(CaptureFileError)
    /// The file being written.
    case output(CaptureWriteError)
    /// The command after `--` cannot be run; a sentence, and the exit code that a shell would give.
    case command(String, code: Int32)
    /// Privileges cannot be given up as asked; a sentence.
    case privileges(String)
    /// The system refused a descriptor that the trace needs (errno).
    case system(what: String, code: Int32)

    /// Whether who reads the frames (`-w -`) has gone: a request to stop, and no failure.
    var isClosedPipe: Bool { if case .output(let error) = self { error.isClosedPipe } else { false } }

    /// The exit code.
    var exitCode: Int32 { if case .command(_, let code) = self { code } else { 1 } }

    /// What to tell the user, remedy included. `command` is the command line as typed, `executable` the program's file.
    public func explanation(command: String, executable: String) -> String {
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
