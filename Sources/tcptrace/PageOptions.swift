// The look of a page for the terminal: options shared by several commands.

import ArgumentParser

/// `--color`, `--no-color` and `--width`.
struct PageOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Colours: auto, always or never.", valueName: "when"), completion: Completion.colors)
    var color = "auto"
    @Flag(name: .customLong("no-color"), help: "The same as --color never.")
    var noColor = false
    @Option(help: ArgumentHelp("Columns of the page, instead of the terminal's.", valueName: "columns"))
    var width: Int?

    /// A page with fewer columns has no room; a larger number is a mistake.
    private static let widths = 20...10_000

    func validate() throws {
        guard ["auto", "always", "never"].contains(color) else {
            throw ValidationError("--color \(color): auto, always or never")
        }
        if let width, !Self.widths.contains(width) {
            throw ValidationError(
                "--width \(width): from \(Self.widths.lowerBound) to \(Self.widths.upperBound) columns")
        }
    }

    /// Whether a page on this terminal should have colours.
    func wantsColor(on terminal: Terminal) -> Bool { !noColor && terminal.wantsColor(color) }
}
