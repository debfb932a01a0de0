// The system's names, compared with getent(1), which uses the same databases.

import Foundation
import TCPModel
import Testing

@testable import TraceSession

@Suite struct SystemNamesTests {
    /// The words in getent's first line; empty if it found nothing.
    private static func getent(_ words: String...) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["getent"] + words
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return output.split(separator: "\n").first?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
    }

    @Test func loopbackIsCalledWhatGetentSays() throws {
        let expected = try Self.getent("hosts", "127.0.0.1")
        guard expected.count > 1 else {
            print("127.0.0.1 has no name here: not compared")
            return
        }
        #expect(askSystem(.host(.loopbackV4)) == .name(expected[1]))
    }

    @Test(arguments: [22, 25, 80, 443, 631, 3306, 5432, 9500] as [UInt16])
    func servicesAreCalledWhatGetentSays(_ port: UInt16) throws {
        let expected = try Self.getent("services", "\(port)/tcp")
        #expect(askSystem(.service(port)) == .name(expected.first ?? "\(port)"))
    }

    /// The address is from the documentation prefix (RFC 3849): no file lists it, and no server should know it.
    @Test func anIPv6AddressIsAskedFor() throws {
        let expected = try Self.getent("hosts", "2001:db8::1")
        let answer = askSystem(.host(IPAddress(high: 0x2001_0db8_0000_0000, low: 1)))
        if expected.count > 1 {
            #expect(answer == .name(expected[1]))
        } else {
            #expect([.none, .failed].contains(answer))
        }
    }
}
