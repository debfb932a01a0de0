// Checks the man pages and the README against the programs' own help: every option is documented, and every documented
// option exists.

import Foundation
import Testing

@Suite struct DocumentedOptionsTests {
    /// The options that a help text lists, without those common to all commands.
    static func options(inHelp text: String) -> Set<String> {
        var found: Set<String> = []
        for line in text.split(separator: "\n") where line.hasPrefix("  -") {
            // The names come before the description, separated by two spaces.
            let names = line.dropFirst(2).firstRange(of: "  ").map { line.dropFirst(2)[..<$0.lowerBound] } ?? line
            found.formUnion(optionWords(in: String(names)))
        }
        return found
    }

    /// The words that look like options: `-x` or `--word`. The alternatives of a flag (`--echo/--no-echo`) count
    /// separately.
    static func optionWords(in text: String) -> Set<String> {
        let matches = text.matches(of: /(?:^|[\s\/,(\[`])(--[a-z][a-z0-9-]*|-[A-Za-z#]+)/)
        return Set(matches.map { String($0.output.1) })
    }

    static func help(_ program: String, _ verb: [String] = []) throws -> Set<String> {
        options(inHelp: try Repository.output(program, verb + ["--help"]))
    }

    /// The options in the tags (the lines after `.TP`) of one section of a man page.
    static func options(
        inManualSection title: String, of page: String = "Sources/tcptrace/Manual/tcptrace.8"
    ) throws -> Set<String> {
        let lines = try Repository.text(page).split(separator: "\n")
        let start = try #require(lines.firstIndex { $0 == ".SH \(title)" }, "no section \(title)")
        let section = lines[(start + 1)...].prefix { !$0.hasPrefix(".SH ") }
        var found: Set<String> = []
        for (tag, line) in zip(section, section.dropFirst()) where tag == ".TP" {
            let plain = line.replacing(/\\f[RBIP]/, with: "").replacing("\\-", with: "-").replacing("\"", with: " ")
            found.formUnion(optionWords(in: String(plain)))
        }
        return found
    }

    @Test(arguments: [
        ("OPTIONS", "trace"), ("SOCKETS", "sockets"), ("KILL", "kill"), ("LAB", "lab"), ("DOCTOR", "doctor"),
        ("EXPLAIN", "explain"),
    ])
    func theManPageHasTheOptionsOfTheProgram(_ section: String, _ verb: String) throws {
        let everywhere: Set<String> = section == "OPTIONS" ? [] : ["-h", "--help", "--version"]
        let documented = try Self.options(inManualSection: section)
        let real = try Self.help("tcptrace", [verb]).subtracting(everywhere)
        #expect(documented.subtracting(real).sorted() == [], "in the man page, not in tcptrace \(verb) --help")
        #expect(real.subtracting(documented).sorted() == [], "in tcptrace \(verb) --help, not in the man page")
        #expect(real.count > (["doctor", "explain"].contains(verb) ? 1 : 4))
    }

    @Test(arguments: ["lab-server", "lab-client"])
    func theManPagesOfTheLabHaveTheOptionsOfItsPrograms(_ program: String) throws {
        let page = "Sources/\(program)/Manual/\(program).1"
        let documented = try Self.options(inManualSection: "OPTIONS", of: page)
        let real = try Self.help(program)
        #expect(documented.subtracting(real).sorted() == [], "in the man page, not in \(program) --help")
        #expect(real.subtracting(documented).sorted() == [], "in \(program) --help, not in the man page")
        #expect(real.count > 10)
        // Samples and sentences mention options, too.
        let text = try Repository.text(page).replacing("\\-", with: "-").replacing(/\\f[RBIP]/, with: "")
        let lab = try Self.help("lab-server").union(Self.help("lab-client"))
        let words = text.matches(of: /(?:^|\s)(--[a-z][a-z0-9-]*)/).map { String($0.output.1) }
        #expect(Set(words).subtracting(lab).sorted() == [], "\(page) names these")
    }

    /// The Makefile installs a man page for each installed program, under the program's name.
    @Test func everyProgramThatIsInstalledHasItsManPage() throws {
        let lines = try Repository.text("Makefile").split(separator: "\n")
        func words(_ name: String) throws -> [String] {
            let line = try #require(lines.first { $0.hasPrefix("\(name) := ") }, "\(name) of the Makefile")
            return line.dropFirst(name.count + 4).split(separator: " ").map(String.init)
        }
        let pages = try words("MANUALS")
        for page in pages {
            let text = try Repository.text(page)
            let file = page.split(separator: "/").last ?? ""
            let title = try #require(text.firstMatch(of: /\n\.TH (\S+) (\d) "" "tcptrace (\S+)"/), "\(page)")
            #expect("\(title.output.1.lowercased()).\(title.output.2)" == file)
            let version = try Repository.output(String(file.prefix { $0 != "." }), ["--version"])
            #expect(version.split(whereSeparator: \.isWhitespace).contains(title.output.3), "\(page)")
        }
        let named = pages.map { $0.split(separator: "/").last?.split(separator: ".").first.map(String.init) }
        #expect(try named == words("PROGRAMS"))
    }

    @Test func theReadmeNamesOnlyOptionsThatAreThere() throws {
        let verbs = try ["trace", "sockets", "kill", "lab", "doctor", "explain"].map { try Self.help("tcptrace", [$0]) }
        let tracer = verbs.reduce(into: Set<String>()) { $0.formUnion($1) }
        let lab = try Self.help("lab-server").union(Self.help("lab-client"))
        var count = 0
        for command in try Self.commands(inReadme: Repository.text("README.md")) {
            let words = Self.oneByOne(Self.optionWords(in: command))
            count += words.count
            let known = command.hasPrefix("lab-") ? lab : tracer
            #expect(words.subtracting(known).sorted() == [], "README says: \(command)")
        }
        #expect(count > 20, "README shows options in its samples")
    }

    /// Splits joined letters: `-vvv` becomes `-v`.
    static func oneByOne(_ words: Set<String>) -> Set<String> {
        Set(words.flatMap { word in word.hasPrefix("--") ? [word] : word.dropFirst().map { "-\($0)" } })
    }

    /// The command lines of this project in the README: samples after `$ `, and the text between back quotes.
    static func commands(inReadme text: String) -> [String] {
        let samples = text.matches(of: /(?m)^\$ (?:sudo )?(tcptrace.*|lab-.*)$/).map { String($0.output.1) }
        let spans = text.matches(of: /`([^`\n]+)`/).map { String($0.output.1) }.filter {
            $0.hasPrefix("tcptrace ") || $0.hasPrefix("lab-") || $0.hasPrefix("-")
        }
        return samples + spans
    }

    @Test func optionsAreRecognised() {
        #expect(Self.optionWords(in: "-y, --yes") == ["-y", "--yes"])
        #expect(
            Self.optionWords(in: "--reuse-address/--no-reuse-address") == ["--reuse-address", "--no-reuse-address"])
        #expect(Self.optionWords(in: "half-closed 10-11 pcap-filter") == [])
        #expect(Self.options(inHelp: "  -s, --signal <signal>   The -9 signal, as --kill.") == ["-s", "--signal"])
    }
}
