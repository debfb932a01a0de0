// Checks that the imports under Sources, the module table of the architecture page and Package.swift agree.

import Foundation
import Testing

/// One row of the page's module table.
struct ModuleRow {
    let level: String
    let name: String
    let imports: Set<String>
}

@Suite struct LayeringTests {
    static let page = "Sources/tcptrace/Documentation.docc/Architecture.md"

    /// The rows of the table, in its order.
    static func table() throws -> [ModuleRow] {
        try Repository.text(page).split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 6, cells[1] == "C" || cells[1].wholeMatch(of: /L\d/) != nil else { return nil }
            let names = cells[4].matches(of: /`([^`]+)`/).map { String($0.output.1) }
            return ModuleRow(
                level: cells[1], name: cells[2].trimmingCharacters(in: ["`"]), imports: Set(names))
        }
    }

    /// The module that an `import` line names; nil if the line is no import.
    static func imported(by line: Substring) -> String? {
        let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
        let rest = words.drop { ["public", "package", "internal", "fileprivate", "private"].contains($0) }
        guard rest.first == "import" else { return nil }
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        return rest.dropFirst().drop { kinds.contains($0) }.first?.split(separator: ".").first.map(String.init)
    }

    @Test func everyImportIsAnArrowOfThePage() throws {
        let rows = Dictionary(uniqueKeysWithValues: try Self.table().map { ($0.name, $0) })
        for file in try Repository.sources(["swift"]) {
            let row = try #require(rows[file.module], "\(file.module) has no row in \(Self.page)")
            for (index, line) in file.lines.enumerated() {
                guard let module = Self.imported(by: line) else { continue }
                #expect(
                    row.imports.contains(module),
                    "\(file.path):\(index + 1) imports \(module), which \(Self.page) does not allow \(file.module)")
            }
        }
    }

    /// Every import that the page allows a module occurs in one of its files.
    @Test func everyArrowOfThePageIsSomeImport() throws {
        var imported: [String: Set<String>] = [:]
        for file in try Repository.sources(["swift"]) {
            imported[file.module, default: []].formUnion(file.lines.compactMap(Self.imported))
        }
        for row in try Self.table() where row.level != "C" {
            let unused = row.imports.subtracting(imported[row.name] ?? [])
            #expect(unused.isEmpty, "\(Self.page) allows \(row.name) \(unused.sorted()), which no file of it imports")
        }
    }

    @Test func thePackageHasTheArrowsOfThePage() throws {
        let rows = try Self.table()
        let targets = Set(rows.map(\.name)).union(["ArgumentParser"])
        let package = try Repository.text("Package.swift").replacing("argumentParser,", with: "\"ArgumentParser\",")
            .replacing("argumentParser]", with: "\"ArgumentParser\"]")
        // Captures a target's name and the first list after it, before the next target begins.
        let target = /(?:module|\.executableTarget|\.target)\(\s*(?:name: )?"([^"]+)"([^\[\]()]*\[([^\]]*)\])?/
        var dependencies: [String: Set<String>] = [:]
        for match in package.matches(of: target) where targets.contains(String(match.output.1)) {
            let names = (match.output.3 ?? "").matches(of: /"([^"]+)"/).map { String($0.output.1) }
            dependencies[String(match.output.1)] = Set(names)
        }
        for row in rows where row.level != "C" {
            #expect(
                dependencies[row.name] == row.imports.intersection(targets),
                "Package.swift and \(Self.page) differ about \(row.name)")
        }
    }

    @Test func theTableNamesTheModulesThereAre() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appendingPathComponent("Sources").path)
        #expect(Set(try Self.table().map(\.name)) == Set(folders.filter { !$0.hasPrefix(".") }))
    }

    @Test func arrowsGoUpwardsOnly() throws {
        let rows = try Self.table()
        let modules = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1.name, $0) })
        for (place, row) in rows.enumerated() {
            for name in row.imports {
                guard let other = modules[name] else { continue }
                #expect(other < place, "\(row.name) imports \(name), which is not above it")
                let isTheException = row.name == "TeachingLab" && name == "TraceSession"
                #expect(
                    rows[other].level != row.level || isTheException, "\(row.name) imports \(name) of its own level")
            }
        }
    }

    @Test func nothingImportsFoundation() throws {
        for row in try Self.table() { #expect(!row.imports.contains("Foundation"), "\(row.name)") }
    }

    @Test func importLinesAreRecognised() {
        #expect(Self.imported(by: "import Glibc") == "Glibc")
        #expect(Self.imported(by: "public import TCPModel") == "TCPModel")
        #expect(Self.imported(by: "@testable import TCPWire") == "TCPWire")
        #expect(Self.imported(by: "import struct Foundation.URL") == "Foundation")
        #expect(Self.imported(by: "// import Glibc") == nil)
        #expect(Self.imported(by: "let important = 1") == nil)
    }
}
