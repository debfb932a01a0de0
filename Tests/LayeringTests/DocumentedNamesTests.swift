// Checks the architecture page against the sources: every type, function and file that it names exists.

import Foundation
import Testing

@Suite struct DocumentedNamesTests {
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

    /// The names that these lines of Swift declare.
    static func declared(_ lines: [Substring]) -> Set<String> {
        var found: Set<String> = []
        for line in lines {
            let declarations = line.matches(
                of: /\b(?:struct|class|enum|protocol|typealias|extension|func|var|let)\s+([A-Za-z][A-Za-z0-9]*)/)
            found.formUnion(declarations.map { String($0.output.1) })
            if let cases = line.firstMatch(of: /^\s*(?:indirect )?case ([a-z][^:=]*)$/) {
                found.formUnion(cases.output.1.matches(of: /[a-z][A-Za-z0-9]*/).map { String($0.output) })
            }
        }
        return found
    }

    @Test func theArchitecturePageNamesWhatThereIs() throws {
        let files = try Repository.sources(["swift"])
        var known = files.reduce(into: Set<String>()) { $0.formUnion(Self.declared($1.lines)) }
        // Modules, folders and files.
        for row in try LayeringTests.table() { known.formUnion(row.imports.union([row.name])) }
        for file in files {
            known.formUnion(file.path.replacing(".swift", with: "").split { "/+".contains($0) }.map(String.init))
        }
        // The page names this protocol of the standard library.
        known.insert("BitwiseCopyable")
        let names = try Self.names(in: Repository.text(LayeringTests.page))
        #expect(names.count > 50)
        for name in names.sorted() {
            for part in name.split(whereSeparator: { ".+/".contains($0) }) {
                #expect(known.contains(String(part)), "\(LayeringTests.page) names `\(name)`: no \(part) in Sources")
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
