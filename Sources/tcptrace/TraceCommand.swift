// The arguments of the trace itself: tcpdump's letters first, then ours.

import ArgumentParser
import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport
import TraceSession

/// `tcptrace [options] [filter words]`.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Trace TCP: both endpoints' states, the kernel's view and the processes, on one timeline.",
        usage: """
            tcptrace [-i interface ...] [options] [filter words]
            tcptrace -r file ... [options] [filter words]
            tcptrace [-i interface ...] [options] [filter words] -- command ...
            tcptrace sockets | kill | lab | doctor | explain ...
            """,
        discussion: """
            Filter words are pcap-filter(7)'s: `port 9500`, `host 10.0.0.1 and not port 22`. \
            Letters are tcpdump's, and may be joined: -nni lo. After -- comes a command to run, whose connections \
            alone are shown. Not Ostermann's tcptrace of the same name.

            Verbs, each with its own --help:
              sockets   list TCP sockets and who holds them
              kill      end the process that holds a port, or one connection
              explain   what a finding, a state, a flag or an errno means
              doctor    what this machine allows
              lab       a guided tour, with a server and a client of its own
            """)

    @Option(
        name: .customShort("i"),
        help: ArgumentHelp(
            "Interface to capture on, by name or its number in -D; repeat for several, `any` for all.",
            valueName: "interface"), completion: Completion.interfaces)
    var interfaces: [String] = []
    @Option(
        name: .customShort("r"),
        help: ArgumentHelp(
            "Read a pcap, pcapng or snoop file, - for standard input; repeatable: files are ordered by their first frames' times.",
            valueName: "file"),
        completion: .file())
    var files: [String] = []
    @Option(
        name: .customShort("V"),
        help: ArgumentHelp("Read the capture files that this file lists, one per line.", valueName: "file"),
        completion: .file())
    var list: String?
    @Option(
        name: .customShort("w"),
        help: ArgumentHelp(
            "Write the frames too: pcapng, with the kernel's view, or pcap if the name ends in .pcap.",
            valueName: "file"), completion: .file())
    var output: String?
    @Option(
        name: .customShort("c"), parsing: .unconditional,
        help: ArgumentHelp("Stop after this many packets.", valueName: "count"),
        transform: { try Self.count($0, of: "packet") })
    var count: UInt64?
    @Option(
        name: .customShort("s"), parsing: .unconditional,
        help: ArgumentHelp("Octets to keep of each frame; 0 = all (\(TraceOptions.wholeFrame)).", valueName: "snaplen"))
    var snapshotLength: Int?
    @Option(
        name: .customShort("B"), parsing: .unconditional,
        help: ArgumentHelp("Size of the kernel's buffer in KiB.", valueName: "KiB"))
    var bufferKiB: Int?
    @Flag(name: .customShort("p"), help: "Do not put the interface into promiscuous mode.")
    var notPromiscuous = false
    @Option(
        name: .customShort("Q"),
        help: ArgumentHelp("Live: only frames in this direction: in, out or inout.", valueName: "direction"),
        completion: Completion.directions)
    var direction: String?
    @Option(name: .customShort("y"), help: ArgumentHelp("Link type to capture with (see -L).", valueName: "type"))
    var linkType: String?
    @Option(
        name: .customShort("F"), help: ArgumentHelp("Read the filter from this file.", valueName: "file"),
        completion: .file())
    var filterFile: String?
    @Option(
        name: .customShort("Z"),
        help: ArgumentHelp(
            "Become this user once everything is open; root keeps all privileges.", valueName: "user"))
    var user: String?
    @Option(
        help: ArgumentHelp(
            "Trace in this network namespace: a name (ip netns), a process, or a path.", valueName: "namespace"))
    var netns: String?
    @Flag(name: .customShort("D"), help: "List the interfaces and end.")
    var listInterfaces = false
    @Flag(name: .customShort("L"), help: "List the interface's link types and end.")
    var listLinkTypes = false
    @Flag(name: .customShort("d"), help: "Print the compiled filter and end.")
    var dumpFilter = false
    @Flag(name: .customLong("count"), help: "Print only the number of packets.")
    var countOnly = false
    @Flag(name: .customShort("q"), help: "One line per connection.")
    var quiet = false
    @Flag(help: "Statistics for both directions after each connection, named as in classic tcptrace -l.")
    var long = false
    @Flag(name: .customShort("v"), help: "More: every segment (-v), options and windows (-vv), why each state (-vvv).")
    var verbosity: Int
    @Flag(name: .customShort("A"), help: "Every segment, with its payload under it, as ASCII.")
    var asciiText: Int
    @Flag(name: .customShort("x"), help: "The same in hexadecimal.")
    var hexText: Int
    @Flag(name: .customShort("X"), help: "The same in hexadecimal and ASCII.")
    var hexAndASCIIText: Int
    @Flag(name: .customShort("e"), help: "Every segment, with its frame's link header under it.")
    var linkHeaders = false
    @Flag(
        name: .customShort("t"),
        help: "Time column: none (-t), epoch (-tt), since the start (-ttt, -ttttt), date (-tttt).")
    var time: Int
    @Flag(name: .customShort("S"), help: "Sequence numbers as on the wire.")
    var rawSequence = false
    @Flag(name: .long, help: "Time stamps in nanoseconds.")
    var nano = false
    @Flag(name: .long, help: "Time stamps in microseconds. This is the default.")
    var micro = false
    @Option(
        name: .customShort("T"),
        help: ArgumentHelp(
            "Output format: text, html (a page of ladders), mermaid (diagrams in Markdown), json (one object per line), "
                + "zeek (conn.log) or csv.", valueName: "format"), completion: Completion.formats)
    var format = OutputFormat.text.rawValue
    @Option(
        help: ArgumentHelp(
            "With -T json: state (the default), or packet for a record of every segment too.", valueName: "event,..."),
        completion: Completion.events)
    var events: [String] = []
    @OptionGroup var page: PageOptions
    @Flag(help: "Draw with ASCII characters only.")
    var ascii = false
    @Flag(name: .customLong("no-header"), help: "With -q and -T csv: no column titles.")
    var noHeader = false
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Stop after this many connections have ended.", valueName: "count"),
        transform: { try Self.count($0, of: "connection") })
    var connections: UInt64?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Threads to replay with, instead of one per processor.", valueName: "count"))
    var workers: Int?
    @Option(
        name: .customLong("max-connections"), parsing: .unconditional,
        help: ArgumentHelp(
            "Connections to keep in memory at most; the least useful are given up first.", valueName: "count"))
    var maxConnections: Int?
    @Option(parsing: .unconditional, help: ArgumentHelp("Stop after this many seconds.", valueName: "seconds"))
    var duration: Double?
    @Option(
        help: ArgumentHelp(
            "Show only connections with an endpoint in these states, in any spelling.", valueName: "state,..."),
        completion: Completion.states)
    var state: [String] = []
    @Option(
        help: ArgumentHelp("Show only connections with these outcomes.", valueName: "outcome,..."),
        completion: Completion.outcomes)
    var outcome: [String] = []
    @Option(help: ArgumentHelp("Show only connections of this process.", valueName: "pid"))
    var pid: [Int32] = []
    @Option(help: ArgumentHelp("Show only connections of processes of this name.", valueName: "name"))
    var pname: [String] = []
    @Option(
        name: .customLong("fail-on"),
        help: ArgumentHelp(
            "Exit with 3 if one of these findings is made: codes (see tcptrace explain), note, warning, error or any.",
            valueName: "code,..."), completion: Completion.findings)
    var failOn: [String] = []
    @Flag(name: .customLong("verify-checksums"), help: "Verify the checksums of wholly captured segments.")
    var verifyChecksums = false
    @Flag(
        name: .customLong("no-kernel"),
        help: "Read neither the kernel's socket tables and events nor those recorded in a file.")
    var noKernel = false
    @Flag(name: .customLong("no-process"), help: "Neither look up processes nor show those in a file.")
    var noProcess = false
    @Flag(help: "Show the names of hosts and services beside the addresses (with -q in their place); names may lie.")
    var resolve = false
    // Options that tcpdump users habitually type, and that are the default here.
    @Flag(name: .customShort("n"), help: "Numbers, no names. This is the default.")
    var numeric: Int
    @Flag(name: .customShort("l"), help: "Line buffering. Live output always is.")
    var lineBuffered = false
    @Flag(name: .customShort("U"), help: "Packet buffering of -w. Live output always is.")
    var packetBuffered = false
    @Flag(name: .customLong("immediate-mode"), help: "Packets as soon as they come. They always do.")
    var immediate = false
    @Flag(name: .customLong("print"), help: "Print while writing with -w. This is the default.")
    var alsoPrint = false
    @Flag(name: [.customShort("#"), .customLong("number")], help: "Frame numbers. They are always there.")
    var numbers = false
    @Flag(name: [.customShort("K"), .customShort("O"), .customShort("N"), .customShort("f")], help: .hidden)
    var ignoredHabits: Int

    // The words after `--`, in the form produced by TcpdumpArguments.
    @Option(name: .customLong("command-word"), parsing: .unconditionalSingleValue, help: .hidden)
    var commandWords: [String] = []

    @Argument(
        help: ArgumentHelp("pcap-filter(7) words; none means every TCP segment.", valueName: "filter"),
        completion: .file())
    var words: [String] = []

    /// Parses a number of packets or connections after which to stop.
    private static func count(_ text: String, of what: String) throws -> UInt64 {
        if let number = UInt64(text), number > 0 { return number }
        throw ValidationError("count at least one \(what)")
    }

    func validate() throws { _ = try TraceRequest(self, readsFiles: false) }

    func run() throws {
        if let netns {
            BorrowedPowers.takeUp()
            guard NetworkNamespace.enter(netns) else { throw ExitCode(1) }
            BorrowedPowers.layDown()
        }
        if listInterfaces {
            BorrowedPowers.takeUp()
            throw ExitCode(CaptureListings.interfaces())
        }
        // Before any file is opened whose content may have been chosen by others.
        if !files.isEmpty || list != nil, !PrivilegeGate.giveUp(user: user) { throw ExitCode(1) }
        let request = try TraceRequest(self, readsFiles: true)
        // The only word may be a file, too.
        if !request.options.files.isEmpty {
            guard PrivilegeGate.giveUp(user: user) else { throw ExitCode(1) }
        } else if listLinkTypes || dumpFilter {
            BorrowedPowers.takeUp()
        }
        if listLinkTypes { throw ExitCode(CaptureListings.linkTypes(of: request.options.interfaces.first ?? "any")) }
        if dumpFilter { throw ExitCode(CaptureListings.program(of: request.options)) }
        throw ExitCode(request.run())
    }
}
