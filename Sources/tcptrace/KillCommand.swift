// The arguments of `tcptrace kill`.

import ArgumentParser
import TraceSession

/// Ends the process that holds a port.
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "End the process that holds a port, or one connection, and show what becomes of the sockets.",
        usage: "tcptrace kill [<options>] [<filter> ...]",
        discussion: """
            Shows the process and its sockets and asks before anything is ended. `port N` is the process's own port; the \
            holder of the listening socket is meant unless --pid or --all says otherwise. With --connection no process is \
            ended but a single socket (SOCK_DESTROY; any as root, otherwise one's own), after saying what that does to both ends.

            Examples:
              tcptrace kill 9500
              tcptrace kill port 9500 --signal KILL --yes
              tcptrace kill --connection --dry-run 127.0.0.1:9500 127.0.0.1:46516
            """)

    @Option(help: ArgumentHelp("The port, as in the words `port N`.", valueName: "port"))
    var port: UInt16?
    @Option(help: ArgumentHelp("End this one of several holders.", valueName: "pid"))
    var pid: Int32?
    @Flag(help: "End all holders, clients too.")
    var all = false
    @Flag(help: "End a connection, not a process: words as above, or LOCAL:PORT REMOTE:PORT.")
    var connection = false
    @Flag(
        name: .customLong("dry-run"),
        help: "Say what would be ended or, with --connection, what ending it would do; end nothing.")
    var dryRun = false
    @Option(
        help: ArgumentHelp(
            "Look in this network namespace: a name (ip netns), a process, or a path.", valueName: "namespace"))
    var netns: String?
    @Flag(name: [.long, .customShort("y")], help: "Do not ask.")
    var yes = false
    @Option(
        name: [.long, .customShort("s")],
        help: ArgumentHelp("The signal, by name or number; TERM by default.", valueName: "signal"))
    var signal: String?
    @Argument(help: ArgumentHelp("The port, or filter words as of `tcptrace sockets`.", valueName: "filter"))
    var words: [String] = []

    func run() throws {
        BorrowedPowers.takeUp()
        if let netns, !NetworkNamespace.enter(netns) { throw ExitCode(1) }
        throw ExitCode(KillRun.run(try request()))
    }

    func validate() throws { _ = try request() }

    /// The filter words for `LOCAL:PORT REMOTE:PORT` (`[::1]:9500`), or for the local end alone; nil if the words have
    /// another form.
    static func filterWords(ends: [String]) -> [String]? {
        guard (1...2).contains(ends.count) else { return nil }
        var words: [String] = []
        for (end, side) in zip(ends, ["src", "dst"]) {
            guard let colon = end.lastIndex(of: ":"), UInt16(end[end.index(after: colon)...]) != nil else { return nil }
            var host = end[..<colon]
            if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard !host.isEmpty else { return nil }
            if !words.isEmpty { words.append("and") }
            words += [side, "host", String(host), "and", side, "port", String(end[end.index(after: colon)...])]
        }
        return words
    }

    /// Turns the arguments into a request; throws a usage error that names the wrong word.
    func request() throws -> KillRequest {
        var words = words
        if words.count == 1, UInt16(words[0]) != nil { words.insert("port", at: 0) }
        if let port { words = ["port", "\(port)"] + (words.isEmpty ? [] : ["and", "("] + words + [")"]) }
        if words.isEmpty, let pid { words = ["pid", "\(pid)"] }
        guard !words.isEmpty else { throw ValidationError("which process? Give a port: tcptrace kill 9500") }
        guard let number = SignalName.number(of: signal ?? "TERM") else {
            throw ValidationError("--signal: '\(signal ?? "")' is not a signal; examples: TERM, KILL, INT, 9")
        }
        if connection {
            if signal != nil {
                throw ValidationError("--signal is for processes; --connection ends a socket without a signal")
            }
            words = Self.filterWords(ends: words) ?? words
        }
        do {
            let filter = try SocketFilter(words: words, portsAreLocal: true)
            var request = KillRequest(filter: filter, subject: words.joined(separator: " "))
            request.pid = pid
            request.endsConnections = connection
            request.isDryRun = dryRun
            request.all = all
            request.assumeYes = yes
            request.signal = number
            return request
        } catch {
            throw ValidationError(error.description)
        }
    }
}
