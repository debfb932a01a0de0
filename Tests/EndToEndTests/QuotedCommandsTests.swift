// The program accepts every command line that a page, the README, the man page or a help text tells users to type.

import Foundation
import TCPDiagnosis
import Testing

@testable import tcptrace

@Suite struct QuotedCommandsTests {
    /// A command line, and the text that quotes it.
    struct Quoted: CustomTestStringConvertible {
        let line: String
        let source: String

        var testDescription: String { "\(source): \(line)" }

        /// The arguments that the program gets: up to a pipe or the like. Words such as FILE stand for any value, and get one.
        var words: [String] {
            let shell = ["|", "&&", ">", "<", ";", "..."]
            var words: [String] = []
            var quoted: [String]?
            for word in line.split(separator: " ").dropFirst().map(String.init) {
                let quotes = word.count { $0 == "'" }
                let plain = word.replacing("'", with: "")
                if quoted == nil && shell.contains(word) { break }
                let stood = Self.standIns[plain] ?? plain
                if let open = quoted {
                    quoted = open + [stood]
                } else if quotes % 2 == 1 {
                    quoted = [stood]
                } else {
                    words.append(stood)
                }
                if let all = quoted, quotes % 2 == 1, all.count > 1 {
                    words.append(all.joined(separator: " "))
                    quoted = nil
                }
            }
            return words
        }

        static let standIns = ["N": "9500", "CODE": "refused", "WORD": "TIME_WAIT", "FILE": "out.pcapng"]
    }

    private static func path(_ path: String) -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appendingPathComponent(path).path
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: self.path(path), encoding: .utf8)
    }

    /// The text between back quotes that begins with the program's name.
    private static func spans(in text: String, _ source: String) -> [Quoted] {
        text.matches(of: /`(tcptrace [^`]+)`/).map {
            Quoted(line: $0.output.1.split(whereSeparator: \.isWhitespace).joined(separator: " "), source: source)
        }
    }

    static func inPages() -> [Quoted] {
        Explanations.all.flatMap { page in
            ([page.summary] + page.sections.flatMap(\.paragraphs)).flatMap { spans(in: $0, "explain \(page.name)") }
        }
    }

    static func inReadme() throws -> [Quoted] {
        let text = try text("README.md")
        let samples = text.matches(of: /(?m)^\$ (?:sudo )?(tcptrace.*)$/).map {
            Quoted(line: String($0.output.1), source: "README")
        }
        return samples + spans(in: text, "README")
    }

    static func inDocumentation() throws -> [Quoted] {
        let directory = "Sources/tcptrace/Documentation.docc"
        return try FileManager.default.contentsOfDirectory(atPath: path(directory)).filter { $0.hasSuffix(".md") }
            .flatMap { spans(in: try text("\(directory)/\($0)"), $0) }
    }

    static func inManual() throws -> [Quoted] {
        let lines = try text("Sources/tcptrace/Manual/tcptrace.8").split(separator: "\n")
        let examples = lines.drop { $0 != ".SH EXAMPLES" }.prefix { $0 != ".SH SEE ALSO" }
        return examples.filter { $0.hasPrefix(".B tcptrace ") }.map { line in
            let plain = line.dropFirst(3).replacing("\\-", with: "-").replacing("\\(aq", with: "'")
                .replacing("\\(dq", with: "\"")
            return Quoted(line: String(plain), source: "man page")
        }
    }

    static func inHelp() throws -> [Quoted] {
        try ["trace", "sockets", "kill", "lab", "doctor", "explain"].flatMap { verb in
            try tcptrace(verb, "--help").lines.prefix { !$0.hasPrefix("OPTIONS") }.compactMap { line in
                line.firstMatch(of: /^  (?:sudo )?(tcptrace .*)$/).map {
                    Quoted(line: String($0.output.1), source: "\(verb) --help")
                }
            }
        }
    }

    private static func check(_ quoted: [Quoted], atLeast: Int) {
        #expect(quoted.count >= atLeast)
        for command in quoted {
            let (words, refusal) = TcpdumpArguments.normalized(command.words.filter { $0 != "--help" })
            #expect(refusal == nil, "\(command.testDescription): \(refusal ?? "")")
            #expect(throws: Never.self, "\(command.testDescription)") { try TCPTraceCommand.parse(words: words) }
        }
    }

    @Test func explanations() { Self.check(Self.inPages(), atLeast: 5) }
    @Test func readme() throws { Self.check(try Self.inReadme(), atLeast: 15) }
    @Test func documentation() throws { Self.check(try Self.inDocumentation(), atLeast: 8) }
    @Test func manual() throws { Self.check(try Self.inManual(), atLeast: 8) }
    @Test func helpTexts() throws { Self.check(try Self.inHelp(), atLeast: 10) }

    /// The test above does not see commands without back quotes.
    @Test func pagesQuoteTheCommandsTheyName() {
        for page in Explanations.all {
            for text in [page.summary] + page.sections.flatMap(\.paragraphs) {
                let bare = text.replacing(/`[^`]*`/, with: "")
                #expect(
                    !bare.contains(/tcptrace (?:sockets|kill|explain|doctor|lab|trace|-)/), "\(page.name): \(text)")
            }
        }
    }

    @Test func aWrongCommandWouldBeSeen() {
        let wrong = Quoted(line: "tcptrace sockets -a state time-wait", source: "here")
        #expect(throws: (any Error).self) { try TCPTraceCommand.parse(words: wrong.words) }
        let quoted = Quoted(line: "tcptrace -r FILE 'port 80 or 443' | head", source: "here")
        #expect(quoted.words == ["-r", "out.pcapng", "port 80 or 443"])
    }
}
