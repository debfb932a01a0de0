// tcptrace finds the connections that tshark finds, with the same ends, and as complete.

import Foundation
import Testing

@Suite("Streams, as tshark finds them", .serialized)
struct StreamOracleTests {
    /// All captures of the corpus with TCP; the number of streams in each is tshark's own, in the corpus's index.
    private static func captures() throws -> [(name: String, streams: Int)] {
        try Corpus.table("INDEX.tsv").compactMap { row in
            guard let name = row["path"], let count = row["tcp_streams"].flatMap({ Int($0) }), count > 0 else {
                return nil
            }
            return (name, count)
        }
    }

    @Test(
        "as many connections as tshark counts in each capture",
        .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS"))
    func counts() throws {
        let captures = try Self.captures()
        #expect(captures.count > 500)
        var (equal, streams) = (0, 0)
        var used = Set<String>()
        for (name, expected) in captures {
            let outcome = try tcptrace("-r", (Corpus.path ?? "") + "/" + name, "-q", "--no-header")
            #expect([0, 1].contains(outcome.code), "\(name): \(outcome.errors)")
            // A line that begins with a number is a connection; gaps of the capture are told, too.
            let found = outcome.lines.count { $0.drop { $0 == " " }.first?.isNumber == true }
            streams += expected
            if found == expected {
                equal += 1
                continue
            }
            let known = StreamDifference.all.first { $0.capture == name }
            if known != nil { used.insert(name) }
            #expect(
                known?.found == found,
                "\(name): \(found) connections, tshark has \(expected); \(outcome.errors.suffix(200))")
        }
        print("streams: \(captures.count) captures with \(streams) streams; \(equal) captures have as many connections")
        for difference in StreamDifference.all {
            #expect(used.contains(difference.capture), "\(difference.capture) is equal now")
        }
    }

    /// Starting tshark takes a third of a second: a sample of the corpus, or all of it with TCPTRACE_ALL_STREAMS=1.
    @Test(
        "the same ends and completeness", .enabled(if: AnalysisOracle.isInstalled, "tshark 4.0 is not installed"),
        .timeLimit(.minutes(15)))
    func endsAndCompleteness() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Captures").path
        var paths = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".pcapng") && StreamDifference.ownCaptures[$0] == nil
        }
        .sorted()
        .map { folder + "/" + $0 }
        #expect(!paths.isEmpty)
        if let corpus = Corpus.path {
            let known = Set(StreamDifference.all.map { $0.capture })
            let all = ProcessInfo.processInfo.environment["TCPTRACE_ALL_STREAMS"] == "1"
            let names = try Self.captures().map { $0.name }.filter { !known.contains($0) }
            paths += names.enumerated().filter { all || $0.offset % 10 == 3 }.map { corpus + "/" + $0.element }
        } else {
            print("streams: no corpus, only the project's own captures are compared")
        }
        var (streams, equal, lone) = (0, 0, 0)
        for path in paths {
            let expected = try StreamOracle.tshark(path).sorted()
            let found = try StreamOracle.tcptrace(path).sorted()
            #expect(found.map { $0.ends } == expected.map { $0.ends }, "\(path)")
            guard found.count == expected.count else { continue }
            for (own, theirs) in zip(found, expected) {
                streams += 1
                if own == theirs {
                    equal += 1
                } else if theirs.completeness == 0 && theirs.segments == 1 {
                    // tshark forgets the bit of a stream's only segment if that is no SYN.
                    lone += 1
                } else {
                    Issue.record("\(path): \(own), tshark has \(theirs)")
                }
            }
        }
        print(
            "streams: \(streams) compared with tshark in \(paths.count) captures: \(equal) equal, \(lone) of one segment"
        )
    }
}
