// The arguments of `tcptrace lab`.

import ArgumentParser
import PacketSource
import TCPModel
import TeachingLab
import TraceSession
import TimelineReport

/// The guided tour.
struct LabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract: "A guided tour: a server and a client of its own, traced live, with what to notice.",
        usage: "tcptrace lab [<options>] [<scenario> ...]",
        discussion: """
            Starts lab-server and lab-client on 127.0.0.1, and shows for each scenario the sockets before, during and \
            after, the timeline, and what to notice. Needs the permission to capture (root).

            Examples:
              tcptrace lab
              tcptrace lab fin two-clients --port 9501
              tcptrace lab --save captures && tcptrace -r captures/fin.pcapng
            """)

    @Flag(help: "List the scenarios and end.")
    var list = false
    @Option(
        name: .shortAndLong, parsing: .unconditional, help: ArgumentHelp("The server's port.", valueName: "port"),
        transform: Self.port)
    var port: UInt16 = 9500
    @Option(
        help: ArgumentHelp("Write each scenario's capture there, as <scenario>.pcapng.", valueName: "directory"),
        completion: .directory)
    var save: String?
    @OptionGroup var page: PageOptions
    @Flag(help: "Draw with ASCII characters only.")
    var ascii = false
    @Argument(
        help: ArgumentHelp(
            "Scenarios, in this order (default: all): \(names.joined(separator: ", ")).", valueName: "scenario"),
        completion: .list(names))
    var scenarios: [String] = []

    private static var names: [String] { LabScenario.allCases.map(\.rawValue) }

    func validate() throws { _ = try options() }

    func run() throws {
        BorrowedPowers.takeUp()
        let options = try options()
        throw ExitCode(list ? LabTour.list(width: options.style.width) : LabTour.run(options))
    }

    /// Turns the arguments into options; throws a usage error that names the wrong one.
    func options() throws -> LabOptions {
        var options = LabOptions()
        if !scenarios.isEmpty { options.scenarios = try scenarios.map(Self.scenario) }
        options.port = port
        options.saveDirectory = save
        let terminal = Terminal.standardOutput
        options.style.color = page.wantsColor(on: terminal)
        options.style.ascii = ascii || !terminal.isTerminal || !terminal.isUTF8
        options.style.width = page.width ?? terminal.columns
        options.command = Terminal.commandLine
        options.executable = Terminal.executable
        return options
    }

    private static func port(_ word: String) throws -> UInt16 {
        if let port = UInt16(word), port > 0 { return port }
        throw ValidationError("the port must be from 1 to 65535")
    }

    /// The scenario with this name; throws a usage error that suggests the intended one.
    private static func scenario(_ name: String) throws -> LabScenario {
        if let scenario = LabScenario(rawValue: name) { return scenario }
        if UInt16(name) != nil {
            throw ValidationError("\(name): there is no such scenario; to choose a port, use --port \(name)")
        }
        // Up to a third of the letters may be wrong. Only as much of the word is compared as names are long.
        let typed = Array(name.lowercased().utf8.prefix(32))
        let near = names.map { (name: $0, distance: editDistance(typed, Array($0.utf8))) }
            .filter { $0.distance <= max(1, typed.count / 3) }.min { $0.distance < $1.distance }
        let hint = near.map { "did you mean \($0.name)?" } ?? "there are \(names.joined(separator: ", "))"
        throw ValidationError("\(printable(name)): there is no such scenario; \(hint)")
    }
}
