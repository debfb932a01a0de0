// Reads many captures with one Wireshark: `sharkd`, which comes with tshark, loads one after another without a restart.

import CaptureBuilding
import Foundation
import Testing

/// Wireshark's view of one frame with TCP.
struct SharkFrame {
    var number: Int
    var stream: Int
    /// The two ends of the innermost packet, in no order.
    var ends: [String]
    var completeness: Int
    /// Names of `tcp.analysis` flags.
    var analysis: Set<String>
}

enum Sharkd {
    private static let path = "/usr/bin/sharkd"
    /// Loading mostly waits, so there are more of these than processors.
    private static let processes = 6

    /// Whether the Wireshark version that has these rules is installed.
    static let isInstalled = AnalysisOracle.isInstalled && FileManager.default.isExecutableFile(atPath: path)

    /// The requested columns, each with all of its occurrences.
    private static let columns =
        [
            "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.completeness",
            "frame.protocols",
        ] + AnalysisOracle.names.map { "tcp.analysis.\($0)" }

    /// The frames with TCP of each capture, except those with an ICMP error, which quotes a segment.
    static func read(_ captures: [String]) throws -> [String: [SharkFrame]] {
        let scratch = try Scratch()
        let shares = (0..<processes).map { share in
            captures.enumerated().filter { $0.offset % processes == share }.map { $0.element }
        }
        let programs = try shares.enumerated().map { index, share in
            try Program(path, ["-"], input: scratch.write(Array(requests(share).utf8), as: "requests-\(index)"))
        }
        var frames: [String: [SharkFrame]] = [:]
        for (program, share) in zip(programs, shares) {
            try #require(wait(300) { program.hasEnded }, "sharkd does not end")
            for line in program.output.split(separator: "\n") {
                guard let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let number = answer["id"] as? Int, number > 0, share.indices.contains(number - 1),
                    let rows = answer["result"] as? [[String: Any]]
                else { continue }
                frames[share[number - 1]] = rows.compactMap(frame)
            }
        }
        return frames
    }

    /// Requests numbered beyond the captures only set something up; requests for frames have the capture's number.
    private static func requests(_ captures: [String]) throws -> String {
        var text = ""
        let setUp = captures.count + 1
        func ask(_ method: String, _ number: Int, _ parameters: [String: String]) throws {
            let object = try JSONSerialization.data(withJSONObject: parameters, options: .withoutEscapingSlashes)
            // sharkd insists on this order of the members.
            text += #"{"jsonrpc":"2.0","id":\#(number),"method":"\#(method)","params":"#
            text += String(decoding: object, as: UTF8.self) + "}\n"
        }
        for name in ["ip.defragment", "ipv6.defragment", "ip.tso_support"] {
            try ask("setconf", setUp, ["name": name, "value": "TRUE"])
        }
        for (index, capture) in captures.enumerated() {
            try ask("load", setUp, ["file": capture])
            // sharkd caches the matches of a filter by its text alone, so each capture needs a different text.
            var parameters = ["filter": "tcp && !icmp && !icmpv6 && frame.number < \(1_000_000 + index)"]
            for (place, column) in columns.enumerated() { parameters["column\(place)"] = column + ":0" }
            try ask("frames", index + 1, parameters)
        }
        return text
    }

    private static func frame(_ row: [String: Any]) -> SharkFrame? {
        guard let number = row["num"] as? Int, let values = row["c"] as? [String], values.count == columns.count
        else { return nil }
        // The innermost header is the last one; a frame with several segments has them in order.
        func last(_ place: Int) -> String { values[place].split(separator: ",").last.map(String.init) ?? "" }
        guard let stream = Int(last(0)) else { return nil }
        let isIPv6 = values[8].split(separator: ":").last { $0 == "ip" || $0 == "ipv6" } == "ipv6"
        let source = last(isIPv6 ? 2 : 1) + " " + last(3)
        let destination = last(isIPv6 ? 5 : 4) + " " + last(6)
        // In `Incomplete, DATA (15)` the number counts.
        let completeness = values[7].split(separator: "(").last?.prefix { $0.isNumber }
        return SharkFrame(
            number: number, stream: stream, ends: [source, destination].sorted(),
            completeness: completeness.flatMap { Int($0) } ?? -1,
            analysis: Set(zip(AnalysisOracle.names, values.dropFirst(9)).filter { !$0.1.isEmpty }.map { $0.0 }))
    }
}

/// The whole corpus as Wireshark reads it, read once for all tests.
enum SharkCorpus {
    /// Captures of the corpus with TCP.
    static func captures() throws -> [(name: String, streams: Int)] {
        try Corpus.table("INDEX.tsv").compactMap { row in
            guard let name = row["path"], let count = row["tcp_streams"].flatMap({ Int($0) }), count > 0 else {
                return nil
            }
            return (name, count)
        }
    }

    /// The same captures as tcptrace reads them.
    static let own = Result { () throws -> [String: (streams: [Stream], analysis: [Int: Set<String>])] in
        guard let corpus = Corpus.path else { return [:] }
        var all: [String: (streams: [Stream], analysis: [Int: Set<String>])] = [:]
        for (name, _) in try captures() { all[name] = try StreamOracle.tcptrace(corpus + "/" + name) }
        return all
    }

    /// By path in the corpus.
    static let frames = Result { () throws -> [String: [SharkFrame]] in
        guard let corpus = Corpus.path else { return [:] }
        let read = try Sharkd.read(try captures().map { corpus + "/" + $0.name })
        return Dictionary(uniqueKeysWithValues: read.map { (String($0.key.dropFirst(corpus.count + 1)), $0.value) })
    }
}
