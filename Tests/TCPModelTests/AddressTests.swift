// Tests of addresses and their text forms, four-tuples and flow keys.

import TCPModel
import Testing

@Suite("IP addresses") struct IPAddressTests {
    /// The address with these eight groups.
    func v6(_ groups: UInt64...) -> IPAddress {
        IPAddress(
            high: groups[0] << 48 | groups[1] << 32 | groups[2] << 16 | groups[3],
            low: groups[4] << 48 | groups[5] << 32 | groups[6] << 16 | groups[7])
    }

    @Test func v4Text() {
        #expect(IPAddress(0, 0, 0, 0).description == "0.0.0.0")
        #expect(IPAddress(255, 255, 255, 255).description == "255.255.255.255")
        #expect(IPAddress(192, 0, 2, 1).description == "192.0.2.1")
        #expect(SocketAddress(IPAddress(10, 0, 0, 1), 65535).description == "10.0.0.1:65535")
    }

    @Test("RFC 5952 4: lower case, no leading zeros, the leftmost longest run of at least two zero groups")
    func v6Text() {
        #expect(v6(0, 0, 0, 0, 0, 0, 0, 0).description == "::")
        #expect(v6(0, 0, 0, 0, 0, 0, 0, 1).description == "::1")
        #expect(v6(1, 0, 0, 0, 0, 0, 0, 0).description == "1::")
        #expect(v6(0x2001, 0xdb8, 0, 0, 0, 0, 2, 1).description == "2001:db8::2:1")
        #expect(v6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1).description == "2001:db8:0:1:1:1:1:1")
        #expect(v6(0x2001, 0, 0, 1, 0, 0, 0, 1).description == "2001:0:0:1::1")
        #expect(v6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1).description == "2001:db8::1:0:0:1")
        #expect(v6(0xABCD, 0xEF01, 2, 3, 4, 5, 6, 7).description == "abcd:ef01:2:3:4:5:6:7")
        #expect(v6(0, 0, 1, 0, 0, 0, 0, 0).description == "0:0:1::")
        #expect(v6(0, 1, 0, 1, 0, 1, 0, 1).description == "0:1:0:1:0:1:0:1")
        #expect(SocketAddress(.loopbackV6, 80).description == "[::1]:80")
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() {
        let mapped = v6(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)
        #expect(mapped == .loopbackV4)
        #expect(mapped.isV4)
        #expect(mapped.v4 == 0x7f00_0001)
        #expect(mapped.description == "127.0.0.1")
        #expect(!v6(0, 0, 0, 0, 0, 0, 0x7f00, 1).isV4)
        #expect(!v6(1, 0, 0, 0, 0, 0xffff, 0x7f00, 1).isV4)
    }

    @Test func classes() {
        #expect(IPAddress(127, 255, 0, 1).isLoopback && IPAddress.loopbackV6.isLoopback)
        #expect(!IPAddress(128, 0, 0, 1).isLoopback && !IPAddress.anyV6.isLoopback)
    }

    @Test("bytes in network order")
    func bytes() {
        let address = IPAddress(high: 0x0001_0203_0405_0607, low: 0x0809_0a0b_0c0d_0e0f)
        for index in 0..<16 { #expect(address.byte(index) == UInt8(index)) }
    }
}

@Suite("Four-tuples and flow keys") struct FlowKeyTests {
    let ends: [SocketAddress] = [
        SocketAddress(.loopbackV4, 9500), SocketAddress(.loopbackV4, 9501), SocketAddress(.loopbackV6, 9500),
        SocketAddress(IPAddress(10, 0, 0, 1), 0), SocketAddress(IPAddress(high: .max, low: .max), 65535),
    ]

    @Test("both directions have one key, and no other tuple has it")
    func oneKey() {
        for left in ends {
            for right in ends {
                let tuple = FourTuple(source: left, destination: right)
                let key = FlowKey(tuple)
                #expect(key == FlowKey(tuple.reversed))
                #expect(tuple.reversed.reversed == tuple)
                #expect(key.isSelfConnect == (left == right))
                for third in ends where third != left && third != right {
                    #expect(key != FlowKey(FourTuple(source: left, destination: third)))
                }
            }
        }
    }

    @Test("the order of two ends is total")
    func order() {
        for left in ends {
            #expect(!left.orders(before: left))
            for right in ends where left != right {
                #expect(left.orders(before: right) != right.orders(before: left))
            }
        }
    }

    @Test("equal addresses: the ports tell the ends apart")
    func equalAddresses() {
        let key = FlowKey(FourTuple(source: ends[1], destination: ends[0]))
        #expect(key.first == ends[0] && key.second == ends[1])
        #expect(!key.isSelfConnect)
    }

    @Test("a socket connected to itself")
    func selfConnect() {
        let tuple = FourTuple(source: ends[0], destination: ends[0])
        #expect(FlowKey(tuple).isSelfConnect)
        #expect(tuple.reversed == tuple)
    }
}
