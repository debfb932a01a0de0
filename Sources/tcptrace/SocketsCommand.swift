// The arguments of `tcptrace sockets`.

public import ArgumentParser
import Glibc
import TCPModel
import TimelineReport
import TraceSession

/// The netstat view.
struct SocketsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sockets",
        abstract: "List this host's TCP sockets, their states and the processes that hold them.",
        discussion: """
            The letters of Windows' netstat work: -an, -ano (pid only), -anob (pid and program, the default); Linux \
            netstat's -anp and -tulpn too, and ss's -tlnp for listening sockets (-u: only TCP is listed).

            Filter words: N or port N, src port N (the socket's own end), dst port N (the peer's), host ADDRESS, pid N, \
            joined with and, or, not and parentheses.

            Examples:
              tcptrace sockets -a port 9500
              tcptrace sockets --state close-wait,fin-wait-2 --watch
              tcptrace sockets -i dst port 443
              tcptrace sockets -a -T json port 9500 | jq .state
            """)

    @Flag(name: .customShort("n"), help: "Numbers, no names. This is the default.")
    var numeric = false
    @Flag(name: [.customShort("a"), .customLong("all")], help: "List listening sockets too.")
    var all = false
    @Flag(name: .customShort("l"), help: "Listening sockets only.")
    var listening = false
    @Flag(name: .customShort("t"), help: "TCP only. It always is.")
    var tcpOnly = false
    @Flag(name: .customShort("u"), help: "UDP too, as in netstat: UDP is not listed, as a message says.")
    var udp = false
    @Flag(name: .customShort("o"), help: "Show the pid only (with -b or -p: the program too).")
    var pidColumn = false
    @Flag(name: [.customShort("b"), .customShort("p")], help: "Show pid and program. This is the default.")
    var programColumn = false
    @Flag(name: .short, help: "Add a line per process: user, descriptor, executable, container or unit.")
    var verbose = false
    @Flag(
        name: [.customShort("i"), .customLong("info")],
        help: "Add what the kernel measures: timers, round trips, windows, retransmissions, what holds up sending.")
    var info = false
    @Option(
        help: ArgumentHelp("Only these states, in any spelling.", valueName: "state,..."), completion: Completion.states
    )
    var state: [String] = []
    @Option(
        name: [.customShort("T"), .long], help: "How the list is written: text, csv or json (one object per line).")
    var format = SocketsRequest.Format.text
    @Option(
        name: .long, defaultAsFlag: "1", parsing: .next,
        help: ArgumentHelp("List again every so many seconds (default: 1) until Ctrl-C.", valueName: "seconds"))
    var watch: String?
    @Option(
        help: ArgumentHelp(
            "List the sockets of this network namespace: a name (ip netns), a process, or a path.",
            valueName: "namespace"))
    var netns: String?
    @Flag(name: [.customLong("no-header"), .customShort("H")], help: "Leave out the column titles.")
    var noHeader = false
    @Option(
        help: ArgumentHelp(
            "Cut programs' names, and break the lines of -i, so that they fit this many columns.", valueName: "columns")
    )
    var width: Int?
    @Argument(help: ArgumentHelp("Filter words.", valueName: "filter"))
    var words: [String] = []

    func run() throws {
        if udp { StandardStreams.complain("-u: only TCP sockets are listed; ss -u lists UDP's") }
        BorrowedPowers.takeUp()
        if let netns, !NetworkNamespace.enter(netns) { throw ExitCode(1) }
        throw ExitCode(SocketsRun.run(try request()))
    }

    func validate() throws { _ = try request() }

    /// Turns the arguments into a request; throws a usage error that names the wrong word.
    func request() throws -> SocketsRequest {
        var words = words
        var interval: Double?
        if let watch {
            if let seconds = Double(watch), seconds.isFinite {
                guard seconds >= 0.01 && seconds <= 1_000_000 else {
                    throw ValidationError("--watch \(watch): the interval must be from 0.01 to 1000000 seconds")
                }
                interval = seconds
            } else {
                // `--watch port 9500`: what follows is a filter word, not the seconds.
                words.insert(watch, at: 0)
                interval = 1
            }
        }
        // As for `kill`.
        if words.count == 1, UInt16(words[0]) != nil { words.insert("port", at: 0) }
        var request: SocketsRequest
        do {
            request = SocketsRequest(filter: try SocketFilter(words: words))
        } catch {
            throw ValidationError(error.description)
        }
        request.states = Set(try TCPState.states(namedIn: state))
        if let width, width < 1 { throw ValidationError("--width \(width): at least 1 column is needed") }
        if listening { request.states.insert(.listen) }
        request.includesListeners = all
        request.format = format
        request.holderColumn = pidColumn && !programColumn ? .pid : .pidAndProgram
        request.hasHeader = !noHeader
        request.isVerbose = verbose
        request.wantsDetails = info
        request.width = width
        request.interval = interval
        return request
    }
}

extension SocketsRequest.Format: ExpressibleByArgument {}
