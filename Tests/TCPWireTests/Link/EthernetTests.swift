// Ethernet II and VLAN tags.

import TCPModel
import TCPWire
import Testing

@Suite("Ethernet") struct EthernetTests {
    @Test("a SYN on loopback, every field")
    func everyField() throws {
        let frame = hex(
            """
            0000 0000 0000 0000 0000 0000 0800
            4500 003c a1b2 4000 4006 9b07 7f00 0001 7f00 0001
            d903 251c 89ab cdef 0000 0000 a002 ffd7 fe30 0000
            0204 ffd7 0402 080a 1234 5678 0000 0000 0103 0307
            """)
        let segment = try segment(frame)
        #expect(segment.tuple.source == SocketAddress(.loopbackV4, 55555))
        #expect(segment.tuple.destination == SocketAddress(.loopbackV4, 9500))
        #expect(segment.sequence == SequenceNumber(0x89ab_cdef))
        #expect(segment.acknowledgment == SequenceNumber(0))
        #expect(segment.flags == .syn)
        #expect(segment.window == 65495)
        #expect(segment.urgentPointer == 0)
        #expect(segment.remarks == [])
        #expect(segment.payloadLength == 0)
        #expect(segment.ipLength == 60)
        #expect(segment.ipIdentification == 0xa1b2)
        #expect(segment.hopLimit == 64)
        #expect(segment.headerLength == 40)
        #expect(segment.options.present == [.maximumSegmentSize, .sackPermitted, .timestamps, .windowScale])
        #expect(segment.options.maximumSegmentSize == 65495)
        #expect(segment.options.windowScale == 7)
        #expect(segment.options.timestampValue == 0x1234_5678)
        #expect(segment.options.timestampEchoReply == 0)
    }

    @Test("padding behind the IP packet is not payload")
    func padding() throws {
        #expect(try segment(tcpFrame() + [UInt8](repeating: 0, count: 6)).payloadLength == 0)
        #expect(try segment(tcpFrame(payload: 1) + [UInt8](repeating: 0xff, count: 9)).payloadLength == 1)
    }

    @Test("tags of all three types, priority tags, up to eight", arguments: 0...8)
    func tags(count: Int) throws {
        let types = [0x8100, 0x88a8, 0x9100]
        var frame = ethernet(count == 0 ? 0x0800 : types[count % 3])
        for index in stride(from: count - 1, through: 0, by: -1) {
            frame += hex("0000") + big16(index == 0 ? 0x0800 : types[index % 3])
        }
        let inner = tcp()
        #expect(try segment(frame + ipv4(inner.count) + inner).sequence == SequenceNumber(1000))
    }

    @Test("a ninth tag is refused", arguments: [9, 50])
    func tooManyTags(count: Int) {
        let tags = (0..<count).flatMap { _ in hex("0001 8100") }
        let expected = DecodeError(
            layer: .vlanTag, kind: .malformed(.tooManyTags), offset: 14 + 32, needed: 9, available: 8,
            limitedBy: .header)
        #expect(failure(ethernet(0x8100) + tags) == expected)
    }

    @Test(
        "what is not IP is other traffic",
        arguments: [
            (0x0806, OtherTraffic.arp), (0x8035, .arp), (0x88cc, .otherProtocol), (0x8906, .otherProtocol),
            (0x8863, .otherProtocol), (0xffff, .otherProtocol), (0x0600, .otherProtocol), (0x05ff, .lengthFrame),
            (0x0026, .lengthFrame), (0, .lengthFrame),
        ])
    func others(type: Int, expected: OtherTraffic) throws {
        #expect(try other(ethernet(type)) == expected)
        #expect(try other(ethernet(0x8100) + hex("0005") + big16(type)) == expected)
    }

    @Test("a frame shorter than its header", arguments: [0, 1, 13])
    func short(length: Int) {
        let whole = tcpFrame()
        let expected = DecodeError(
            layer: .ethernet, kind: .truncated, offset: 0, needed: 14, available: length, limitedBy: .frame)
        #expect(failure(Array(whole.prefix(length))) == expected)
        #expect(failure(Array(whole.prefix(length)), original: whole.count)?.limitedBy == .capture)
    }

    @Test("a tag that is cut")
    func cutTag() {
        let expected = DecodeError(
            layer: .vlanTag, kind: .truncated, offset: 14, needed: 4, available: 3, limitedBy: .frame)
        #expect(failure(ethernet(0x8100) + hex("000508")) == expected)
    }

    @Test("unsupported link types are told apart from damage", arguments: [2, 107, 180, 195, 65535] as [UInt16])
    func unsupported(type: UInt16) throws {
        #expect(try other(tcpFrame(), LinkType(type)) == .unsupportedLinkType)
    }
}
