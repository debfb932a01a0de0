// Runs classic tcptrace -l and tcptrace --long over a capture and reads both outputs.

import Foundation
import Testing

/// The statistics of one connection: for each field, the value of the first end and that of the second.
struct LongBlock: Equatable {
    /// Both ends, as `address:port`; the first one belongs to the first value of each pair.
    var ends: [String] = []
    var fields: [String: [String]] = [:]
    var isComplete = true
}

enum ClassicStatistics {
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tcptrace")

    /// Classic's blocks for a capture.
    static func classic(_ path: String) throws -> [LongBlock] {
        let outcome = try Program("/usr/bin/tcptrace", ["-l", "-n", "-r", "-W", path]).end()
        var blocks: [LongBlock] = []
        var isOpen = false
        for line in outcome.lines {
            if let match = line.wholeMatch(of: /\s+host \w+:\s+(\S+)/) {
                if !isOpen { blocks.append(LongBlock()) }
                isOpen = true
                blocks[blocks.count - 1].ends.append(String(match.output.1))
            } else if line.contains("complete conn:"), !blocks.isEmpty {
                blocks[blocks.count - 1].isComplete = line.contains("yes")
            } else if let (name, values) = fields(line), !blocks.isEmpty {
                isOpen = false
                blocks[blocks.count - 1].fields[name] = values
            }
        }
        return blocks
    }

    /// The blocks of tcptrace --long for a capture.
    static func ours(_ path: String) throws -> [LongBlock] {
        let outcome = try tcptrace("-r", path, "--long", "--width", "200")
        var blocks: [LongBlock] = []
        for line in outcome.lines {
            if let match = line.prefixMatch(of: /TCP \d+  (\S+) > (\S+)/) {
                let ends = [match.output.1, match.output.2].map { $0.filter { $0 != "[" && $0 != "]" } }
                blocks.append(LongBlock(ends: ends.map { String($0) }))
            } else if let (name, values) = fields(line), !blocks.isEmpty {
                blocks[blocks.count - 1].fields[name] = values
            }
        }
        return blocks
    }

    /// Parses a line of the form `     label:   value unit      label:   value unit`.
    private static func fields(_ line: String) -> (String, [String])? {
        let pattern = #/\s{5}(\S.{0,17}?):\s+(\S+)\s(.{0,5}?)\s*\s{5}(\S.{0,17}?):\s+(\S+)\s?(\S*)\s*/#
        guard let match = line.wholeMatch(of: pattern), match.output.1 == match.output.4 else { return nil }
        let unit = match.output.1 == "initial window" ? " \(match.output.6)" : ""
        return (match.output.1 + unit, [String(match.output.2), String(match.output.5)])
    }
}
