// The IPv4 header: lengths, options, fragments.

import TCPModel
import TCPWire
import Testing

@Suite("IPv4") struct IPv4Tests {
    @Test func fields() throws {
        let segment = try segment(ipv4(25) + tcp() + Array("hello".utf8), .ipv4)
        #expect(segment.tuple.source.address.description == "10.0.0.1")
        #expect(segment.tuple.destination.address.description == "10.0.0.2")
        #expect(segment.ipIdentification == 0x1c46)
        #expect(segment.hopLimit == 64)
        #expect(segment.ipLength == 45)
        #expect(segment.payloadLength == 5)
    }

    @Test("options are skipped, whatever they hold", arguments: [4, 8, 40])
    func options(length: Int) throws {
        for filler in [0, 1, 0x83, 0xff] as [UInt8] {
            let options = [UInt8](repeating: filler, count: length)
            let segment = try segment(ipv4(20, options: options) + tcp(), .ipv4)
            #expect(segment.sequence == SequenceNumber(1000))
            #expect(segment.payloadLength == 0)
        }
    }

    @Test("a header length below five words", arguments: 0..<5)
    func headerLength(words: Int) {
        var packet = ipv4(20) + tcp()
        packet[0] = UInt8(0x40 | words)
        #expect(
            failure(ethernet() + packet)
                == DecodeError(
                    layer: .ipv4, kind: .malformed(.headerLength), offset: 14, needed: 20, available: words * 4,
                    limitedBy: .header))
    }

    @Test func headerLengthBeyondCapture() {
        var packet = ipv4(20) + tcp()
        packet[0] = 0x4f
        #expect(
            failure(packet, .ipv4)
                == DecodeError(layer: .ipv4, kind: .truncated, offset: 0, needed: 60, available: 40, limitedBy: .frame))
    }

    @Test func totalLengthBelowHeader() {
        #expect(
            failure(ipv4(20, total: 19) + tcp(), .ipv4)
                == DecodeError(
                    layer: .ipv4, kind: .malformed(.totalLength), offset: 0, needed: 20, available: 19,
                    limitedBy: .ipv4Length))
    }

    @Test("the packet ends inside the TCP header", arguments: 20..<40)
    func totalLengthInsideTCP(total: Int) {
        #expect(
            failure(ethernet() + ipv4(20, total: total) + tcp())
                == DecodeError(
                    layer: .tcp, kind: .truncated, offset: 34, needed: 20, available: total - 20,
                    limitedBy: .ipv4Length))
    }

    @Test("total length 0: segmentation offload")
    func totalLengthZero() throws {
        let segment = try segment(ethernet() + ipv4(20, total: 0) + tcp(), original: 14 + 40 + 70_000)
        #expect(segment.payloadLength == 70_000)
        #expect(segment.ipLength == 70_040)
        #expect(segment.remarks == .lengthFromCapture)
    }

    @Test("total length beyond the frame: what IP claims, with a remark")
    func totalLengthBeyondFrame() throws {
        let segment = try segment(ipv4(20, total: 140) + tcp(), .ipv4)
        #expect(segment.payloadLength == 100)
        #expect(segment.remarks == .lengthBeyondFrame)
    }

    @Test("a short snapshot length costs no payload octet")
    func snapshot() throws {
        let segment = try segment(ipv4(20, total: 1500) + tcp(), .ipv4, original: 1500)
        #expect(segment.payloadLength == 1460)
        #expect(segment.remarks == [])
    }

    @Test("a capture record that says fewer octets than it has")
    func originalTooSmall() throws {
        #expect(try segment(tcpFrame(payload: 9), original: 0).payloadLength == 9)
        #expect(try segment(tcpFrame(payload: 9), original: 0).remarks == [])
    }

    @Test("fragments are told by offset and More, whatever Don't Fragment and the reserved bit say")
    func fragments() throws {
        for fragment in [0x0001, 0x2000, 0x2001, 0x1fff, 0x3fff, 0x6000] {
            #expect(try other(ipv4(20, fragment: fragment) + tcp(), .ipv4) == .fragment)
        }
        #expect(try segment(ipv4(20, fragment: 0x8000) + tcp(), .ipv4).remarks == [])
    }

    @Test(
        "other protocols",
        arguments: [
            (17, OtherTraffic.udp), (1, .icmp), (58, .icmp), (47, .tunnel),
            (50, .otherTransport), (132, .otherTransport), (0, .otherTransport), (255, .otherTransport),
        ] as [(UInt8, OtherTraffic)])
    func others(number: UInt8, expected: OtherTraffic) throws {
        #expect(try other(ipv4(20, protocol: number) + tcp(), .ipv4) == expected)
    }

    @Test("odd addresses are not this layer's business")
    func addresses() throws {
        var packet = ipv4(20) + tcp()
        packet.replaceSubrange(12..<20, with: hex("00000000 ffffffff"))
        #expect(try segment(packet, .ipv4).tuple.source.address == .anyV4)
    }
}
