// Checks the developers' pages against the sources: every type, function and file that they name exists.

import Foundation
import Testing

@Suite struct DocumentedNamesTests {
    static let folder = "Sources/tcptrace/Documentation.docc"

    /// The words between back quotes that look like names in the code: `Type`, `function`, `Type.member`, `Type+File`.
    /// Words without capitals may be anything (formats, keys, commands) and are left out.
    static func names(in text: String) -> Set<String> {
        let spans = text.matches(of: /`([^`\n]+)`/).map { String($0.output.1) }
        return Set(
            spans.filter {
                $0.wholeMatch(of: /[A-Za-z][A-Za-z0-9]*(?:[.+\/][A-Za-z][A-Za-z0-9]*)*/) != nil
                    && $0.contains { $0.isUppercase }
            })
    }

    private static let keywords: Set<Substring> = [
        "struct", "class", "enum", "protocol", "typealias", "extension", "func", "var", "let",
    ]

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// The names that these lines of Swift declare.
    static func declared(_ lines: [Substring]) -> Set<String> {
        var found: Set<String> = []
        for line in lines {
            // A regular expression would take a minute for all files.
            let words = line.utf8.split { !isWord($0) }
            for (keyword, name) in zip(words, words.dropFirst()) where keywords.contains(Substring(keyword)) {
                let isNext = line.utf8[keyword.endIndex..<name.startIndex].allSatisfy { $0 == UInt8(ascii: " ") }
                if isNext, line[name.startIndex].isLetter { found.insert(String(Substring(name))) }
            }
            guard words.contains(where: { $0.elementsEqual("case".utf8) }) else { continue }
            if let cases = line.firstMatch(of: /^\s*(?:indirect )?case ([a-z][^:=]*)$/) {
                found.formUnion(cases.output.1.matches(of: /[a-z][A-Za-z0-9]*/).map { String($0.output) })
            }
        }
        return found
    }

    /// What these files declare, and their folders' and own names.
    static func names(of files: [TextFile]) -> Set<String> {
        files.reduce(into: Set()) { names, file in
            names.formUnion(declared(file.lines))
            names.formUnion(file.path.replacing(".swift", with: "").split { "/+".contains($0) }.map(String.init))
        }
    }

    /// The names below Sources, and those of modules.
    private static let ofSources = Result {
        var known = names(of: try Repository.sources(["swift"]))
        for row in try LayeringTests.table() { known.formUnion(row.imports.union([row.name])) }
        // The pages name this protocol of the standard library.
        known.insert("BitwiseCopyable")
        return known
    }

    /// The names below Tests.
    private static let ofTests = Result { names(of: try Repository.files(below: "Tests", ["swift"])) }

    /// The pages, and the least number of names on each.
    @Test(arguments: [(LayeringTests.page, 100), ("\(folder)/Contributing.md", 40), ("\(folder)/Security.md", 10)])
    func thePagesNameWhatThereIs(_ page: String, _ least: Int) throws {
        var known = try Self.ofSources.get()
        // The architecture page is about Sources only.
        if page != LayeringTests.page { known.formUnion(try Self.ofTests.get()) }
        let names = try Self.names(in: Repository.text(page))
        #expect(names.count >= least)
        for name in names.sorted() {
            for part in name.split(whereSeparator: { ".+/".contains($0) }) {
                #expect(known.contains(String(part)), "\(page) names `\(name)`: there is no \(part)")
            }
        }
    }

    @Test func namesAreRecognised() {
        #expect(
            Self.names(in: "`Timeline.track`, `EndpointMachine+Sent`, `csv`, `-T json`, `make X`, `linkPayload`")
                == ["Timeline.track", "EndpointMachine+Sent", "linkPayload"])
        #expect(
            Self.declared(["    @inline(never) private func some(_ x: Int) {", "    case one, two"]) == [
                "some", "one", "two",
            ])
    }
}
