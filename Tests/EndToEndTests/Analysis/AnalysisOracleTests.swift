// `--events packet` gives each segment the flags that tshark 4.0 gives it, on other projects' captures and on a random
// one.

import CaptureBuilding
import Foundation
import Testing

@Suite(
    "Wireshark's analysis", .serialized, .enabled(if: AnalysisOracle.isInstalled, "tshark 4.0 is not installed"))
struct AnalysisOracleTests {
    @Test(
        "every capture of the corpus", .enabled(if: Sharkd.isInstalled, "tshark 4.0 with sharkd is not installed"),
        .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS"), .timeLimit(.minutes(10)))
    func corpusCaptures() throws {
        let frames = try SharkCorpus.frames.get()
        let own = try SharkCorpus.own.get()
        var (segments, equal, remarked) = (0, 0, 0)
        for (name, _) in try SharkCorpus.captures() {
            var expected: [Int: Set<String>] = [:]
            for frame in try #require(frames[name]) { expected[frame.number, default: []].formUnion(frame.analysis) }
            let found = try #require(own[name]).analysis
            var different: Set<Int> = []
            for (frame, flags) in found {
                segments += 1
                if !flags.isEmpty { remarked += 1 }
                if expected[frame] == flags { equal += 1 } else { different.insert(frame) }
            }
            if let (count, _) = AnalysisDifference.captures[name] {
                #expect(different.count == count, "\(name)")
                continue
            }
            let known = AnalysisDifference.all.filter { $0.capture == name }.flatMap { $0.frames }
            for frame in different.subtracting(known).sorted() {
                Issue.record(
                    "\(name) frame \(frame): \(found[frame]?.sorted() ?? []), tshark \(expected[frame]?.sorted() ?? [])"
                )
            }
            #expect(different.isSuperset(of: known), "\(name): listed as different, but equal")
        }
        print("analysis: \(segments) segments, \(remarked) with remarks, \(equal) equal to tshark's")
        #expect(segments > 100_000 && equal * 1000 >= segments * 998)
    }

    @Test("random exchanges", .timeLimit(.minutes(1)))
    func randomExchanges() throws {
        var exchanges = RandomExchanges(seed: 20_261_123)
        let path = NSTemporaryDirectory() + "/analysis-" + UUID().uuidString + ".pcap"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(exchanges.capture(exchanges: 600)).write(to: URL(fileURLWithPath: path))
        // Only one pass, because the second one judges SYN-ACKs by later ones.
        let expected = try #require(AnalysisOracle.expected(path, passes: 1))
        let found = try #require(try AnalysisOracle.found(path))
        #expect(expected.count > 5000 && found.count == expected.count)
        let different = expected.filter { found[$0.key] != $0.value }
        for (frame, flags) in different.sorted(by: { $0.key < $1.key }).prefix(10) {
            Issue.record("frame \(frame): \(found[frame]?.sorted() ?? []), tshark \(flags.sorted())")
        }
        #expect(different.isEmpty)
        let seen = expected.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        #expect(seen == Set(AnalysisOracle.names))
    }
}
