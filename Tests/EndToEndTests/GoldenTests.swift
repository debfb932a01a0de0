// The replay of each recorded capture, compared with the files in Golden/.
//
// RECORD_GOLDEN=1 rewrites them, prints the changes, and fails the run, so that they are never recorded by accident.

import Foundation
import Testing

/// One form of output and the ending of its golden file.
struct GoldenForm: Sendable, CustomTestStringConvertible {
    var ending: String
    var arguments: [String]
    var testDescription: String { ending }

    static let all = [
        GoldenForm(ending: "100.txt", arguments: ["--width", "100"]),
        GoldenForm(ending: "80.txt", arguments: ["--width", "80"]),
        GoldenForm(ending: "q.txt", arguments: ["-q", "--width", "100"]),
        GoldenForm(ending: "json", arguments: ["-T", "json"]),
        GoldenForm(ending: "md", arguments: ["-T", "mermaid"]),
    ]
}

@Suite struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

    /// The recorded captures, by name; none in a checkout without them.
    static let captures: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path + "/Captures")) ?? []
        return names.filter { $0.hasSuffix(".pcapng") || $0.hasSuffix(".pcap") }.sorted()
    }()

    @Test(.enabled(if: !captures.isEmpty, "there are no recorded captures"), arguments: captures, GoldenForm.all)
    func replay(_ capture: String, _ form: GoldenForm) throws {
        let records = ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1"
        let path = Self.root.path + "/Captures/" + capture
        let outcome = try Program(Program.tcptrace, ["-r", path] + form.arguments).end()
        #expect(outcome.code == 0, "\(outcome.errors)")
        // The golden file must not contain the path of the checkout.
        let actual = outcome.text.replacing(path, with: "Captures/" + capture)
        if form.ending.hasSuffix("0.txt") {
            #expect(actual.split(separator: "\n").allSatisfy { $0.count <= (form.ending == "80.txt" ? 80 : 100) })
        }
        let name = capture.split(separator: ".").dropLast().joined(separator: ".")
        let golden = Self.folder.appendingPathComponent("Golden/\(name).\(form.ending)")
        let expected = try? String(contentsOf: golden, encoding: .utf8)
        if expected == actual { return }
        let changes = Self.changes(from: expected ?? "", to: actual)
        if records {
            try FileManager.default.createDirectory(
                at: golden.deletingLastPathComponent(), withIntermediateDirectories: true)
            try actual.write(to: golden, atomically: true, encoding: .utf8)
            print("\(golden.lastPathComponent):\n\(changes)")
            Issue.record("\(golden.lastPathComponent) was recorded: read the change, then run without RECORD_GOLDEN")
        } else if expected == nil {
            Issue.record("\(golden.lastPathComponent) is missing; RECORD_GOLDEN=1 records it")
        } else {
            Issue.record("\(golden.lastPathComponent) differs:\n\(changes)")
        }
    }

    /// tshark begins another stream with every SYN of another number, even one that gets a challenge ACK inside a
    /// connection.
    private static let splitByTshark: Set = ["challenge-acks.pcapng"]

    @Test(
        .enabled(if: Tshark.isInstalled && !captures.isEmpty, "needs tshark and recorded captures"),
        arguments: captures.filter { !splitByTshark.contains($0) }
    )
    func tsharkAgrees(_ capture: String) throws { try Tshark.compare(Self.root.path + "/Captures/" + capture) }

    /// The lines found in only one of the two texts, in order.
    private static func changes(from old: String, to new: String) -> String {
        let lines = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let difference = lines.difference(
            from: old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        return difference.map { change in
            switch change {
            case .remove(let offset, let line, _): "-\(offset + 1): \(line)"
            case .insert(let offset, let line, _): "+\(offset + 1): \(line)"
            }
        }.joined(separator: "\n")
    }
}
