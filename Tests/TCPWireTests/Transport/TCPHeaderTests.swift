// The fixed TCP header: flags, data offset, lengths.

import TCPModel
import TCPWire
import Testing

@Suite("TCP header") struct TCPHeaderTests {
    @Test func fields() throws {
        let inner = tcp(flags: 0x038, window: 65535, urgent: 17) + hex("6162")
        let segment = try segment(ipv4(inner.count) + inner, .ipv4)
        #expect(segment.tuple.source.port == 49152)
        #expect(segment.tuple.destination.port == 9500)
        #expect(segment.sequence == SequenceNumber(1000))
        #expect(segment.acknowledgment == SequenceNumber(2000))
        #expect(segment.flags == [.psh, .ack, .urg])
        #expect(segment.window == 65535)
        #expect(segment.urgentPointer == 17)
        #expect(segment.headerLength == 20)
        #expect(segment.payloadLength == 2)
        #expect(segment.options.present == [])
    }

    @Test("all 512 combinations of flags; the reserved bits are not among them")
    func flags() throws {
        for flags in 0..<0x1000 {
            #expect(try segment(tcpFrame(flags: flags)).flags.rawValue == UInt16(flags & 0x1ff))
        }
    }

    @Test("a data offset below five words", arguments: 0..<5)
    func dataOffsetTooSmall(words: Int) {
        #expect(
            failure(ethernet() + ipv4(20) + tcp(dataOffset: words))
                == DecodeError(
                    layer: .tcp, kind: .malformed(.dataOffset), offset: 34, needed: 20, available: words * 4,
                    limitedBy: .header))
    }

    @Test("a data offset beyond the IP packet", arguments: 6..<16)
    func dataOffsetTooLarge(words: Int) {
        let padding = [UInt8](repeating: 1, count: 60)
        #expect(
            failure(ethernet() + ipv4(20) + tcp(dataOffset: words) + padding)
                == DecodeError(
                    layer: .tcp, kind: .malformed(.dataOffsetBeyondPacket), offset: 34, needed: words * 4,
                    available: 20, limitedBy: .ipv4Length))
    }

    @Test("cut by the snapshot length", arguments: 0..<20)
    func truncated(length: Int) {
        let whole = tcpFrame(payload: 100)
        #expect(
            failure(Array(whole.prefix(34 + length)), original: whole.count)
                == DecodeError(
                    layer: .tcp, kind: .truncated, offset: 34, needed: 20, available: length, limitedBy: .capture))
    }

    @Test("equal ports and port 0 are only numbers")
    func ports() throws {
        var inner = tcp()
        inner.replaceSubrange(0..<4, with: hex("00000000"))
        #expect(try segment(ipv4(20) + inner, .ipv4).tuple.source.port == 0)
    }
}
