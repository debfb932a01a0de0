// The seeded hash of flows.

public import TCPModel

/// The seeded hash of flows, also for callers that distribute flows ahead of a table with the same seed.
public struct FlowHash: BitwiseCopyable, Sendable {
    @usableFromInline let keys: HashKeys

    /// A hash with this seed.
    public init(seed: UInt64) { keys = HashKeys(seed: seed) }

    /// The hash of a flow, the same for both directions.
    @inlinable @inline(__always) public func hash(_ tuple: FourTuple) -> UInt64 {
        let sum = end(tuple.source) &+ end(tuple.destination)
        return foldedProduct(sum ^ keys.first, keys.multiplier)
    }

    /// Which of `count` parts (a power of two) a flow belongs to: without the seed, so that every run divides alike.
    @inlinable @inline(__always) public static func part(_ tuple: FourTuple, of count: Int) -> Int {
        let ends = tuple.source.address.low &+ tuple.destination.address.low
        let ports = UInt64(tuple.source.port) &+ UInt64(tuple.destination.port)
        let mixed = foldedProduct(ends ^ ports &* HashFactor.golden, HashFactor.second)
        return Int(truncatingIfNeeded: mixed) & (count - 1)
    }

    /// A flow's hash is based on the sum of both ends: so nothing may be added to an end afterwards,
    /// and all of it passes through one product.
    @inlinable @inline(__always) func end(_ end: SocketAddress) -> UInt64 {
        foldedProduct(
            end.address.low ^ keys.first, end.address.high ^ UInt64(end.port) &* keys.multiplier ^ keys.second)
    }
}
