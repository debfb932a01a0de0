// The overview of a trace on standard error, checked against the -T json records of the same connections.

import Foundation
import Testing

@Suite struct OverviewTests {
    private static let folder =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/Captures/"

    /// All captures of the repository, in the order in which a shell expands `*.pcapng`.
    private static func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".pcapng") }.sorted()
            .map { folder + $0 }
    }

    /// The counts on the line with this title, such as `12 closed, 2 no answer`; empty without such a line.
    private static func counts(_ title: String, _ errors: String) -> [String: Int] {
        let start = "tcptrace: \(title): "
        guard let line = errors.split(separator: "\n").first(where: { $0.hasPrefix(start) }) else { return [:] }
        let pairs = line.dropFirst(start.count).components(separatedBy: ", ").map { part in
            let words = part.split(separator: " ", maxSplits: 1)
            return (String(words[1]), Int(words[0]) ?? -1)
        }
        return Dictionary(pairs) { $0 + $1 }
    }

    private static func isSorted(_ title: String, _ errors: String) -> Bool {
        let start = "tcptrace: \(title): "
        guard let line = errors.split(separator: "\n").first(where: { $0.hasPrefix(start) }) else { return true }
        let numbers = line.dropFirst(start.count).components(separatedBy: ", ").compactMap {
            Int($0.prefix { $0.isNumber })
        }
        return numbers == numbers.sorted(by: >)
    }

    @Test(arguments: [
        [], ["-q"], ["-T", "json"], ["-T", "csv"], ["-q", "--workers", "1"], ["--workers", "1"], ["-T", "html"],
    ])
    func itCountsWhatTheRecordsSay(_ form: [String]) throws {
        let json = try Program(Program.tcptrace, ["-T", "json", "-r"] + Self.files()).end()
        let connections = try records(json, "conn")
        var outcomes: [String: Int] = [:]
        var codes: [String: Int] = [:]
        for connection in connections {
            let name = (connection["outcome"] as? String ?? "").replacing("no_answer", with: "no answer")
                .replacing("half_", with: "half-")
            outcomes[name, default: 0] += 1
        }
        var severities: [String: String] = [:]
        for finding in try records(json, "finding") {
            let code = finding["code"] as? String ?? ""
            codes[code, default: 0] += 1
            severities[code] = finding["severity"] as? String
        }
        #expect(outcomes.count >= 5 && codes.count >= 10)

        let errors = try Program(Program.tcptrace, form + ["-r"] + Self.files()).end().errors
        #expect(Self.counts("outcomes", errors) == outcomes, "\(errors)")
        let lacksFindings = form.contains("-q") || form.contains("csv")
        for (title, severity) in [("errors", "error"), ("warnings", "warn"), ("notes", "info")] {
            let expected = codes.filter { severities[$0.key] == severity }
            #expect(Self.counts(title, errors) == (lacksFindings ? [:] : expected), "\(errors)")
            #expect(Self.isSorted(title, errors))
        }
    }

    /// With a selection of connections, it counts those that are shown, and the findings about them.
    @Test(arguments: [[], ["-q"], ["-T", "json"], ["-T", "zeek"]])
    func itCountsWhatIsShown(_ form: [String]) throws {
        let errors = try Program(Program.tcptrace, form + ["--outcome", "reset", "-r"] + Self.files()).end().errors
        #expect(Self.counts("outcomes", errors) == ["reset": 3], "\(errors)")
        #expect(errors.contains(" connections traced, 3 of them shown\n"), "\(errors)")
        #expect(Self.counts("warnings", errors)["refused"] == nil)
        #expect(
            Self.counts("warnings", errors)["reset"] == (form == [] || form.contains("json") ? 2 : nil), "\(errors)")
    }

    @Test func ofOneConnectionEverythingIsThereToSee() throws {
        let errors = try Program(Program.tcptrace, ["-r", Self.folder + "reset.pcapng"]).end().errors
        #expect(errors.contains("1 connection traced") && !errors.contains("outcomes:"), "\(errors)")
    }

    @Test func wordsBehindAFileThatAreCapturesAreReadToo() throws {
        let files = [Self.folder + "fin.pcapng", Self.folder + "two-clients.pcapng"]
        let options = try Program(Program.tcptrace, ["-q", "-r", files[0], "-r", files[1], "port", "9500"]).end()
        let behind = try Program(Program.tcptrace, ["-q", "-r", files[0], files[1], "port", "9500"]).end()
        #expect(behind.code == 0 && behind.output == options.output && !behind.output.isEmpty)
        #expect(
            behind.errors == "tcptrace: a word is taken as a capture file, as with -r\n" + options.errors,
            "\(behind.errors)"
        )
        let alone = try Program(Program.tcptrace, ["-q"] + files).end()
        #expect(
            alone.errors.hasPrefix("tcptrace: 2 words are taken as capture files, as with -r for each\n"),
            "\(alone.errors)")
        #expect(alone.output == options.output)
    }
}
