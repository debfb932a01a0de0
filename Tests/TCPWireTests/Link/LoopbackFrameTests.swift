// Which frames may come from a loopback interface.

import TCPModel
import TCPWire
import Testing

@Suite struct LoopbackFrameTests {
    private func mayBe(_ octets: [UInt8], _ type: LinkType) -> Bool {
        // Every octet of an array is initialized, and it lives through the call.
        unsafe LoopbackFrame.mayBe(octets.span.bytes, type)
    }

    @Test func ethernetHasNoAddressesThere() {
        let type: [UInt8] = [8, 0]
        #expect(mayBe([UInt8](repeating: 0, count: 12) + type, .ethernet))
        for place in 0..<12 {
            var addresses = [UInt8](repeating: 0, count: 12)
            addresses[place] = 1
            #expect(!mayBe(addresses + type, .ethernet), "octet \(place)")
        }
        #expect(!mayBe([UInt8](repeating: 0, count: 11), .ethernet), "too short to tell")
    }

    @Test func cookedHeadersHaveItsHardwareType() {
        for (linkType, place) in [(LinkType.linuxSLL, 2), (.linuxSLL2, 8)] {
            var header = [UInt8](repeating: 0, count: 20)
            #expect(!mayBe(header, linkType))
            // ARPHRD_LOOPBACK is 772.
            (header[place], header[place + 1]) = (3, 4)
            #expect(mayBe(header, linkType) && !mayBe(Array(header.prefix(place + 1)), linkType))
        }
        #expect(mayBe([], .raw), "nothing tells")
    }
}
