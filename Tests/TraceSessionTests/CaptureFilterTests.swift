// What interfaces capture if no filter is given: every TCP segment.

import PacketSource
import TCPModel
import Testing

@testable import TraceSession

@Suite struct CaptureFilterTests {
    /// Whether a filter lets a packet pass.
    private static func passes(_ filter: String, _ packet: [UInt8]) throws -> Bool {
        var filters = try FilterSet(filter, linkType: .raw)
        let count = UInt32(packet.count)
        let header = FrameHeader(
            time: Timestamp(nanoseconds: 0), capturedLength: count, originalLength: count, linkType: .raw)
        return filters.matches(header, unsafe packet.span.bytes)
    }

    /// An IPv6 header followed by `rest`.
    private static func ipv6(_ next: UInt8, _ rest: [UInt8]) -> [UInt8] {
        [0x60, 0, 0, 0, 0, UInt8(rest.count), next, 64] + [UInt8](repeating: 1, count: 32) + rest
    }

    /// An extension header of 8 octets before `next`.
    private static func header(before next: UInt8) -> [UInt8] { [next, 0, 1, 4, 0, 0, 0, 0] }

    private static let tcp = [UInt8](repeating: 0, count: 20)

    @Test(arguments: [UInt8]([0, 43, 51, 60])) func tcpBehindAnExtensionHeader(_ kind: UInt8) throws {
        let packet = Self.ipv6(kind, Self.header(before: 6) + Self.tcp)
        #expect(try Self.passes(TraceOptions().captureFilter, packet))
        #expect(try !Self.passes("tcp", packet), "what libpcap's own word does not match")
    }

    @Test func severalHeadersAndFragments() throws {
        let filter = TraceOptions().captureFilter
        let two = Self.ipv6(0, Self.header(before: 60) + Self.header(before: 6) + Self.tcp)
        #expect(try Self.passes(filter, two))
        for next: UInt8 in [6, 60] {
            #expect(try Self.passes(filter, Self.ipv6(44, Self.header(before: next) + Self.tcp)))
        }
        #expect(try Self.passes(filter, Self.ipv6(6, Self.tcp)))
    }

    @Test func whatIsNotTCP() throws {
        let filter = TraceOptions().captureFilter
        #expect(try !Self.passes(filter, Self.ipv6(17, Self.tcp)))
        #expect(try !Self.passes(filter, Self.ipv6(58, Self.tcp)))
        // Multicast listener reports occur on every link (RFC 2710 3, 3810 5).
        #expect(try !Self.passes(filter, Self.ipv6(0, Self.header(before: 58) + Self.tcp)))
        #expect(try !Self.passes(filter, Self.ipv6(44, Self.header(before: 17) + Self.tcp)))
    }

    @Test func aFilterThatIsGivenIsTakenAsItIs() {
        var options = TraceOptions()
        #expect(options.effectiveFilter == "tcp")
        options.filter = "port 80"
        #expect(options.captureFilter == "port 80")
    }
}
