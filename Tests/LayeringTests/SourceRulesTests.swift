// Rules for every source file: its length, its first line, and whether it may use `unsafe`.

import Foundation
import Testing

@Suite struct SourceRulesTests {
    static let longest = 500

    @Test func noFileIsTooLong() throws {
        for file in try Repository.sources(["swift", "c", "h"]) {
            #expect(file.lines.count <= Self.longest + 1, "\(file.path) has \(file.lines.count - 1) lines; split it")
        }
    }

    @Test func everyFileBeginsWithItsJob() throws {
        // The compiler's shim consists of a single line.
        for file in try Repository.sources(["swift", "c", "h"]) where file.path != "Sources/CPcap/shim.h" {
            let first = file.lines.first ?? ""
            #expect(
                first.hasPrefix("// ") && first.count > 5,
                "\(file.path) does not begin with a comment that says its job")
        }
    }

    /// Whether a line of Swift uses the word `unsafe` outside a comment; `unsafe-inline` is a term of web pages.
    static func saysUnsafe(_ line: Substring) -> Bool {
        let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        return code.firstMatch(of: /\bunsafe\b(?!-inline)/) != nil
    }

    @Test func onlyReviewedFilesSayUnsafe() throws {
        var found: Set<String> = []
        for file in try Repository.sources(["swift"]) {
            guard let line = file.lines.firstIndex(where: Self.saysUnsafe) else { continue }
            found.insert(file.path)
            #expect(
                UnsafeFiles.reasons[file.path] != nil,
                "\(file.path):\(line + 1) says unsafe; is it needed? Then review it and give a reason in UnsafeFiles.swift"
            )
        }
        for path in UnsafeFiles.reasons.keys.sorted() {
            #expect(found.contains(path), "\(path) says unsafe no more: take it off the list in UnsafeFiles.swift")
        }
    }

    @Test func pureModulesHaveNoMoreUnsafeThanTheList() {
        // From bytes to output, only four files may: loads, one table in raw memory, and the text of literals and
        // dates.
        let pure: Set<Substring> = ["TCPModel", "TCPWire", "TCPMachine", "TCPTimeline", "TimelineReport"]
        let files = UnsafeFiles.reasons.keys.filter { pure.contains($0.split(separator: "/")[1]) }
        #expect(files.count <= 4, "\(files.sorted())")
    }
}
