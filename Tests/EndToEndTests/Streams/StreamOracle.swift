// The same capture read by tshark and by the built tcptrace: its connections, and how complete each is.

import Foundation
import Testing

/// One connection as both tools can name it: two ends in no order, and Wireshark's completeness.
struct Stream: Hashable, Comparable, CustomStringConvertible {
    var ends: [String]
    var completeness: Int
    /// How many segments it has; not part of what is compared.
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
    /// Two passes: in one, a frame's completeness is the value before it.
    static func tshark(_ capture: String) throws -> [Stream] {
        let fields = ["tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport"]
        let arguments =
            ["-2", "-n", "-r", capture, "-Y", "tcp && !icmp && !icmpv6", "-o", "ip.defragment:TRUE", "-T", "fields"]
            + ["-E", "separator=/t", "-E", "occurrence=l"]
            + (fields + ["tcp.completeness", "frame.protocols"]).flatMap { ["-e", $0] }
        let outcome = try Program("/usr/bin/timeout", ["25", "/usr/bin/tshark"] + arguments).end()
        var streams: [Int: Stream] = [:]
        for line in outcome.text.split(separator: "\n") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard columns.count == 9, let number = Int(columns[0]) else { continue }
            // The innermost IP header is the one whose addresses count.
            let isIPv6 = columns[8].split(separator: ":").last { $0 == "ip" || $0 == "ipv6" } == "ipv6"
            let source = (isIPv6 ? columns[2] : columns[1]) + " " + columns[3]
            let destination = (isIPv6 ? columns[5] : columns[4]) + " " + columns[6]
            let segments = streams[number]?.segments ?? 0
            streams[number] = Stream(
                ends: [source, destination].sorted(), completeness: Int(columns[7]) ?? -1, segments: segments + 1)
        }
        return streams.keys.sorted().compactMap { streams[$0] }
    }

    /// The connections that tcptrace finds.
    static func tcptrace(_ capture: String) throws -> [Stream] {
        let outcome = try Program(Program.tcptrace, ["-r", capture, "-T", "json"]).end()
        return try records(outcome, "conn").map { record in
            func end(_ side: String) -> String {
                "\(record["id.\(side)_h"] as? String ?? "?") \(record["id.\(side)_p"] as? Int ?? -1)"
            }
            let segments = (record["orig_pkts"] as? Int ?? 0) + (record["resp_pkts"] as? Int ?? 0)
            return Stream(
                ends: [end("orig"), end("resp")].sorted(), completeness: record["completeness"] as? Int ?? -1,
                segments: segments)
        }
    }
}
