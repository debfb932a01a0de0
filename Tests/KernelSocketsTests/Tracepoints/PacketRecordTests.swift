// How records of dropped packets are decoded.

import TCPModel
import Testing

@testable import KernelSockets

@Suite struct PacketRecordTests {
    private func little(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private func record(_ header: [UInt8], protocolNumber: [UInt8] = [8, 0], kind: Int = 3) -> [UInt8] {
        little(1000, 8) + little(0xabcd, 8) + little(0xef, 8) + little(7, 4) + little(kind, 2) + protocolNumber
            + header + [UInt8](repeating: 0, count: 64 - header.count)
    }

    /// An IPv4 header (RFC 791 3.1) from 10.0.0.2 to 127.0.0.1, and TCP's ports 40000 and 9500.
    private func version4(words: UInt8 = 5, number: UInt8 = 6, fragment: [UInt8] = [0x40, 0]) -> [UInt8] {
        [0x40 | words, 0, 0, 60, 0, 0] + fragment + [64, number, 0, 0, 10, 0, 0, 2, 127, 0, 0, 1]
            + [UInt8](repeating: 1, count: max(0, Int(words) - 5) * 4) + [0x9c, 0x40, 0x25, 0x1c]
    }

    private func decode(_ bytes: [UInt8]) -> SocketEvent? {
        unsafe PacketRecord.decode(bytes.span.bytes, offset: 5) { KernelWord("\($0)") }
    }

    @Test(arguments: [5, 6, 15] as [UInt8]) func aRecordIsAnEventOfTheReceiver(_ words: UInt8) throws {
        let bytes = record(version4(words: words))
        #expect(unsafe PacketRecord.isOne(bytes.span.bytes))
        let event = try #require(decode(bytes))
        #expect(event.kind == .dropped(reason: "7") && event.time.nanoseconds == 1005)
        #expect(event.socket == 0xabcd && event.packet == 0xef && !event.isProcessContext)
        #expect(event.local == SocketAddress(.loopbackV4, 9500))
        #expect(event.remote == SocketAddress(IPAddress(v4: 0x0a00_0002), 40000))
    }

    @Test func aPacketOfIPv6() throws {
        let zeros = [UInt8](repeating: 0, count: 13)
        let header =
            [0x60, 0, 0, 0, 0, 20, 6, 64] + [0x20, 1] + zeros + [9] + zeros + [0, 0, 1] + [0x9c, 0x40, 0x25, 0x1c]
        let event = try #require(decode(record(header, protocolNumber: [0x86, 0xdd])))
        #expect(event.local.description == "[::1]:9500" && event.remote.description == "[2001::9]:40000")
    }

    @Test func whatIsNoneOfTCPsIsNone() {
        #expect(decode(record(version4(number: 17))) == nil, "UDP")
        #expect(decode(record(version4(fragment: [0, 1]))) == nil, "a later fragment has no ports")
        #expect(decode(record(version4(words: 4))) == nil && decode(record([])) == nil)
        #expect(decode(record(version4(), protocolNumber: [0x86, 0xdd])) == nil)
        for length in 0..<96 {
            let bytes = Array(record(version4()).prefix(length))
            #expect(unsafe !PacketRecord.isOne(bytes.span.bytes))
        }
        let other = record(version4(), kind: 1)
        #expect(unsafe !PacketRecord.isOne(other.span.bytes))
    }
}
