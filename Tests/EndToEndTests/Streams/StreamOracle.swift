// The same capture read by tshark and by the built tcptrace: its connections, and how complete each is.

import Foundation
import Testing

/// One connection as both tools can name it: two ends in no order, and Wireshark's completeness.
struct Stream: Hashable, Comparable, CustomStringConvertible {
    var ends: [String]
    var completeness: Int
    /// The number of segments; not compared.
    var segments = 0

    static func == (left: Stream, right: Stream) -> Bool {
        left.ends == right.ends && left.completeness == right.completeness
    }
    static func < (left: Stream, right: Stream) -> Bool {
        (left.ends.joined(), left.completeness) < (right.ends.joined(), right.completeness)
    }
    func hash(into hasher: inout Hasher) {
        hasher.combine(ends)
        hasher.combine(completeness)
    }
    var description: String { "\(ends.joined(separator: " - ")) completeness \(completeness)" }
}

enum StreamOracle {
    /// The streams that the frames make up, ordered by stream number.
    static func streams(_ frames: [SharkFrame]) -> [Stream] {
        var streams: [Int: Stream] = [:]
        for frame in frames {
            let segments = streams[frame.stream]?.segments ?? 0
            streams[frame.stream] = Stream(ends: frame.ends, completeness: frame.completeness, segments: segments + 1)
        }
        return streams.keys.sorted().compactMap { streams[$0] }
    }

    /// The connections that tcptrace finds, and the names of Wireshark's analysis by frame.
    static func tcptrace(_ capture: String) throws -> (streams: [Stream], analysis: [Int: Set<String>]) {
        let outcome = try Program(Program.tcptrace, ["-r", capture, "-T", "json", "--events", "packet"]).end()
        var streams: [Stream] = []
        var analysis: [Int: Set<String>] = [:]
        for line in outcome.text.split(separator: "\n") {
            let isConnection = line.hasPrefix(#"{"_path":"conn""#)
            guard isConnection || line.hasPrefix(#"{"_path":"packet""#),
                let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            else { continue }
            if isConnection {
                streams.append(stream(record))
            } else if let frame = record["frame"] as? Int, let names = record["analysis"] as? [String] {
                analysis[frame, default: []].formUnion(names)
            }
        }
        return (streams, analysis)
    }

    private static func stream(_ record: [String: Any]) -> Stream {
        func end(_ side: String) -> String {
            "\(record["id.\(side)_h"] as? String ?? "?") \(record["id.\(side)_p"] as? Int ?? -1)"
        }
        let segments = (record["orig_pkts"] as? Int ?? 0) + (record["resp_pkts"] as? Int ?? 0)
        return Stream(
            ends: [end("orig"), end("resp")].sorted(), completeness: record["completeness"] as? Int ?? -1,
            segments: segments)
    }
}
