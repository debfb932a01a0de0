// The program: verbs, and the trace itself when no verb is named.

import ArgumentParser
import Glibc
import TraceSession

/// `tcptrace`.
@main
struct TCPTraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tcptrace",
        abstract:
            "Trace TCP handshakes: both endpoints' states, the kernel's view and the processes, on one time line.",
        discussion: """
            tcptrace -i lo port 9500          trace live (as root)
            tcptrace -r capture.pcapng        read a capture file
            tcptrace lab                      a guided tour with a server and a client of its own
            Not Ostermann's tcptrace of the same name.
            """,
        version: TraceOptions.tool + " (not Ostermann's tcptrace)",
        subcommands: [TraceCommand.self, SocketsCommand.self, KillCommand.self, LabCommand.self, DoctorCommand.self],
        defaultSubcommand: TraceCommand.self)

    /// tcpdump's habits (combined letters, values joined to their letter) are put into the parser's form first.
    static func main() {
        StandardStreams.occupyClosedDescriptors()
        let (words, refusal) = TcpdumpArguments.normalized(Array(CommandLine.arguments.dropFirst()))
        if let refusal {
            StandardStreams.complain(refusal)
            exit(withError: ExitCode(EX_USAGE))
        }
        // Without a verb, help is about the trace: its options are what people look for.
        if let first = words.first, ["-h", "--help"].contains(first), words.count == 1 {
            print(helpMessage(for: TraceCommand.self))
            exit()
        }
        main(words)
    }
}
