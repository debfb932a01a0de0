// The arguments of `tcptrace kill`.

import ArgumentParser
import TraceSession

/// Ends the process that holds a port.
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "End the process that holds a port, and show what becomes of its sockets.",
        discussion: """
            Shows the process and its sockets and asks before anything is ended. `port N` is the process's own port; the
            holder of the listening socket is meant unless --pid or --all says otherwise.

            Examples:
              tcptrace kill 9500
              tcptrace kill port 9500 --signal KILL --yes
            """)

    @Option(help: ArgumentHelp("The port, as in the words `port N`.", valueName: "port"))
    var port: UInt16?
    @Option(help: ArgumentHelp("End this one of several holders.", valueName: "pid"))
    var pid: Int32?
    @Flag(help: "End all holders, clients too.")
    var all = false
    @Flag(name: [.long, .customShort("y")], help: "Do not ask.")
    var yes = false
    @Option(
        name: [.long, .customShort("s")], help: ArgumentHelp("The signal, by name or number.", valueName: "signal"))
    var signal = "TERM"
    @Argument(help: ArgumentHelp("The port, or filter words as of `tcptrace sockets`.", valueName: "filter"))
    var words: [String] = []

    func run() throws { throw ExitCode(KillRun.run(try request())) }

    func validate() throws { _ = try request() }

    /// The request that the arguments make, or a usage error that names the wrong word.
    func request() throws -> KillRequest {
        var words = words
        if words.count == 1, UInt16(words[0]) != nil { words.insert("port", at: 0) }
        if let port { words = ["port", "\(port)"] + (words.isEmpty ? [] : ["and", "("] + words + [")"]) }
        if words.isEmpty, let pid { words = ["pid", "\(pid)"] }
        guard !words.isEmpty else { throw ValidationError("which process? Give a port: tcptrace kill 9500") }
        guard let number = SignalName.number(of: signal) else {
            throw ValidationError("--signal: '\(signal)' is no signal; examples: TERM, KILL, INT, 9")
        }
        do {
            let filter = try SocketFilter(words: words, portsAreLocal: true)
            var request = KillRequest(filter: filter, subject: words.joined(separator: " "))
            request.pid = pid
            request.all = all
            request.assumeYes = yes
            request.signal = number
            return request
        } catch {
            throw ValidationError(error.description)
        }
    }
}
