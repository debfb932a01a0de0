// The fields reported of a link header: addresses, VLANs, types. Nothing is reported of a header that is cut.

import TCPModel
import TCPWire
import Testing

@Suite("Fields of link headers") struct LinkFieldTests {
    // Every octet of an array of UInt8 is initialized.
    private func header(_ bytes: [UInt8], _ link: LinkType) -> LinkHeader { linkHeader(unsafe bytes.span.bytes, link) }

    private let destination = HardwareAddress(octets: 0x0200_0000_0001)
    private let source = HardwareAddress(octets: 0x0200_0000_0002)

    @Test("Ethernet, with tags up to four")
    func ethernetTags() {
        #expect(
            header(ethernet(), .ethernet)
                == .ethernet(source: source, destination: destination, LinkTags(etherType: 0x0800)))
        var tags = LinkTags(etherType: 0x86dd)
        tags.append(0x6064)
        tags.append(0x0005)
        let stacked = ethernet(0x88a8) + hex("6064 8100 0005 86dd")
        #expect(header(stacked, .ethernet) == .ethernet(source: source, destination: destination, tags))
        #expect(tags.vlan(0) == 100 && tags.priority(0) == 3 && tags.vlan(1) == 5 && tags.priority(1) == 0)
        let deep = ethernet(0x8100) + (0..<6).flatMap { _ in hex("0007 8100") } + hex("0000 0800")
        guard case .ethernet(_, _, let found) = header(deep, .ethernet) else {
            Issue.record("no Ethernet")
            return
        }
        #expect(found.count == LinkTags.most && found.etherType == 0x8100)
    }

    @Test("a header that was cut")
    func cut() {
        for length in 0..<14 { #expect(header(Array(ethernet().prefix(length)), .ethernet) == .cut) }
        // Half a tag does not count.
        #expect(
            header(ethernet(0x8100) + [0, 7, 8], .ethernet)
                == .ethernet(source: source, destination: destination, LinkTags(etherType: 0x8100)))
        for (link, length) in [(LinkType.linuxSLL, 16), (.linuxSLL2, 20), (.null, 4)] {
            #expect(header([UInt8](repeating: 0, count: length - 1), link) == .cut)
            #expect(header([UInt8](repeating: 0, count: length), link) != .cut)
        }
    }

    @Test("cooked, both versions")
    func cooked() {
        let tags = LinkTags(etherType: 0x0800)
        #expect(
            header(hex("0004 0001 0006 020000000002 0000 0800"), .linuxSLL)
                == .cooked(packetType: 4, sender: source, interface: nil, tags))
        #expect(
            header(hex("0800 0000 00000003 0304 00 06 020000000002 0000"), .linuxSLL2)
                == .cooked(packetType: 0, sender: source, interface: 3, tags))
        // A tun device has no address. Of an address longer than eight octets, the header holds only the first eight.
        let long: [(link: LinkType, header: String)] = [
            (.linuxSLL, "0004 0020 0014 8000004afe800001 0800"),
            (.linuxSLL2, "0800 0000 00000003 0020 04 14 8000004afe800001 0000"),
        ]
        for (link, octets) in long {
            guard case .cooked(_, let sender, _, _) = header(hex(octets), link) else {
                Issue.record("not cooked")
                return
            }
            #expect(sender == HardwareAddress(octets: 0x8000_004a_fe80_0001, count: 20) && sender.isCut)
            #expect(sender.count == 8)
        }
        for count in 0...8 {
            let octets = hex("0004 0001 000\(count) 0102030405060708 0800")
            guard case .cooked(_, let sender, _, _) = header(octets, .linuxSLL) else {
                Issue.record("not cooked")
                return
            }
            #expect(sender.octets == 0x0102_0304_0506_0708 >> UInt64(64 - 8 * count) && !sender.isCut)
        }
        for (length, count) in [("00", 0), ("ff", 8)] {
            guard
                case .cooked(_, let sender, _, _) = header(
                    hex("0800 0000 00000003 fffe 00 \(length) 000000000000 0000"), .linuxSLL2)
            else {
                Issue.record("not cooked")
                return
            }
            #expect(sender.count == count)
        }
    }

    @Test("others")
    func others() {
        #expect(header(hex("02000000"), .null) == .loopback(family: 2))
        #expect(header(hex("00000002"), .loop) == .loopback(family: 2))
        #expect(header([0x45], .raw) == .none)
        #expect(header([0x45], .ipv6) == .none)
        #expect(header([], .wireless) == .other(.wireless))
    }
}
