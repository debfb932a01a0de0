// MPLS, PPP and its framings, LLC, bridge tags: which protocol they lead to, and where decoding stops.

import TCPModel
import TCPWire
import Testing

@Suite("Other link headers") struct LinkHeaderTests {
    let packet = ipv4(20) + tcp()

    @Test("label stacks up to sixteen", arguments: 1...16)
    func labels(count: Int) throws {
        let stack = (1..<count).flatMap { _ in hex("00010040") } + hex("00010140")
        #expect(try segment(ethernet(0x8847) + stack + packet).sequence == SequenceNumber(1000))
        #expect(try segment(ethernet(0x8847) + stack + packet).tunnel == .none)
    }

    @Test("no bottom of the stack", arguments: [17, 300])
    func noBottom(count: Int) {
        let stack = (0..<count).flatMap { _ in hex("00010040") }
        #expect(
            failure(ethernet(0x8847) + stack + packet)
                == DecodeError(
                    layer: .mpls, kind: .malformed(.tooManyLabels), offset: 14, needed: 17, available: 16,
                    limitedBy: .header))
        #expect(
            failure(ethernet(0x8847) + hex("00010040 000100"))
                == DecodeError(
                    layer: .mpls, kind: .truncated, offset: 18, needed: 4, available: 3, limitedBy: .frame))
    }

    @Test("a label that carries neither IP nor Ethernet")
    func otherLabel() throws {
        #expect(try other(ethernet(0x8847) + hex("00010140 10000021") + packet) == .otherProtocol)
        #expect(try other(ethernet(0x8847) + hex("00010140 00000000") + ethernet(0x88cc)) == .otherProtocol)
        #expect(try other(ethernet(0x8847) + hex("00010140 00")) == .otherProtocol)
    }

    @Test("PPPoE and PPP that carry something else")
    func otherPPP() throws {
        for start in ["1100 0001 0006 c021", "1109 0001 0016 0021", "2100 0001 0016 0021"] {
            #expect(try other(ethernet(0x8864) + hex(start) + packet) == .otherProtocol)
        }
        #expect(try other(hex("ff03 c021 01"), .ppp) == .otherProtocol)
        #expect(try other(hex("8035 01"), .ppp) == .otherProtocol)
        #expect(try other(hex("0f00 8035"), .ciscoHDLC) == .arp)
    }

    @Test("PPPoE's length is not believed", arguments: [0, 1, 22, 0xffff])
    func pppoeLength(length: Int) throws {
        let frame = ethernet(0x8864) + hex("1100 0001") + big16(length) + hex("0021") + packet
        #expect(try segment(frame).payloadLength == 0)
    }

    @Test("LLC that is not IP")
    func otherLLC() throws {
        for start in ["424203 0000 00", "aaaa03 00000c 2000", "ffff 0022 00", "aaaa00 000000 0800", "aa", ""] {
            #expect(try other(ethernet(0x0026) + hex(start)) == .lengthFrame)
        }
        #expect(try other(ethernet(0x0026) + hex("aaaa03 000000 0806")) == .arp)
        #expect(try segment(ethernet(0x0026) + hex("aaaa03 0000f8 0800") + packet).sequence == SequenceNumber(1000))
        #expect(
            failure(ethernet(0x0026) + hex("aaaa03 0000"))
                == DecodeError(layer: .llc, kind: .truncated, offset: 14, needed: 8, available: 5, limitedBy: .frame))
    }

    @Test("link headers without end")
    func endless() {
        let frames = ethernet(0x6558) + (0..<40).flatMap { _ in ethernet(0x6558) } + ethernet() + packet
        #expect(
            failure(frames)
                == DecodeError(
                    layer: .ethernet, kind: .malformed(.tooManyLinkHeaders), offset: 14 * 9, needed: 9, available: 8,
                    limitedBy: .header))
    }
}
