// Linux cooked capture, both versions.

import TCPModel
import TCPWire
import Testing

@Suite("Linux cooked capture") struct LinuxCookedTests {
    let inner = ipv4(20) + tcp()

    func v1(_ type: String, hardware: String = "0304") -> [UInt8] {
        hex("0000 \(hardware) 0006 000000000000 0000 \(type)")
    }

    func v2(_ type: String, hardware: String = "0304") -> [UInt8] {
        hex("\(type) 0000 00000001 \(hardware) 00 06 000000000000 0000")
    }

    @Test func ipv4Inside() throws {
        #expect(try segment(v1("0800") + inner, .linuxSLL).tuple.destination.port == 9500)
        #expect(try segment(v2("0800") + inner, .linuxSLL2).tuple.destination.port == 9500)
    }

    @Test func ipv6Inside() throws {
        let packet = ipv6(20) + tcp()
        #expect(try segment(v1("86dd") + packet, .linuxSLL).hopLimit == 63)
        #expect(try segment(v2("86dd") + packet, .linuxSLL2).hopLimit == 63)
    }

    @Test func tagInside() throws {
        let tag = hex("0064 0800")
        #expect(try segment(v1("8100") + tag + inner, .linuxSLL).sequence == SequenceNumber(1000))
        #expect(try segment(v2("88a8") + tag + inner, .linuxSLL2).sequence == SequenceNumber(1000))
    }

    @Test("no link-layer address: a tunnel device")
    func tunnelDevice() throws {
        #expect(try segment(v1("0800", hardware: "fffe") + inner, .linuxSLL).sequence == SequenceNumber(1000))
    }

    @Test func others() throws {
        #expect(try other(v1("0806"), .linuxSLL) == .arp)
        #expect(try other(v1("0004"), .linuxSLL) == .lengthFrame)
        #expect(try other(v1("0800", hardware: "0338") + inner, .linuxSLL) == .otherProtocol)
        #expect(try other(v2("0004"), .linuxSLL2) == .lengthFrame)
        #expect(try other(v2("0800", hardware: "0338") + inner, .linuxSLL2) == .otherProtocol)
    }

    @Test func short() {
        #expect(
            failure(Array(v1("0800").prefix(15)), .linuxSLL)
                == DecodeError(
                    layer: .linuxSLL, kind: .truncated, offset: 0, needed: 16, available: 15, limitedBy: .frame))
        #expect(
            failure(Array(v2("0800").prefix(19)), .linuxSLL2, original: 60)
                == DecodeError(
                    layer: .linuxSLL2, kind: .truncated, offset: 0, needed: 20, available: 19, limitedBy: .capture))
    }
}
