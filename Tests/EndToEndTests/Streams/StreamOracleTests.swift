// tcptrace finds the same connections as tshark, with the same ends and the same completeness.

import CaptureBuilding
import Foundation
import Testing

@Suite("Streams, as tshark finds them", .serialized)
struct StreamOracleTests {
    @Test(
        "as many connections as tshark counts in each capture",
        .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS"))
    func counts() throws {
        let captures = try SharkCorpus.captures()
        #expect(captures.count > 500)
        var (equal, streams) = (0, 0)
        var used = Set<String>()
        for (name, expected) in captures {
            let outcome = try tcptrace("-r", (Corpus.path ?? "") + "/" + name, "-q", "--no-header")
            #expect([0, 1].contains(outcome.code), "\(name): \(outcome.errors)")
            // A line that begins with a number is a connection; other lines report gaps in the capture.
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

    @Test(
        "the same ends and completeness in every capture of the corpus",
        .enabled(if: Sharkd.isInstalled, "tshark 4.0 with sharkd is not installed"),
        .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS"), .timeLimit(.minutes(10)))
    func corpus() throws {
        let frames = try SharkCorpus.frames.get()
        var sum = Agreement()
        for (name, _) in try SharkCorpus.captures() {
            let expected = StreamOracle.streams(try #require(frames[name], "\(name)"))
            let found = try #require(try SharkCorpus.own.get()[name]).streams
            sum.compare(
                found, expected, name,
                // Where a proxy carries streams, tshark also shows the segments, and these are the same.
                StreamDifference.all.contains { $0.capture == name && $0.reason != .proxy }
                    ? .streams : StreamDifference.completeness[name] != nil ? .completeness : .none)
        }
        print("streams: whole corpus: \(sum)")
        #expect(sum.streams > 2500)
    }

    @Test(
        "the same ends and completeness in our own captures",
        .enabled(if: Sharkd.isInstalled, "tshark 4.0 with sharkd is not installed"), .timeLimit(.minutes(2)))
    func ownCaptures() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Captures").path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".pcapng") }
        #expect(!names.isEmpty)
        let frames = try Sharkd.read(names.map { folder + "/" + $0 })
        var sum = Agreement()
        for name in names {
            let expected = StreamOracle.streams(try #require(frames[folder + "/" + name], "\(name)"))
            let found = try StreamOracle.tcptrace(folder + "/" + name).streams
            sum.compare(found, expected, name, StreamDifference.ownCaptures[name] == nil ? .none : .streams)
        }
        print("streams: own captures: \(sum)")
    }
}

/// How far two readings agree.
private struct Agreement: CustomStringConvertible {
    var captures = 0
    var streams = 0
    var equal = 0
    /// Streams of one segment without SYN, whose completeness bit tshark forgets.
    var lone = 0
    /// Streams without a partner, in captures with a listed difference.
    var excused = 0

    var description: String {
        "\(streams) streams in \(captures) captures: \(equal) equal, \(lone) of one segment, \(excused) explained"
    }

    /// The extent of a listed difference.
    enum Excuse {
        case none
        /// Same ends, different completeness.
        case completeness
        /// Streams found by only one of the two.
        case streams
    }

    /// Compares one capture.
    mutating func compare(_ found: [Stream], _ expected: [Stream], _ name: String, _ excuse: Excuse) {
        captures += 1
        streams += expected.count
        var rest = found
        var strangers: [Stream] = []
        for stream in expected {
            if let place = rest.firstIndex(of: stream) {
                rest.remove(at: place)
                equal += 1
            } else if stream.completeness == 0 && stream.segments == 1,
                let place = rest.firstIndex(where: { $0.ends == stream.ends })
            {
                rest.remove(at: place)
                lone += 1
            } else {
                strangers.append(stream)
            }
        }
        excused += strangers.count
        let comment = "\(name): only tshark \(strangers), only here \(rest)"
        switch excuse {
        case .none: #expect(strangers.isEmpty && rest.isEmpty, "\(comment)")
        case .completeness:
            let ends = strangers.map { $0.ends.joined() }
            #expect(ends.sorted() == rest.map { $0.ends.joined() }.sorted(), "\(comment)")
            #expect(!strangers.isEmpty, "\(name) is equal now")
        case .streams: #expect(!strangers.isEmpty || !rest.isEmpty, "\(name) is equal now")
        }
    }
}
