// The arguments of `tcptrace doctor`.

public import ArgumentParser
import TraceSession

/// Reports what this machine permits.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine allows, and what each absence costs.",
        discussion: """
            Looks at privileges, interfaces, sock_diag, tracepoints, /proc, and the settings that one needs to know to \
            read a trace. Changes nothing. Ends with 1 if no live trace is possible.

            Examples:
              tcptrace doctor
              sudo tcptrace doctor -T json | jq -c 'select(.status == "missing")'
            """)

    @Option(
        name: [.customShort("T"), .long],
        help: ArgumentHelp("How the findings are written: text, or json (one object per line).", valueName: "format"))
    var format = DoctorRun.Format.text
    @Option(help: ArgumentHelp("Columns of the page, instead of the terminal's.", valueName: "columns"))
    var width: Int?

    func validate() throws {
        if let width, !(60...10_000).contains(width) {
            throw ValidationError("--width \(width): from 60 to 10000 columns")
        }
    }

    func run() throws {
        BorrowedPowers.takeUp()
        throw ExitCode(DoctorRun.run(format, width: width ?? min(Terminal.standardOutput.columns, 100)))
    }
}

extension DoctorRun.Format: ExpressibleByArgument {}
