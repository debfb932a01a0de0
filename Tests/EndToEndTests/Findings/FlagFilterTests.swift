// CASES X15: each of our captures, replayed through a filter that passes only SYN, FIN and RST: no new finding appears
// except capture-gap.

import Foundation
import Testing

@Suite struct FlagFilterTests {
    /// pcap-filter's `tcp[tcpflags]` works for IPv4 only.
    private static let filter = """
        ip and tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0 or ip6 and ip6[6] == 6 and ip6[53] & 7 != 0
        """

    private static let captures: [String] = {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Captures").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".pcapng") }.sorted().map { directory + "/" + $0 }
    }()

    private static func codes(_ path: String, _ filter: String) throws -> Set<String> {
        Set(try records(tcptrace("-r", path, "-T", "json", filter), "finding").compactMap { $0["code"] as? String })
    }

    @Test func X15_nothingIsFoundThatTheWholeCaptureDoesNotHave() throws {
        try #require(Self.captures.count > 20)
        for path in Self.captures {
            let added = try Self.codes(path, Self.filter).subtracting(Self.codes(path, "tcp"))
            #expect(added.isSubset(of: ["capture-gap"]), "\(path): \(added)")
        }
    }
}
