// Checks the list of cases against the tests: every id that a test or a comment names is on the page.

import Foundation
import Testing

@Suite struct CaseListTests {
    static let page = "Tests/Scenarios/Cases.md"

    /// The ids in a text, without leading zeros and without the letter of a variation: `H03b` is `H3`.
    static func ids(in text: some StringProtocol) -> Set<String> {
        let matches = String(text).matches(of: /\b([HETX])0?([1-9][0-9]?)[a-f]?(?:_|\b)/)
        return Set(matches.map { String($0.output.1 + $0.output.2) })
    }

    /// The ids in the first column of the page's tables.
    static func listed() throws -> [String] {
        try Repository.text(page).matches(of: /(?m)^\| ([HETX][0-9]+) \|/).map { String($0.output.1) }
    }

    @Test func everyIdIsListedOnce() throws {
        let listed = try Self.listed()
        #expect(listed.count > 100 && Set(listed).count == listed.count)
        var found: Set<String> = []
        for file in try Repository.files(below: "Tests", ["swift", "scenario", "py"])
        where !file.path.contains("LayeringTests") {
            for (index, line) in file.lines.enumerated() {
                // Nearly all lines have none, and a regular expression takes its time.
                guard line.utf8.contains(where: "HETX".utf8.contains) else { continue }
                let ids = Self.ids(in: line)
                found.formUnion(ids)
                #expect(
                    ids.isSubset(of: listed),
                    "\(file.path):\(index + 1) names \(ids.subtracting(listed).sorted()), which \(Self.page) does not have"
                )
            }
        }
        #expect(found.count > 100)
    }

    /// Names of tests begin with no other letters: an id of another list would mean nothing here.
    @Test func testsAreNamedByTheseIdsOnly() throws {
        for file in try Repository.files(below: "Tests", ["swift"]) where !file.path.contains("LayeringTests") {
            for (index, line) in file.lines.enumerated() {
                guard line.contains("func ") || line.contains("\"") else { continue }
                let name = line.firstMatch(of: /(?:func |^ *(?:@Test\()?")([A-Z])[0-9]+[a-z]?[_:,]/)
                #expect(name.map { "HETX".contains($0.output.1) } ?? true, "\(file.path):\(index + 1): \(line)")
            }
        }
    }

    @Test func idsAreRecognised() {
        #expect(
            Self.ids(in: "func H3_x, H23b_y, (CASES X1, T7), \"E16, T5: a\" E13b-server") == [
                "H3", "H23", "X1", "T7", "E16", "T5", "E13",
            ])
        #expect(Self.ids(in: "0xE5 TE5 E0 H100 e7 RFC") == [])
    }
}
