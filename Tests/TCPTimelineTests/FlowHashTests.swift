// ROBUSTNESS 69: nobody can choose flows with equal hashes, whatever the seed.

import TCPModel
import TCPTimeline
import Testing

@Suite("Hashes of flows that somebody chose") struct FlowHashTests {
    private static let odd: UInt64 = 0x9e37_79b9_7f4a_7c15
    private static let server = SocketAddress(IPAddress(high: 0x2001_0db8_0000_0000, low: 1), 80)

    /// Families of flows that differ in a single way; each made formulas like this one collide.
    private static let families: [(name: String, flow: @Sendable (UInt64) -> FourTuple)] = [
        (
            "the port's product meets the upper half",
            { number in
                let port = UInt16(1024 + number)
                return FourTuple(
                    source: SocketAddress(IPAddress(high: 0x2001_0db8 ^ UInt64(port) &* odd, low: 5), port),
                    destination: server)
            }
        ),
        (
            "the port's product meets the lower half",
            { number in
                let port = UInt16(1024 + number)
                return FourTuple(
                    source: SocketAddress(IPAddress(high: 0x2001_0db8, low: UInt64(port) &* odd), port),
                    destination: server)
            }
        ),
        (
            "ports of the same sum",
            { number in
                FourTuple(
                    source: SocketAddress(IPAddress(10, 0, 0, 1), UInt16(1024 + number)),
                    destination: SocketAddress(IPAddress(10, 0, 0, 2), UInt16(60_000 - number)))
            }
        ),
        (
            "addresses of the same sum",
            { number in
                FourTuple(
                    source: SocketAddress(IPAddress(high: 0x2001_0db8, low: number), 1024),
                    destination: SocketAddress(IPAddress(high: 0x2001_0db8, low: 1 << 20 - number), 80))
            }
        ),
        (
            "halves of the same sum",
            { number in
                FourTuple(
                    source: SocketAddress(IPAddress(high: 0x2001_0db8 ^ number, low: number), 1024),
                    destination: server)
            }
        ),
    ]

    @Test(arguments: families.indices) func allAreDifferent(_ index: Int) {
        let family = Self.families[index]
        for seed: UInt64 in [0, 1, 0x1234_5678_9abc_def0, .max] {
            let hash = FlowHash(seed: seed)
            // The table uses the upper half first. Among 20 000 draws from 2^32 hardly any value repeats.
            var upper: Set<UInt32> = []
            for number in 0..<UInt64(20_000) { upper.insert(UInt32(hash.hash(family.flow(number)) >> 32)) }
            #expect(upper.count >= 19_990, "\(family.name): \(upper.count) of 20000 with the seed \(seed)")
        }
    }

    @Test func bothDirectionsAreOneFlow() {
        let flow = Self.families[0].flow(7)
        #expect(FlowHash(seed: 3).hash(flow) == FlowHash(seed: 3).hash(flow.reversed))
        #expect(FlowHash(seed: 3).hash(flow) != FlowHash(seed: 4).hash(flow))
    }
}
