// Real faults, and the findings about each: the code, the wording, and nothing else.

import Foundation
import Testing

private let canRun =
    isRoot
    && ["/usr/sbin/ip", "/usr/bin/ss"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }

/// One connection of the driver's, and the findings expected for it.
private struct Fault: Decodable {
    var kind: String
    var client: String
    var server: String
    /// Must be found.
    var codes: [String]
    /// Regular expressions; each must match in the messages.
    var words: [String]
    /// May be found as well: true, but not the cause.
    var also: [String]
    /// How the connection ended; nil: not asked.
    var outcome: String?
}

/// One connection as tcptrace reported it.
private struct Told {
    var time: Int
    var codes: [String]
    var messages: String = ""
    var outcome = ""
}

extension KernelTests {
    @Suite(.enabled(if: canRun, "making faults needs root, ip and ss")) struct FaultTests {
        static let times = 3

        /// Counts the first attempt: a cause that is not named correctly is a miss.
        @Test(.timeLimit(.minutes(3))) func theFindingNamesTheTrueCause() throws {
            var attempt = try run()
            // An overrun of the rings makes a run worthless: then everything is made once more.
            if !attempt.errors.contains(" 0 lost, ") { attempt = try run() }
            #expect(attempt.errors.contains("\n0 packets dropped by kernel"), "\(attempt.errors)")
            for miss in try judge(attempt) { Issue.record("\(miss.text)") }
            // The file that the trace wrote gives the same records, word for word, including findings made while a
            // connection was open.
            let replay = try tcptrace("-T", "json", "-r", attempt.scratch.file("case.pcapng"))
            let differences = try differences(live: attempt.json, replay: replay.text)
            #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(8).joined(separator: "\n"))")
        }

        /// Compares the findings with the faults, prints the table, and returns the misses.
        private func judge(
            _ attempt: (faults: [Fault], json: String, errors: String, scratch: Scratch)
        ) throws -> [(kind: String, text: String)] {
            var told = try connections(attempt.json)
            try checkEvidence(attempt.json)
            var misses: [(kind: String, text: String)] = []
            var table: [(kind: String, expected: String, found: String, count: Int, right: Int)] = []
            for fault in attempt.faults {
                let connection = take(fault, &told)
                let complaints = complaints(fault, connection)
                if !complaints.isEmpty {
                    let text =
                        "\(fault.kind) \(fault.client) > \(fault.server): \(complaints.joined(separator: ", "))\n"
                        + "\(connection?.messages ?? "")"
                    misses.append((fault.kind, text))
                }
                let found = connection?.codes.joined(separator: " ") ?? "no connection"
                let expected = fault.codes.isEmpty ? "-" : fault.codes.joined(separator: " ")
                if let place = table.firstIndex(where: { $0.kind == fault.kind && $0.expected == expected }) {
                    table[place].count += 1
                    table[place].right += complaints.isEmpty ? 1 : 0
                    if !complaints.isEmpty { table[place].found = found }
                } else {
                    table.append((fault.kind, expected, found, 1, complaints.isEmpty ? 1 : 0))
                }
            }
            print("fault                     times  right  expected                           found")
            for row in table {
                print(
                    row.kind.padded(26) + "\(row.count)".padded(7) + "\(row.right)".padded(7) + row.expected.padded(35)
                        + row.found)
            }
            #expect(table.count >= 59, "\(table.count) kinds")
            #expect(table.allSatisfy { $0.count >= Self.times })
            return misses
        }

        private func run() throws -> (faults: [Fault], json: String, errors: String, scratch: Scratch) {
            let scratch = try Scratch()
            let script = Program.traffic("faults.py")
            let driver = try Program(
                "/usr/bin/env", ["python3", script, Program.tcptrace, scratch.path, "\(Self.times)"])
            try #require(wait(60) { driver.hasEnded }, "the faults do not end")
            let outcome = try driver.end()
            try #require(outcome.code == 0, "\(outcome.errors)")
            // Lists the faults that this machine lacks the means to make.
            print(outcome.text, terminator: "")
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: scratch.file(name), encoding: .utf8)
            }
            let faults = try text("faults").split(separator: "\n").map {
                try JSONDecoder().decode(Fault.self, from: Data($0.utf8))
            }
            return try (faults, text("json"), text("errors"), scratch)
        }

        /// Connections by their ends (in either order, as the client is not always known), oldest first.
        private func connections(_ json: String) throws -> [[String]: [Told]] {
            var messages: [String: String] = [:]
            var all: [[String]: [Told]] = [:]
            for line in json.split(separator: "\n") {
                let record = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
                guard let path = record["_path"] as? String, path == "finding" || path == "conn" else { continue }
                let identity = try #require(record["uid"] as? String)
                if path == "finding" {
                    messages[identity, default: ""] +=
                        "\(record["code"] ?? ""): \(record["message"] ?? "")\n"
                    continue
                }
                let ends = try ["orig", "resp"].map { side in
                    let address = try #require(record["id.\(side)_h"] as? String)
                    return try "\(address) \(#require(record["id.\(side)_p"] as? Int))"
                }.sorted()
                // The findings of a connection come before its `conn` record.
                all[ends, default: []].append(
                    Told(
                        time: record["ts_ns"] as? Int ?? 0, codes: record["findings"] as? [String] ?? [],
                        messages: messages[identity] ?? "", outcome: record["outcome"] as? String ?? ""))
            }
            return all.mapValues { $0.sorted { $0.time < $1.time } }
        }

        /// The evidence keys that the schema page lists for each code are the only ones.
        private func checkEvidence(_ json: String) throws {
            let page = try String(
                contentsOfFile: URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
                    + "/../../../Sources/tcptrace/Documentation.docc/Schema.md", encoding: .utf8)
            var keys: [String: Set<String>] = [:]
            for line in page.split(separator: "\n") {
                let cells = line.split(separator: "|")
                guard cells.count == 2 else { continue }
                let named = cells.map { cell in
                    cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                        .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
                }
                for code in named[0] { keys[code, default: []].formUnion(named[1]) }
            }
            for line in json.split(separator: "\n") where line.contains("\"finding\"") {
                let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                guard record?["_path"] as? String == "finding", let code = record?["code"] as? String else { continue }
                let evidence = record?["evidence"] as? [String: Any] ?? [:]
                let unknown = evidence.keys.filter { keys[code]?.contains($0) != true }
                #expect(unknown.isEmpty, "\(code): \(unknown.sorted())")
            }
        }

        /// The connection of a fault: the oldest with these ends. Where the fault names any client, the one with the
        /// finding.
        private func take(_ fault: Fault, _ told: inout [[String]: [Told]]) -> Told? {
            if fault.client.hasSuffix(" 0") {
                let found = told.filter { $0.key.contains(fault.server) }.values.joined().filter {
                    $0.codes.contains(where: fault.codes.contains)
                }
                return found.count == 1 ? found.first : nil
            }
            let ends = [fault.client, fault.server].sorted()
            guard told[ends]?.isEmpty == false else { return nil }
            return told[ends]?.removeFirst()
        }

        private func complaints(_ fault: Fault, _ told: Told?) -> [String] {
            guard let told else { return ["no connection"] }
            // The kernel itself sometimes drops a segment that arrives while close() is running (`explain TCP_CLOSE`),
            // and the sender retransmits it: a finding that gives this reason is true.
            let isKernelsOwn = told.messages.contains("): TCP_CLOSE\n")
            let also = fault.also + (isKernelsOwn ? ["retransmission"] : [])
            return fault.codes.filter { !told.codes.contains($0) }.map { "lacks \($0)" }
                + told.codes.filter { !fault.codes.contains($0) && !also.contains($0) }.map { "has \($0)" }
                + fault.words.filter { told.messages.range(of: $0, options: .regularExpression) == nil }
                .map { "no \($0)" }
                + (fault.outcome == nil || fault.outcome == told.outcome ? [] : ["outcome \(told.outcome)"])
        }
    }
}

extension String {
    /// Padded with spaces to this width, with at least one space.
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
