// The scenarios' connections compared with tshark: it must find as many of them, with the same completeness.

import CaptureBuilding
import Foundation
import TCPModel
import Testing

@Suite struct TsharkTests {
    /// Scenarios on which tshark disagrees, and why it is not the reference there.
    static let differences = [
        "E15b-forged-reset-and-syn":
            "begins another stream with every SYN of another number, even one that is challenged",
        "H37-syn-inside-the-connection": "the same",
        "H14-split-handshake": "takes the server's SYN, sent apart from its ACK, for another stream",
        "X04b-midstream-reset-alone": "prints 0 for a stream of one RST, though it has ACK and RST",
        "X20-mapped-addresses": "takes an IPv4-mapped address for another one",
    ]

    private static let program = ["/usr/bin/tshark", "/usr/local/bin/tshark"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// One capture of all scenarios, told apart by the second octet of their IPv4 addresses.
    private static func capture(_ scenarios: [ScenarioFile]) -> [UInt8] {
        var bytes = WireRun.emptyFile.bytes
        for (index, scenario) in scenarios.enumerated() {
            var moved = scenario
            for step in moved.steps.indices {
                guard case .segment(var segment, let number, let frame) = moved.steps[step].kind else { continue }
                segment.tuple.source.address = marked(segment.tuple.source.address, index)
                segment.tuple.destination.address = marked(segment.tuple.destination.address, index)
                moved.steps[step].kind = .segment(segment, connection: number, frame: frame)
            }
            bytes += WireRun.capture(moved).bytes.dropFirst(WireRun.emptyFile.bytes.count)
        }
        return bytes
    }

    private static func marked(_ address: IPAddress, _ index: Int) -> IPAddress {
        IPAddress(v4: address.v4 & 0xff00_ffff | UInt32(index) << 16)
    }

    /// The final `tcp.completeness` of each stream, by scenario, in the order of the streams' first segments.
    private static func ask(_ program: String, _ path: String) throws -> [Int: [String]] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments =
            ["-r", path, "-2", "-T", "fields", "-E", "occurrence=l"]
            + ["ip.src", "ipv6.src", "tcp.stream", "tcp.completeness"].flatMap { ["-e", $0] }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        var streams: [Int: [(stream: String, completeness: String)]] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 4, !fields[2].isEmpty else { continue }
            let address = fields[1].isEmpty ? fields[0] : fields[1].replacing("::ffff:", with: "")
            guard let mark = address.split(separator: ".").dropFirst().first.flatMap({ Int($0) }) else { continue }
            if let place = streams[mark, default: []].firstIndex(where: { $0.stream == fields[2] }) {
                streams[mark]?[place].completeness = fields[3]
            } else {
                streams[mark, default: []].append((fields[2], fields[3]))
            }
        }
        return streams.mapValues { $0.map { $0.completeness } }
    }

    @Test(.enabled(if: program != nil, "needs tshark"))
    func completenessIsTsharks() throws {
        let scenarios = try ScenarioFile.names.map { try ScenarioFile(named: $0) }
        let path = NSTemporaryDirectory() + "scenarios-\(ProcessInfo.processInfo.processIdentifier).pcap"
        try Data(Self.capture(scenarios)).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let theirs = try Self.ask(#require(Self.program), path)
        for (index, scenario) in scenarios.enumerated() where !scenario.endings.isEmpty {
            let ours = scenario.endings.keys.sorted().map { scenario.endings[$0]?.words.last ?? "" }
            let other = theirs[index] ?? []
            if let reason = Self.differences[scenario.name] {
                #expect(ours != other, "\(scenario.name) does not differ any more: \(reason)")
            } else {
                #expect(ours == other, "\(scenario.name)")
            }
        }
    }
}
