// Random numbers that are the same for the same seed.

/// SplitMix64 (Steele, Lea and Flood).
struct SeededRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func next(below limit: UInt64) -> UInt64 { next() % limit }
    mutating func next(upTo limit: Int64) -> Int64 { limit > 0 ? Int64(next() % UInt64(limit)) : 0 }
    /// Whether the one of `count` cases that is meant came up.
    mutating func isOne(of count: UInt64) -> Bool { next() % count == 0 }
}
