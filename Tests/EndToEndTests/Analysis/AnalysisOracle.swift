// The same capture read by tshark and by the built tcptrace: the tcp.analysis flags of each frame.

import Foundation

/// Both readings of a capture.
enum AnalysisOracle {
    /// Wireshark's names, as the records spell them.
    static let names = [
        "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "lost_segment",
        "ack_lost_segment", "duplicate_ack", "keep_alive", "keep_alive_ack", "window_update", "window_full",
        "zero_window", "zero_window_probe", "zero_window_probe_ack", "reused_ports", "tfo_syn", "tfo_ack",
        "tfo_ignored",
    ]

    private static let tshark = "/usr/bin/tshark"
    /// The time limit for one program, in seconds.
    private static let patience = "25"

    /// Whether the tshark version that has these rules is installed: other versions have other rules.
    static let isInstalled: Bool = {
        guard FileManager.default.isExecutableFile(atPath: tshark) else { return false }
        return (run(tshark, ["--version"])?.text ?? "").contains("TShark (Wireshark) 4.0.")
    }()

    /// Runs a program to its end, for at most 25 seconds: its output, its errors and its exit code; nil if it cannot be
    /// started.
    static func run(_ path: String, _ arguments: [String]) -> (text: String, errors: String, code: Int32)? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = [patience, path] + arguments
        let output = Pipe()
        let errorFile = NSTemporaryDirectory() + "/analysis-" + UUID().uuidString
        _ = FileManager.default.createFile(atPath: errorFile, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: errorFile) }
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: errorFile)
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let errors = String(decoding: FileManager.default.contents(atPath: errorFile) ?? Data(), as: UTF8.self)
        return (text, errors, process.terminationStatus)
    }

    /// tshark's flags by frame number; frames without TCP are left out.
    static func expected(_ capture: String, passes: Int) -> [Int: Set<String>]? {
        let options = (passes == 2 ? ["-2"] : []) + ["-n", "-r", capture, "-Y", "tcp"]
        let preferences = ["ip.defragment:TRUE", "ipv6.defragment:TRUE", "ip.tso_support:TRUE"].flatMap {
            ["-o", $0]
        }
        let fields = (["frame.number"] + names.map { "tcp.analysis.\($0)" }).flatMap { ["-e", $0] }
        guard let result = run(tshark, options + preferences + ["-T", "fields", "-E", "separator=/t"] + fields) else {
            return nil
        }
        var flags: [Int: Set<String>] = [:]
        for line in result.text.split(separator: "\n") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard columns.count == names.count + 1, let frame = Int(columns[0]) else { continue }
            flags[frame] = Set(zip(names, columns.dropFirst()).filter { !$0.1.isEmpty }.map { $0.0 })
        }
        return flags
    }

    /// tcptrace's flags by frame number.
    static func found(_ capture: String) throws -> [Int: Set<String>]? {
        let arguments = ["-r", capture, "-T", "json", "--events", "packet"]
        guard let result = run(Program.tcptrace, arguments) else { return nil }
        var flags: [Int: Set<String>] = [:]
        for line in result.text.split(separator: "\n") where line.hasPrefix(#"{"_path":"packet""#) {
            guard let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let frame = record["frame"] as? Int, let names = record["analysis"] as? [String]
            else { continue }
            flags[frame] = Set(names)
        }
        return flags
    }
}
