// The documented keys and labels of a connection, checked against the recorded captures, and against the corpus where
// available.

import CaptureBuilding
import Foundation
import Testing

@Suite struct ConnectionLabelsTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func page(_ name: String) throws -> String {
        try String(
            contentsOf: root.appendingPathComponent("Sources/tcptrace/Documentation.docc/\(name)"), encoding: .utf8)
    }

    /// The rows of the first table under a heading, as cells.
    private static func table(_ heading: String, of page: String) throws -> [[String]] {
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == heading })
        return lines[start...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.dropFirst(2).map { line in
            line.dropFirst().split(separator: "|", omittingEmptySubsequences: false).dropLast().map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    private static func quoted(_ text: some StringProtocol) -> Set<String> {
        Set(String(text).matches(of: /`([^`\n]+)`/).map { String($0.output.1) })
    }

    private static func csv(_ path: String) throws -> (fields: [String], rows: [[String: String]]) {
        let lines = try tcptrace("-T", "csv", "-r", path).text.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let fields = lines.first else { return ([], []) }
        // The requested fields precede the names of processes, which alone may contain commas.
        return (fields, lines.dropFirst().map { Dictionary(zip(fields, $0)) { first, _ in first } })
    }

    // MARK: Keys and columns

    /// The keys that, according to the schema page, have no column.
    private static func withoutColumn() throws -> Set<String> {
        let page = try page("Schema.md")
        let section = try #require(page.components(separatedBy: "\n## -T csv\n").dropFirst().first)
        let sentence = try #require(section.components(separatedBy: "Without a column are").dropFirst().first)
        return quoted(sentence.prefix { $0 != "." })
    }

    @Test func everyKeyOfTheSchemaHasAColumnOrIsSaidToHaveNone() throws {
        let fields = try Self.csv("Captures/fin.pcapng").fields
        let without = try Self.withoutColumn()
        let keys = try Self.table("## conn", of: Self.page("Schema.md")).flatMap { Self.quoted($0[0]) }
        #expect(keys.count > 30)
        for key in keys where key != "findings" {
            let hasColumn = fields.contains { $0 == key || $0.hasPrefix(key + ".") }
            #expect(hasColumn != without.contains(key), "\(key)")
        }
        #expect(without.isDisjoint(with: fields))
    }

    @Test(.enabled(if: !GoldenTests.captures.isEmpty, "there are no recorded captures"))
    func everyKeyOfARecordHasAColumnOrIsSaidToHaveNone() throws {
        let fields = Set(try Self.csv("Captures/fin.pcapng").fields)
        let without = try Self.withoutColumn()
        let identity: Set = ["_path", "schema_version", "id", "proto", "findings"]
        var (records, seen) = (0, Set<String>())
        for path in GoldenTests.captures.map({ "Captures/" + $0 }) + Self.corpus(every: 20) {
            for line in try tcptrace("-T", "json", "-r", path).text.split(separator: "\n")
            where line.contains("\"conn\"") {
                let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                guard record["_path"] as? String == "conn" else { continue }
                records += 1
                for (key, value) in record where !identity.contains(key) && !without.contains(key) {
                    guard let object = value as? [String: Any] else {
                        seen.insert(key)
                        continue
                    }
                    for inner in object.keys where !without.contains(inner) { seen.insert(key + "." + inner) }
                }
            }
        }
        #expect(records > 20)
        #expect(seen.subtracting(fields) == [])
    }

    @Test func processesThatEndedHaveAColumn() throws {
        let fields = try Self.csv("Captures/fin.pcapng").fields
        for side in ["orig", "resp"] { #expect(fields.contains("\(side)_process.closed_by_exit")) }
    }

    @Test(.enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS")) func tunnelsHaveAColumn() throws {
        let corpus = try #require(Corpus.path)
        let rows = try Self.csv(corpus + "/zeek/tunnels/vxlan-encapsulated-http.pcap").rows
        #expect(
            !rows.isEmpty
                && rows.allSatisfy { $0["tunnel"] == "vxlan" && $0["completeness"].flatMap { Int($0) } != nil })
    }

    // MARK: conn_state and outcome

    /// Every `step`th capture of the corpus with TCP; none without the corpus.
    private static func corpus(every step: Int = 1) -> [String] {
        guard let path = Corpus.path, let captures = try? SharkCorpus.captures() else { return [] }
        return captures.enumerated().filter { $0.offset % step == 0 }.map { path + "/" + $0.element.name }
    }

    /// The whole words of a text that are in `known`.
    private static func words(_ text: String, _ known: Set<String>) -> Set<String> {
        Set(text.matches(of: /[A-Za-z0-9_]+/).map { String($0.output) }).intersection(known)
    }

    @Test(
        .enabled(if: !GoldenTests.captures.isEmpty, "there are no recorded captures"), .timeLimit(.minutes(10)))
    func outcomesBesideConnStates() throws {
        let outcomes: Set = [
            "closed", "reset", "refused", "no_answer", "half_open", "half_closed", "open", "partial",
        ]
        var admitted: [String: Set<String>] = [:]
        for row in try Self.table("## Outcomes beside Zeek's conn_state", of: Self.page("Labels.md")) {
            try #require(row.count == 4)
            for state in row[0].split(separator: ", ") { admitted[String(state)] = Self.words(row[3], outcomes) }
        }
        #expect(admitted.count == 13)
        let states = Set(admitted.keys)
        // The pages about each other: a state's outcomes, an outcome's states.
        func explained(_ word: String, _ known: Set<String>) throws -> Set<String> {
            Self.words(try tcptrace("explain", "--width", "10000", word).text, known)
        }
        var outcomesOf: [String: Set<String>] = [:]
        for state in states { outcomesOf[state] = try explained(state, outcomes) }
        var statesOf: [String: Set<String>] = [:]
        for outcome in outcomes { statesOf[outcome] = try explained(outcome, states) }
        var seen: [String: String] = [:]
        for path in GoldenTests.captures.map({ "Captures/" + $0 }) + Self.corpus() {
            for row in try Self.csv(path).rows {
                seen["\(row["conn_state"] ?? "") \(row["outcome"] ?? "")"] = path
            }
        }
        #expect(seen.count > 8)
        for (pair, path) in seen {
            let words = pair.split(separator: " ").map(String.init)
            guard words.count == 2 else { continue }
            #expect(admitted[words[0]]?.contains(words[1]) == true, "Labels.md has no \(pair): \(path)")
            #expect(outcomesOf[words[0]]?.contains(words[1]) == true, "explain \(words[0]) has no \(words[1]): \(path)")
            #expect(statesOf[words[1]]?.contains(words[0]) == true, "explain \(words[1]) has no \(words[0]): \(path)")
        }
    }
}
