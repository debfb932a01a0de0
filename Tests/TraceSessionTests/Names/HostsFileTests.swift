// Files of hosts(5), including malformed ones.

import Foundation
import TCPModel
import Testing

@testable import TraceSession

@Suite struct HostsFileTests {
    @Test func theFirstNameOfTheFirstLineCounts() {
        let text = """
            127.0.0.1\tlocalhost loop # comment
            # 10.0.0.1 nobody
              10.0.0.2   two.example two#three

            ::1 ip6-localhost
            10.0.0.2 other
            10.0.0.3
            10.0.0.4 #
            fe80::1%lo scoped
            10.0.0 short
            300.1.1.1 large
            host 10.0.0.9\r
            """
        let mine = [IPAddress.loopbackV4, IPAddress(v4: 0x0a00_0002), IPAddress(high: 0, low: 1)]
        let found = HostsFile.names(in: text[...])
        #expect(mine.map { found[$0] } == ["localhost", "two.example", "ip6-localhost"])
        #expect(found.count == 3, "\(found)")
    }

    @Test func aHostileFileIsBounded() throws {
        var many = ""
        for index in 0..<40_000 { many += "10.\(index >> 16).\(index >> 8 & 255).\(index & 255) host\(index)\n" }
        #expect(HostsFile.names(in: many[...]).count == HostsFile.mostAddresses)
        let path = NSTemporaryDirectory() + "hosts-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        // A name that the size limit cuts in two is not used.
        let start = "10.0.0.1 first\n#"
        let text =
            start + String(repeating: "x", count: HostsFile.most - start.utf8.count - 13) + "\n10.0.0.2 secondhalf\n"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(HostsFile.names(path) == [IPAddress(v4: 0x0a00_0001): "first"])
        let junk = (0..<HostsFile.most * 2).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        try Data(junk).write(to: URL(fileURLWithPath: path))
        #expect(HostsFile.names(path).count <= HostsFile.mostAddresses)
        #expect(HostsFile.names(path + "-none").isEmpty)
    }

    /// The entries of this machine's file agree with the system's answers.
    @Test func itSaysWhatTheSystemSays() {
        let names = HostsFile.names()
        for (address, name) in names.prefix(50) where address != .anyV4 {
            #expect(askSystem(.host(address)) == .name(name), "\(address)")
        }
    }
}
