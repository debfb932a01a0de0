// What a simulation draws: the same for the same seed.

import SeededRandom

/// Choices by random numbers.
struct Chance {
    private var numbers: SplitMix

    init(_ seed: UInt64) { numbers = SplitMix(seed: seed) }

    mutating func next(below limit: UInt64) -> UInt64 { numbers.next() % limit }
    mutating func next(upTo limit: Int64) -> Int64 { limit > 0 ? Int64(numbers.next() % UInt64(limit)) : 0 }
    /// Whether the one of `count` cases that is meant came up.
    mutating func isOne(of count: UInt64) -> Bool { numbers.next() % count == 0 }
}
