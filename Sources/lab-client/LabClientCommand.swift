// The command line of lab-client, and its exit codes; LabTraffic does the work.

import ArgumentParser
import LabTraffic

/// The lab's client as a program.
@main
struct LabClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab-client",
        abstract: "The networking lab's client: sends lines from the keyboard until \"fin\", and prints the answers.",
        discussion: """
            "fin" (any case) is sent, then the connection is closed; so it is at the end of input. A line of over \
            64 KiB is sent in pieces. It waits briefly for an answer before it sends the next line; after three lines \
            without an answer it stops waiting.
            """,
        version: "0.1.0"
    )

    @Argument(help: ArgumentHelp("The server's address (default: 127.0.0.1).", valueName: "host"))
    var hostArgument: String?
    @Argument(
        help: ArgumentHelp("The server's port (default: 9500).", valueName: "port"),
        transform: { try portNumber($0) })
    var portArgument: UInt16?
    @Option(name: .long, help: "The server's address.")
    var host: String?
    @Option(
        name: .shortAndLong, parsing: .unconditional, help: "The server's port.", transform: { try portNumber($0) })
    var port: UInt16?
    @Option(
        parsing: .unconditional, help: "Bind this local port before connecting.",
        transform: { try portNumber($0) })
    var sourcePort: UInt16?
    @Option(
        parsing: .unconditional,
        help: "Give up connecting after this many seconds; without it, the kernel's SYN retries decide.")
    var connectTimeout: Double?
    @Option(
        parsing: .unconditional,
        help:
            "After this many seconds of silence, and then at this interval, check that the server is still there (SO_KEEPALIVE)."
    )
    var keepAlive: Int32?
    @Option(parsing: .unconditional, help: "Stay connected and silent this many seconds before the first line.")
    var hold = 0.0
    @Option(parsing: .unconditional, help: "Wait this many seconds between lines.")
    var delay = 0.0
    @Option(parsing: .unconditional, help: "Wait at most this many seconds for the answer to a line.")
    var replyWait = 0.5
    @Flag(help: "Do not wait for answers before the next line (they are still printed); the same as --reply-wait 0.")
    var noReply = false
    @Option(parsing: .unconditional, help: "Stay connected this many seconds after the last line before closing.")
    var slowClose = 0.0
    @Flag(help: "After the last line send our FIN, read on until the server closes, then close.")
    var halfClose = false
    @Flag(help: "Close with a RST: SO_LINGER with time 0.")
    var linger0 = false

    static func main() {
        Console.prepare(program: "lab-client")
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Console.end(saying: fullMessage(for: error), code: exitCode(for: error).rawValue)
        }
    }

    func validate() throws {
        let times = [
            ("--connect-timeout", connectTimeout ?? 1), ("--hold", hold), ("--delay", delay),
            ("--reply-wait", replyWait),
            ("--slow-close", slowClose),
        ]
        for (name, seconds) in times where !(0...86400).contains(seconds) {
            throw ValidationError("\(name) is in seconds, from 0 to 86400.")
        }
        if let connectTimeout, connectTimeout < 0.001 {
            throw ValidationError("--connect-timeout must be at least 0.001 seconds.")
        }
        // The kernel's limits for TCP_KEEPIDLE.
        if let keepAlive, !(1...32767).contains(keepAlive) {
            throw ValidationError("--keep-alive is in whole seconds, from 1 to 32767.")
        }
    }

    /// Checks positional arguments. The parser looks for misspelt options only after `validate`; in there, the value of
    /// such an option would be mistaken for a host.
    private func checkPlaces() throws {
        // The old notation of an address as a single number (9500 is 0.0.37.28) is never meant here.
        if let name = host ?? hostArgument, !name.isEmpty, name.allSatisfy(\.isNumber) {
            throw ValidationError("\(name) is not a host; the port comes second, or after --port: 127.0.0.1 \(name).")
        }
        if host != nil, port == nil, portArgument == nil, let number = hostArgument, UInt16(number) != nil {
            throw ValidationError("The host is given with --host; give the port with --port \(number), too.")
        }
        if host != nil, hostArgument != nil { throw ValidationError("The host is given twice.") }
        if port != nil, portArgument != nil { throw ValidationError("The port is given twice.") }
    }

    func run() throws {
        try checkPlaces()
        var options = ClientOptions()
        options.host = host ?? hostArgument ?? options.host
        options.port = port ?? portArgument ?? options.port
        options.sourcePort = sourcePort
        options.connectTimeout = connectTimeout.map { .seconds($0) }
        options.keepAlive = keepAlive
        options.hold = .seconds(hold)
        options.delay = .seconds(delay)
        options.replyWait = noReply ? .zero : .seconds(replyWait)
        options.slowClose = .seconds(slowClose)
        options.halfClose = halfClose
        options.lingerZero = linger0
        do throws(LabError) {
            try LabClient(options).run()
        } catch {
            Console.problem(error.description)
            throw ExitCode(1)
        }
    }
}
