// The arguments of `tcptrace lab`.

import ArgumentParser
import TeachingLab

/// The guided tour.
struct LabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "lab", abstract: "Run the lab.")
    func run() throws {}
}
