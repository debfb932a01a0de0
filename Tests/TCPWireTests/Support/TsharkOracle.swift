// What tshark says of a capture's TCP segments, as the fields that the corpus test compares.

import Foundation

/// tshark as a second opinion.
enum TsharkOracle {
    private static let path = "/usr/bin/tshark"

    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// For each frame number, the segment that tshark sees directly in its one IP packet; nil if tshark fails.
    ///
    /// Segments within tunnels, PPPoE, LLC and the like are left out: those the decoder does not open. So are those of
    /// ICMP errors, which are quotations.
    static func segments(of capture: String) -> [Int: [String]]? {
        let fields = [
            "frame.number", "frame.protocols", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst",
            "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.len",
        ]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments =
            [
                "-n", "-r", capture, "-Y", "tcp && !icmp && !icmpv6", "-o", "ip.defragment:FALSE", "-o",
                "ipv6.defragment:FALSE", "-o", "ip.tso_support:TRUE", "-T", "fields", "-E", "separator=/t", "-E",
                "occurrence=f",
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
            let known: Set = ["eth", "sll", "null", "raw", "ethertype", "vlan", "ieee8021ad"]
            var layers = column[1].split(separator: ":").map(String.init)[...]
            while let first = layers.first, known.contains(first) { layers.removeFirst() }
            guard let version = layers.popFirst(), version == "ip" || version == "ipv6" else { continue }
            while let first = layers.first, first.hasPrefix("ipv6.") || first == "ah" { layers.removeFirst() }
            guard layers.first == "tcp" else { continue }
            let isV6 = version == "ipv6"
            segments[number] =
                [isV6 ? column[3] : column[2], column[4], isV6 ? column[6] : column[5]] + column[7...]
        }
        return segments
    }
}
