// BSD loopback and raw IP.

import TCPModel
import TCPWire
import Testing

@Suite("Loopback and raw IP") struct LoopbackTests {
    @Test("IPv4 in both byte orders", arguments: ["02000000", "00000002"], [LinkType.null, .loop])
    func ipv4Inside(family: String, link: LinkType) throws {
        #expect(try segment(hex(family) + ipv4(20) + tcp(), link).ipLength == 40)
    }

    @Test("AF_INET6 of every system, in both byte orders", arguments: [10, 23, 24, 26, 28, 30] as [UInt8])
    func ipv6Inside(family: UInt8) throws {
        let packet = ipv6(20) + tcp()
        for header in [[family, 0, 0, 0], [0, 0, 0, family]] {
            #expect(try segment(header + packet, .null).ipLength == 60)
            #expect(try segment(header + packet, .loop).ipLength == 60)
        }
    }

    @Test func otherFamilies() throws {
        #expect(try other(hex("07000000"), .null) == .otherProtocol)
        #expect(try other(hex("ffffffff"), .loop) == .otherProtocol)
        #expect(try other(hex("00000000"), .null) == .otherProtocol)
    }

    @Test func short() {
        #expect(
            failure(hex("020000"), .null)
                == DecodeError(
                    layer: .loopback, kind: .truncated, offset: 0, needed: 4, available: 3, limitedBy: .frame))
        #expect(
            failure([], .raw)
                == DecodeError(layer: .ip, kind: .truncated, offset: 0, needed: 1, available: 0, limitedBy: .frame))
    }

    @Test("the version tells, and only 4 and 6 are versions", arguments: 0..<16)
    func rawVersions(version: Int) throws {
        let first = [UInt8(version << 4 | 5)]
        let packet = first + (ipv4(20) + tcp()).dropFirst()
        let error = failure(packet, .raw)
        switch version {
        case 4: #expect(error == nil)
        case 6: #expect(error?.layer == .ipv6 || error == nil)
        default:
            #expect(
                error
                    == DecodeError(
                        layer: .ip, kind: .malformed(.ipVersion), offset: 0, needed: 0, available: version,
                        limitedBy: .header))
        }
    }

    @Test func announcedVersions() throws {
        #expect(try segment(ipv4(20) + tcp(), .ipv4).ipLength == 40)
        #expect(try segment(ipv6(20) + tcp(), .ipv6).ipLength == 60)
        #expect(failure(ipv6(20) + tcp(), .ipv4)?.kind == .malformed(.ipVersion))
        #expect(failure(ipv4(20) + tcp(), .ipv6)?.kind == .malformed(.ipVersion))
    }
}
