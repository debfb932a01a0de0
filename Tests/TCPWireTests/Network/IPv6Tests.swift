// The fixed IPv6 header and the chain of extension headers.

import TCPModel
import TCPWire
import Testing

@Suite("IPv6") struct IPv6Tests {
    /// Extension headers in front of a TCP header, with the payload length to match.
    func packet(_ chain: [UInt8], first: UInt8, length: Int? = nil) -> [UInt8] {
        ipv6(length ?? chain.count + 20, next: first) + chain + tcp()
    }

    @Test func fields() throws {
        let segment = try segment(ipv6(23) + tcp() + hex("010203"), .ipv6)
        #expect(segment.tuple.source.description == "[2001:db8::1]:49152")
        #expect(segment.tuple.destination.description == "[2001:db8::2]:9500")
        #expect(segment.ipIdentification == 0)
        #expect(segment.hopLimit == 63)
        #expect(segment.ipLength == 63)
        #expect(segment.payloadLength == 3)
    }

    @Test("an IPv4-mapped address equals the IPv4 address")
    func mapped() throws {
        var packet = ipv6(20) + tcp()
        packet.replaceSubrange(8..<24, with: hex("00000000000000000000ffff0a000001"))
        #expect(try segment(packet, .ipv6).tuple.source.address == IPAddress(10, 0, 0, 1))
    }

    @Test(
        "each extension header is skipped by its own length",
        arguments: [
            (0, "0600 010400000000"), (60, "0601 010c000000000000000000000000"), (43, "0600 0400 00000000"),
            (44, "0600 0000 00000001"), (51, "0604 0000 00000001 00000002 000000000000000000000000"),
            (135, "0600 0000 00000000"), (139, "0600 0000 00000000"), (140, "0600 0000 00000000"),
        ] as [(UInt8, String)])
    func extensions(number: UInt8, text: String) throws {
        let segment = try segment(packet(hex(text), first: number), .ipv6)
        #expect(segment.sequence == SequenceNumber(1000))
        #expect(segment.payloadLength == 0)
        #expect(segment.remarks == [])
    }

    @Test("16 extension headers are read, 17 are not", arguments: [15, 16, 17, 200])
    func longChain(count: Int) throws {
        let chain = (0..<count).flatMap { [$0 == count - 1 ? 6 : 60, 0, 1, 4, 0, 0, 0, 0] as [UInt8] }
        if count <= 16 {
            #expect(try segment(packet(chain, first: 60), .ipv6).sequence == SequenceNumber(1000))
        } else {
            #expect(
                failure(packet(chain, first: 60), .ipv6)
                    == DecodeError(
                        layer: .ipv6Extension, kind: .malformed(.tooManyExtensionHeaders), offset: 40 + 16 * 8,
                        needed: 17, available: 16, limitedBy: .header))
        }
    }

    @Test func fragments() throws {
        #expect(try other(packet(hex("0600 0001 00000001"), first: 44), .ipv6) == .fragment)
        #expect(try segment(packet(hex("0600 0000 00000001"), first: 44), .ipv6).remarks == [])
        #expect(try other(packet(hex("0600 0008 00000001"), first: 44), .ipv6) == .fragment)
        #expect(try other(packet(hex("0600 fff9 00000001"), first: 44), .ipv6) == .fragment)
        #expect(try other(ipv6(8 + 8, next: 44) + hex("0600 0001 00000001") + tcp().prefix(8), .ipv6) == .fragment)
    }

    @Test("a header that says it is longer than the packet")
    func beyondPacket() {
        #expect(
            failure(packet(hex("06ff 0104 00000000"), first: 0), .ipv6)
                == DecodeError(
                    layer: .ipv6Extension, kind: .truncated, offset: 40, needed: 2048, available: 28,
                    limitedBy: .ipv6Length))
        #expect(
            failure(ethernet(0x86dd) + packet(hex("06ff 0104 00000000"), first: 0, length: 4000), original: 4054)
                == DecodeError(
                    layer: .ipv6Extension, kind: .truncated, offset: 54, needed: 2048, available: 28,
                    limitedBy: .capture))
    }

    @Test(
        "other protocols, behind extension headers too",
        arguments: [
            (17, OtherTraffic.udp), (58, .icmp), (50, .otherTransport), (59, .otherTransport),
        ] as [(UInt8, OtherTraffic)])
    func others(number: UInt8, expected: OtherTraffic) throws {
        #expect(try other(ipv6(20, next: number) + tcp(), .ipv6) == expected)
        #expect(try other(packet([number] + hex("00 010400000000"), first: 60), .ipv6) == expected)
    }

    @Test("payload length 0 without a jumbo option: from the capture record")
    func bigTCP() throws {
        let segment = try segment(ipv6(0) + tcp(), .ipv6, original: 40 + 20 + 100_000)
        #expect(segment.payloadLength == 100_000)
        #expect(segment.ipLength == 100_060)
        #expect(segment.remarks == .lengthFromCapture)
    }

    @Test("the jumbo payload option counts from behind the fixed header", arguments: ["", "01020000", "00000000"])
    func jumbo(padding: String) throws {
        let options = hex(padding) + hex("c204 00020000") + (padding.isEmpty ? [] : hex("01020000"))
        let chain = [6, UInt8((options.count + 2) / 8 - 1)] + options
        let segment = try segment(
            packet(chain, first: 0, length: 0), .ipv6, original: 40 + 0x20000)
        #expect(segment.payloadLength == UInt32(0x20000 - chain.count - 20))
        #expect(segment.ipLength == 0x20000 + 40)
        #expect(segment.remarks == [])
    }

    @Test("a jumbo length that is absurd", arguments: [0, 1, 7, 27, 0xffff_ffff])
    func absurdJumbo(value: Int) {
        let chain = hex("0600 c204") + big32(value)
        let error = failure(packet(chain, first: 0, length: 0), .ipv6)
        if value < 28 {
            #expect(error?.layer == .tcp)
            #expect(error?.kind == .truncated)
            #expect(error?.limitedBy == .jumboLength)
        } else {
            #expect(error == nil)
        }
    }

    @Test("a jumbo option is ignored when the fixed header has a length")
    func needlessJumbo() throws {
        #expect(try segment(packet(hex("0600 c204 00020000"), first: 0), .ipv6).payloadLength == 0)
    }

    @Test func lengthBeyondFrame() throws {
        let segment = try segment(ipv6(120) + tcp(), .ipv6)
        #expect(segment.payloadLength == 100)
        #expect(segment.remarks == .lengthBeyondFrame)
    }
}
