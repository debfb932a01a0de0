// The random choices of a simulation: the same for the same seed.

import SeededRandom

/// Makes choices by pseudo-random numbers.
struct Chance {
    private var numbers: SplitMix

    init(_ seed: UInt64) { numbers = SplitMix(seed: seed) }

    mutating func next(below limit: UInt64) -> UInt64 { numbers.next() % limit }
    mutating func next(upTo limit: Int64) -> Int64 { limit > 0 ? Int64(numbers.next() % UInt64(limit)) : 0 }
    /// True with probability 1 / `count`.
    mutating func isOne(of count: UInt64) -> Bool { numbers.next() % count == 0 }
}
