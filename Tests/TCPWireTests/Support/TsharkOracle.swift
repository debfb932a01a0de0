// What tshark reports about a capture's TCP segments, as the fields that the corpus tests compare.

import Foundation

/// tshark as a second opinion.
enum TsharkOracle {
    private static let path = "/usr/bin/tshark"

    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// A copy of a capture in the format that `ClassicPcap` reads; nil if tshark fails. The caller removes it.
    static func classicCopy(of capture: String) -> String? {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pcap").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-n", "-r", capture, "-F", "pcap", "-w", copy]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return FileManager.default.fileExists(atPath: copy) ? copy : nil
    }

    /// For each frame number, the innermost segment that tshark sees; nil if tshark fails.
    ///
    /// Segments within ICMP errors are left out, because they are only quoted.
    static func segments(of capture: String) -> [Int: [String]]? {
        let fields = [
            "frame.number", "frame.protocols", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst",
            "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.len",
        ]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments =
            [
                "-n", "-r", capture, "-Y", "tcp && !icmp && !icmpv6", "-o", "ip.defragment:TRUE", "-o",
                "ipv6.defragment:TRUE", "-o", "ip.tso_support:TRUE", "-T", "fields", "-E", "separator=/t", "-E",
                "occurrence=l",
            ] + fields.flatMap { ["-e", $0] }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()

        var segments: [Int: [String]] = [:]
        for line in text.split(separator: "\n") {
            let column = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard column.count == fields.count, let number = Int(column[0]) else { continue }
            // The IP header nearest to the last TCP header, whatever precedes it.
            let layers = column[1].split(separator: ":").map(String.init)
            guard let tcp = layers.lastIndex(of: "tcp"),
                let version = layers[..<tcp].last(where: { $0 == "ip" || $0 == "ipv6" })
            else { continue }
            let isV6 = version == "ipv6"
            segments[number] =
                [isV6 ? column[3] : column[2], column[4], isV6 ? column[6] : column[5]] + column[7...]
        }
        return segments
    }
}
