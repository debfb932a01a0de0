// The program: its verbs, and the trace itself if no verb is given.

import ArgumentParser
import Glibc
import TCPModel
import TimelineReport
import TraceSession

/// `tcptrace`.
@main
struct TCPTraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tcptrace",
        abstract:
            "Trace TCP handshakes: both endpoints' states, the kernel's view and the processes, on one timeline.",
        discussion: """
            tcptrace -i lo port 9500          trace live (as root)
            tcptrace -r capture.pcapng        read a capture file
            tcptrace lab                      a guided tour with a server and a client of its own
            Not Ostermann's tcptrace of the same name.
            """,
        version: TraceOptions.tool + " (not Ostermann's tcptrace)",
        subcommands: [
            TraceCommand.self, SocketsCommand.self, KillCommand.self, LabCommand.self, DoctorCommand.self,
            ExplainCommand.self,
        ],
        defaultSubcommand: TraceCommand.self)

    /// Tcpdump's notation (combined letters, values joined to their letter) is first converted to the parser's form.
    static func main() {
        StandardStreams.occupyClosedDescriptors()
        BorrowedPowers.layDown()
        // The reader of our output may stop at any time, even during a usage error.
        signal(SIGPIPE, SIG_IGN)
        // Exceeding the file size limit (ulimit -f) is then reported as an error (EFBIG), after the results so far.
        signal(SIGXFSZ, SIG_IGN)
        // Swift's runtime finds the arguments through /proc/self/maps; without it there are none, not even the
        // program's name. A trace of everything is not what was requested.
        guard !CommandLine.arguments.isEmpty else {
            StandardStreams.complain("the command line cannot be read: /proc is not mounted here, or not readable")
            Glibc.exit(1)
        }
        let (words, refusal) = TcpdumpArguments.normalized(Array(CommandLine.arguments.dropFirst()))
        if let refusal {
            StandardStreams.complain(refusal)
            Glibc.exit(EX_USAGE)
        }
        do {
            var command = try parse(words: words)
            try command.run()
        } catch {
            Glibc.exit(end(error, words))
        }
    }

    /// Parses and checks a command. The words must be in the form produced by `TcpdumpArguments`.
    static func parse(words: [String]) throws -> any ParsableCommand {
        // Without a verb, help is about the trace, whose options are what people look for.
        if let first = words.first, ["-h", "--help", "help"].contains(first), words.count == 1 {
            throw CleanExit.helpRequest(TraceCommand.self)
        }
        return try parseAsRoot(words)
    }

    /// The verbs that users type.
    private static var completedVerbs: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }.filter { $0 != "trace" } + ["help"]
    }

    /// Reports why the program ends, if there is anything to report; returns the exit code.
    private static func end(_ error: any Error, _ words: [String]) -> Int32 {
        let code = exitCode(for: error)
        var text = fullMessage(for: error)
        if code == .validationFailure, let complaint = UnknownOption.complaint(about: words) {
            // The parser's usage text below it is kept.
            text = _errorPrefix + complaint + text.dropFirst(_errorPrefix.count + message(for: error).count)
        }
        if code.isSuccess && text.hasPrefix("#!/bin/bash\n") { text = Completion.bash(text, verbs: completedVerbs) }
        // The verb `trace` is not meant to be typed.
        if !code.isSuccess { text = text.replacing("See 'tcptrace trace --help' ", with: "See 'tcptrace --help' ") }
        // It contains words as typed, which may hold anything.
        if !code.isSuccess { text = harmless(text) }
        guard !text.isEmpty else { return code.rawValue }
        var buffer = OutputBuffer()
        buffer.append(text: text)
        if !text.hasSuffix("\n") { buffer.newline() }
        if code.isSuccess { return StandardStreams.writeResults(&buffer) }
        StandardStreams.writeErrors(&buffer)
        return code.rawValue
    }
}
