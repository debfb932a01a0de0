// The command line of lab-server, and its exit codes; LabTraffic does the work.

public import ArgumentParser
public import LabTraffic

extension ServerMode: ExpressibleByArgument {}

/// The lab's server as a program.
@main
struct LabServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab-server",
        abstract: "The networking lab's server: prints the lines of its clients and answers them.",
        discussion: """
            Serves one client at a time, and then, as in the lab, forgets to close its socket: the client is left \
            in FIN_WAIT_2 and the server in CLOSE_WAIT. --close or --mode threaded closes.

            A message is a line, a Java writeUTF, or bytes followed by 200 ms of silence; a line of over 64 KiB comes \
            in pieces. The answer is "server: " and the message. "fin" (any case) is not answered and ends the \
            conversation.
            """,
        version: "0.1.0"
    )

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(
        name: .shortAndLong, parsing: .unconditional, help: "The port to listen on; 0 picks a free one and prints it.",
        transform: { try portNumber($0, from: 0) })
    var port: UInt16 = 9500
    @Option(name: .shortAndLong, help: "sequential: one client at a time; threaded: a thread for each.")
    var mode = ServerMode.sequential
    @Option(
        parsing: .unconditional,
        help: "After accepting a client, read nothing for this many seconds: its data stays in Recv-Q.")
    var hold = 0.0
    @Flag(help: "Sequential: close the socket of a client that has gone.")
    var close = false
    @Option(parsing: .unconditional, help: "Wait this many seconds before closing (implies --close).")
    var slowClose: Double?
    @Option(
        parsing: .unconditional,
        help:
            "After \"fin\", wait at most this many seconds for the client's FIN before closing; with 0 it closes first (lab-client: --slow-close 0.3)."
    )
    var finWait = 0.5
    @Option(parsing: .unconditional, help: "The backlog of listen(2).")
    var backlog: Int32 = 10
    @Flag(help: "Close with a RST: SO_LINGER with time 0 (implies --close).")
    var linger0 = false
    @Flag(
        help:
            "After the last message send our FIN first, read on until the client closes, then close (implies --close).")
    var halfClose = false
    @Flag(inversion: .prefixedNo, help: "SO_REUSEADDR: listen although old connections are in TIME_WAIT.")
    var reuseAddress = true
    @Flag(inversion: .prefixedNo, help: "Answer messages; without, only print them.")
    var echo = true
    @Option(help: "Send this line just before closing.")
    var farewell: String?
    @Option(help: "Write the port and a line end to this descriptor once listening, and close it (1 and 2 stay open).")
    var readyFd: Int32?
    @Flag(help: "Allow an address that other machines can reach.")
    var allowRemote = false
    /// No words are expected; they are accepted so that an error can suggest the intended option.
    @Argument(help: .hidden)
    var words: [String] = []

    static func main() {
        Console.prepare(program: "lab-server")
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Console.end(saying: fullMessage(for: error), code: exitCode(for: error).rawValue)
        }
    }

    func validate() throws {
        for (name, seconds) in [("--hold", hold), ("--slow-close", slowClose ?? 0), ("--fin-wait", finWait)]
        where !(0...86400).contains(seconds) {
            throw ValidationError("\(name) is in seconds, from 0 to 86400.")
        }
        if backlog < 0 { throw ValidationError("--backlog must not be negative.") }
        if let readyFd, readyFd < 1 {
            throw ValidationError("--ready-fd must be a descriptor open for writing, 1 or more.")
        }
    }

    /// Rejects words without an option. The parser looks for misspelt options only after `validate`, where their values
    /// would be among these words.
    private func checkWords() throws {
        guard let word = words.first else { return }
        let shown = "Unexpected argument '\(word)'."
        guard UInt16(word) == nil else { throw ValidationError("\(shown) Did you mean '--port \(word)'?") }
        let isHost = word.contains(where: { $0 == "." || $0 == ":" }) || word == "localhost"
        throw ValidationError(isHost ? "\(shown) Did you mean '--host \(word)'?" : shown)
    }

    func run() throws {
        try checkWords()
        Console.exitQuietlyOnSignals()
        var options = ServerOptions()
        options.host = host
        options.port = port
        options.mode = mode
        options.hold = .seconds(hold)
        options.closes = close || slowClose != nil
        options.slowClose = .seconds(slowClose ?? 0)
        options.finWait = .seconds(finWait)
        options.backlog = backlog
        options.lingerZero = linger0
        options.halfClose = halfClose
        options.reuseAddress = reuseAddress
        options.replies = echo
        options.farewell = farewell
        options.readyDescriptor = readyFd
        options.allowsRemote = allowRemote
        do throws(LabError) {
            var server = try LabServer(options)
            try server.run()
        } catch {
            Console.problem(error.description)
            throw error.isUsage ? ExitCode.validationFailure : .failure
        }
    }
}
