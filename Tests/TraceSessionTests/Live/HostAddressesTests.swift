// When the host's addresses are read again.

import KernelSockets
import TCPModel
import Testing

@testable import TraceSession

@Suite struct HostAddressesTests {
    /// A simulated host: its addresses, the number of readings, and its clock.
    private final class Host {
        var addresses: Set<IPAddress>
        var readings = 0
        var now: Int64 = 0
        var cost: Int64 = 0
        init(_ addresses: Set<IPAddress>) { self.addresses = addresses }
    }

    private static func address(_ last: UInt32) -> IPAddress { IPAddress(v4: 0x0a09_0900 | last) }

    private static func tuple(_ from: UInt32, _ to: UInt32) -> FourTuple {
        FourTuple(source: SocketAddress(address(from), 40_000), destination: SocketAddress(address(to), 80))
    }

    private static func made(_ host: Host) -> HostAddresses {
        HostAddresses(
            clock: { host.now },
            read: {
                host.readings += 1
                host.now += host.cost
                return LocalAddresses(host.addresses)
            })
    }

    @Test func aNewAddressIsFoundWhenAConnectionHasIt() {
        let host = Host([Self.address(1)])
        var addresses = Self.made(host)
        host.addresses.insert(Self.address(9))
        addresses.note(Self.tuple(1, 9))
        host.now = Span.second / 2
        addresses.refresh()
        #expect(!addresses.contains(Self.address(9)), "not more than once a second")
        host.now = Span.second
        addresses.refresh()
        #expect(addresses.contains(Self.address(9)) && addresses.contains(Self.address(1)))
        #expect(host.readings == 2)
    }

    /// The number of readings in ten seconds in which connections with these endpoints come and go.
    private static func readings(_ known: [UInt32], _ first: UInt32, _ second: UInt32) -> Int {
        let host = Host(Set(known.map(address)))
        var addresses = made(host)
        for tenth in Int64(1)...100 {
            addresses.note(tuple(first, second))
            host.now = tenth * Span.second / 10
            addresses.refresh()
        }
        return host.readings
    }

    @Test func withoutAStrangerTheyAreReadNowAndThen() { #expect(Self.readings([1, 2], 1, 2) == 3) }

    @Test func strangersAreAskedForOnceASecond() { #expect(Self.readings([1], 1, 77) == 11) }

    @Test func whatTheHostLosesStays() {
        let host = Host([Self.address(1)])
        var addresses = Self.made(host)
        host.addresses = [Self.address(2)]
        host.now = 5 * Span.second
        addresses.refresh()
        #expect(addresses.contains(Self.address(1)) && addresses.contains(Self.address(2)))
    }

    @Test func manyAddressesAreReadSeldom() {
        let host = Host([Self.address(1)])
        host.cost = Span.second / 20
        var addresses = Self.made(host)
        for second in Int64(1)...25 {
            addresses.note(Self.tuple(1, 77))
            host.now = second * Span.second
            addresses.refresh()
        }
        #expect(host.readings == 3, "a 200th of the time")
    }
}
