// The arguments of `tcptrace explain`.

import ArgumentParser
import Glibc
import TCPDiagnosis
import TCPModel
import TimelineReport
import TraceSession

/// Explains a word of the output on a page.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract:
            "Explain a finding, a state, flags, an outcome, a label, an errno or a word of the kernel, each on a page of its own.",
        usage: "tcptrace explain [<options>] [<word> ...]",
        discussion: """
            Without a word: the list of what can be explained. A word that means several things has several pages.

            Examples:
              tcptrace explain close-wait-leak
              tcptrace explain FIN_WAIT2 R. ShADadFf 31
              tcptrace explain ECONNRESET NETFILTER_DROP TCPSynRetrans
              tcptrace explain '(late in capture)' RTO
            """)

    @OptionGroup var page: PageOptions
    @Argument(
        help: ArgumentHelp("What to explain: close-wait-leak, TIME_WAIT, R., S1 ...", valueName: "word"),
        completion: Completion.explained)
    var words: [String] = []

    /// Wider text is hard to read.
    private static let widest = 100

    func validate() throws {
        // If some words have pages, those are printed, and the exit code reports the others.
        if let word = words.first, words.allSatisfy({ Explanations.pages(for: $0).isEmpty }) {
            throw ValidationError(Self.complaint(about: word))
        }
    }

    func run() throws {
        let terminal = Terminal.standardOutput
        let columns = page.width ?? min(terminal.columns, Self.widest)
        let isColored = page.wantsColor(on: terminal)
        var out = OutputBuffer()
        let pages = words.flatMap { Explanations.pages(for: $0) }
        if words.isEmpty {
            append(Explanations.list(width: columns), isColored, &out)
        }
        for (index, page) in pages.enumerated() {
            if index > 0 { out.newline() }
            append(page.lines(width: columns), isColored, &out)
        }
        let code = StandardStreams.writeResults(&out)
        let unknown = words.filter { Explanations.pages(for: $0).isEmpty }
        for word in unknown { StandardStreams.complain(Self.complaint(about: word)) }
        throw ExitCode(code == 0 && !unknown.isEmpty ? EX_USAGE : code)
    }

    private func append(_ lines: [Explanation.Line], _ isColored: Bool, _ out: inout OutputBuffer) {
        for line in lines {
            if line.isHeading && isColored { out.append("\u{1b}[1m") }
            out.appendPrintable(line.text)
            if line.isHeading && isColored { out.append("\u{1b}[0m") }
            out.newline()
        }
    }

    /// The message about a word without a page. The word is untrusted.
    private static func complaint(about word: String) -> String {
        let name = printable(String(word.prefix(60)))
        let near = Explanations.suggestions(for: word)
        let hint =
            near.isEmpty
            ? "`tcptrace explain` lists what there is" : "did you mean " + near.joined(separator: ", ") + "?"
        return "there is no page for '\(name)'; \(hint)"
    }
}
