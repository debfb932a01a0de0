// `-T zeek` over Zeek's own captures, against the conn.log that Zeek's own tests expect.

import CaptureBuilding
import Foundation
import Testing

/// Rows of tab-separated values, keyed by column name.
private func table(_ names: [String], _ lines: [Substring]) -> [[String: String]] {
    lines.map { line in
        let values = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        return Dictionary(zip(names, values)) { first, _ in first }
    }
}

@Suite("Zeek", .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS to a directory of them"))
struct ZeekCorpusTests {
    static let fields = [
        "conn_state", "history", "orig_pkts", "resp_pkts", "orig_bytes", "resp_bytes", "duration", "missed_bytes",
    ]
    static let key = ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"]

    static func log(of path: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: Program.tcptrace)
        process.arguments = ["-T", "zeek", "-r", path]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// The rows of a log by field name, read the way zeek-cut does: from the `#fields` line.
    static func rows(of log: String) throws -> [[String: String]] {
        let lines = log.split(separator: "\n")
        let header = try #require(lines.first { $0.hasPrefix("#fields\t") })
        let names = header.split(separator: "\t").dropFirst().map(String.init)
        return table(names, lines.filter { !$0.hasPrefix("#") })
    }

    static func differences(_ expected: [String: String], _ ours: [String: String]) -> [String] {
        fields.filter { field in
            guard let value = expected[field], !value.isEmpty else { return false }
            return ours[field] != value
        }
    }

    @Test("every row that Zeek's tests expect")
    func expectedRows() throws {
        let root = try #require(Corpus.path)
        let text = try String(contentsOfFile: root + "/zeek_expected.tsv", encoding: .utf8)
        let lines = text.split(separator: "\n")
        let names = try #require(lines.first).split(separator: "\t").map(String.init)
        let expected = table(names, Array(lines.dropFirst())).filter {
            ["strict", "strict-noports", "history-only"].contains($0["use"]) && $0["tunneled"] != "y"
        }
        #expect(expected.count >= 60)
        var (agreeing, compared) = ([String: Int](), [String: Int]())
        var used = Set<Int>()
        var ours: [String: [[String: String]]] = [:]
        var missingRows = 0
        for row in expected {
            let trace = try #require(row["trace"])
            if ours[trace] == nil { ours[trace] = try Self.rows(of: Self.log(of: root + "/" + trace)) }
            // One four-tuple may have several rows, in either order: the best match counts.
            let candidates = (ours[trace] ?? []).indices.filter { index in
                Self.key.allSatisfy { ours[trace]?[index][$0] == row[$0] }
            }
            let best = candidates.min {
                Self.differences(row, ours[trace]?[$0] ?? [:]).count
                    < Self.differences(row, ours[trace]?[$1] ?? [:]).count
            }
            var differing = ["row"]
            if let best {
                let own = ours[trace]?.remove(at: best) ?? [:]
                differing = Self.differences(row, own)
                for field in Self.fields where row[field]?.isEmpty == false {
                    compared[field, default: 0] += 1
                    if !differing.contains(field) { agreeing[field, default: 0] += 1 }
                }
                explain(differing, row, own, &used)
            } else {
                missingRows += 1
                explain(differing, row, [:], &used)
            }
        }
        print(
            "zeek: \(expected.count) rows expected, \(missingRows) in encapsulations that are not decoded; agreement:")
        for field in Self.fields {
            print("zeek:   \(field) \(agreeing[field, default: 0])/\(compared[field, default: 0])")
        }
        for (index, difference) in ZeekDifference.all.enumerated() {
            #expect(used.contains(index), "no such difference any more: \(difference.trace) \(difference.fields)")
        }
    }

    /// Fails for every difference that is not in the reviewed list.
    func explain(_ fields: [String], _ row: [String: String], _ own: [String: String], _ used: inout Set<Int>) {
        for field in fields {
            let known = ZeekDifference.all.firstIndex {
                $0.trace == row["trace"] && $0.fields.contains(field)
                    && ($0.originator == nil || $0.originator == row["id.orig_h"])
            }
            if let known { used.insert(known) }
            #expect(
                known != nil,
                "\(row["trace"] ?? "") \(row["id.orig_h"] ?? ""):\(row["id.orig_p"] ?? "") \(field): \(own[field] ?? "none"), Zeek has \(row[field] ?? "")"
            )
        }
    }

    @Test("two replays write the same octets, with all of Zeek's lines")
    func replayIsDeterministic() throws {
        let path = try #require(Corpus.path) + "/zeek/tcp/syn-then-rst.pcap"
        let log = try Self.log(of: path)
        #expect(try Self.log(of: path) == log)
        let heads = log.split(separator: "\n").filter { $0.hasPrefix("#") }.map {
            String($0.prefix { $0 != " " && $0 != "\t" })
        }
        #expect(
            heads == [
                "#separator", "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#fields", "#types",
                "#close",
            ])
        #expect(log.contains("#open\t2020-09-11-23-00-59\n"))
    }
}
