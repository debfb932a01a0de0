// --long gives classic tcptrace's numbers under classic's names, apart from a list of reviewed differences.

import CaptureBuilding
import Foundation
import Testing

/// The captures of classic's own tests, from the corpus.
private let captures: String? = Corpus.path.map { $0 + "/blitz-tcptrace" }.flatMap {
    FileManager.default.fileExists(atPath: $0) ? $0 : nil
}

@Suite(
    "Classic tcptrace", .serialized, .enabled(if: ClassicStatistics.isInstalled, "classic tcptrace is not installed"))
struct ClassicTests {
    /// How often each field agreed, and how often a known difference explained it.
    private struct Comparison {
        var agreed: [String: Int] = [:]
        var explained: [String: Int] = [:]
        var connections = 0
    }

    /// Equal, or equal within classic's one decimal.
    private static func agree(_ classic: String, _ ours: String) -> Bool {
        if classic == ours { return true }
        guard classic.contains("."), let classic = Double(classic), let ours = Double(ours) else { return false }
        return abs(classic - ours) <= 0.051
    }

    private func compare(_ path: String, _ name: String, _ result: inout Comparison) throws {
        var ours = try ClassicStatistics.ours(path)
        for block in try ClassicStatistics.classic(path) {
            guard let index = ours.firstIndex(where: { $0.ends == block.ends || $0.ends == block.ends.reversed() })
            else {
                if ClassicDifference.connections[name] == nil { Issue.record("\(name): \(block.ends) is missing") }
                continue
            }
            let own = ours.remove(at: index)
            let isSwapped = own.ends != block.ends
            result.connections += 1
            for (field, values) in block.fields {
                let found = own.fields[field].map { isSwapped ? $0.reversed() : $0 }
                for side in 0..<2 {
                    let value = found?[side] ?? "(absent)"
                    if Self.agree(values[side], value) {
                        result.agreed[field, default: 0] += 1
                        continue
                    }
                    let known = ClassicDifference.all.contains {
                        ($0.fields?.contains(field) ?? true) && ($0.capture ?? name) == name
                            && $0.explains(values[side], value, block.isComplete)
                    }
                    result.explained[field, default: 0] += known ? 1 : 0
                    if !known {
                        Issue.record("\(name) \(block.ends) \(field)[\(side)]: classic \(values[side]), ours \(value)")
                    }
                }
            }
        }
    }

    private func report(_ result: Comparison) {
        for field in Set(result.agreed.keys).union(result.explained.keys).sorted() {
            print("classic: \(field): \(result.agreed[field] ?? 0) agree, \(result.explained[field] ?? 0) explained")
        }
    }

    @Test(
        "the captures of classic's own tests", .enabled(if: captures != nil, "no captures: set TCPTRACE_CORPUS"),
        .timeLimit(.minutes(3)))
    func classicCaptures() throws {
        let folder = try #require(captures)
        let scratch = try Scratch()
        var result = Comparison()
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            // Classic's other formats are not read here.
            guard file.hasSuffix(".dmp.gz") || file.hasSuffix(".pcap.gz") else { continue }
            let name = String(file.dropLast(3))
            let path = scratch.file(name)
            #expect(try shell("gunzip -c \"$1\" > \"$2\"", folder + "/" + file, path).code == 0)
            try compare(path, name, &result)
        }
        report(result)
        #expect(result.connections >= 70)
        #expect(result.agreed["total packets", default: 0] >= 150)
        #expect(result.agreed.values.reduce(0, +) >= 8000)
    }

    @Test("the recorded captures") func recordedCaptures() throws {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let folder = root.path + "/Captures"
        var result = Comparison()
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        where file.hasSuffix(".pcapng") {
            try compare(folder + "/" + file, file, &result)
        }
        report(result)
        #expect(result.connections >= 15)
    }
}
