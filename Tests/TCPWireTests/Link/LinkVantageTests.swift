// Where on the link a frame was seen: what tells two copies of a frame apart, and what does not.

import TCPModel
import TCPWire
import Testing

@Suite("Places on the link") struct LinkVantageTests {
    private static func vantage(_ octets: [UInt8], _ linkType: LinkType) -> UInt32 {
        linkVantage(unsafe octets.span.bytes, linkType)
    }

    /// Which octets of a header make another place of it when they change.
    private static func places(_ header: [UInt8], _ linkType: LinkType) -> [Int] {
        let usual = vantage(header, linkType)
        return header.indices.filter { index in
            var other = header
            other[index] ^= 0x40
            return vantage(other, linkType) != usual
        }
    }

    /// Forty octets, of which all differ.
    private static let rest = [UInt8](100..<140)

    @Test("Ethernet: both addresses, the type, and a tag, but nothing of IP")
    func ethernet() {
        let addresses = [UInt8](1...12)
        #expect(Self.places(addresses + hex("86dd") + Self.rest, .ethernet) == Array(0..<14))
        for tag in ["8100", "88a8", "9100"] {
            // Where the type changes there is no tag any more.
            #expect(Self.places(addresses + hex(tag) + Self.rest, .ethernet) == Array(0..<16), "\(tag)")
        }
    }

    @Test("cooked captures: interface, direction and address")
    func cooked() {
        #expect(Self.places([UInt8](1...16) + Self.rest, .linuxSLL) == Array(0..<14))
        #expect(Self.places([UInt8](1...20) + Self.rest, .linuxSLL2) == Array(4..<20))
    }

    @Test("a header that is cut tells nothing", arguments: [LinkType.ethernet, .linuxSLL, .linuxSLL2, .raw])
    func cut(linkType: LinkType) {
        #expect(Self.vantage([UInt8](1...13), linkType) == 0)
    }
}
