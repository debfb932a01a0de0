// The sentences that describe decode errors to people.

import TCPModel
import TCPWire
import Testing

@Suite("Decode errors in words") struct DecodeErrorTests {
    @Test func truncated() {
        let error = failure(Array(tcpFrame().prefix(40)), original: 54)
        #expect(error?.description == "TCP header at octet 34 is cut: needs 20 octets, has 6 (snapshot length)")
    }

    @Test func malformed() {
        #expect(
            failure(ethernet() + ipv4(20) + tcp(dataOffset: 4))?.description
                == "TCP header at octet 34 says it is 16 octets long; the least is 20")
        #expect(
            failure(ethernet() + ipv4(20) + tcp(dataOffset: 8))?.description
                == "TCP header at octet 34 says it is 32 octets long; 20 are left (IPv4 total length)")
        #expect(
            failure(ethernet() + ipv4(20, total: 3) + tcp())?.description
                == "IPv4 header at octet 14 says the packet has 3 octets; its header alone has 20")
        #expect(failure(hex("f0"), .raw)?.description == "IP header at octet 0: version 15 is neither 4 nor 6")
        #expect(
            failure(ethernet() + ipv6(20) + tcp())?.description
                == "IPv4 header at octet 14: version 6 where 4 was announced")
    }

    @Test("every combination has words")
    func total() {
        let kinds = DecodeError.Reason.allCases.map { DecodeError.Kind.malformed($0) } + [.truncated]
        for layer in DecodeError.Layer.allCases {
            for limit in DecodeError.Limit.allCases {
                for kind in kinds {
                    let error = DecodeError(
                        layer: layer, kind: kind, offset: 1, needed: 2, available: 3, limitedBy: limit)
                    #expect(!error.description.isEmpty)
                }
            }
        }
        #expect(Set(OtherTraffic.allCases.map { "\($0.name)" }).count == OtherTraffic.allCases.count)
    }
}
