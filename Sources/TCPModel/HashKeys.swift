// The secret words of the hash functions here.

/// Three secret words, for hashing values that an attacker can choose.
///
/// A folded product is only as good as both of its factors. If an attacker can make one factor 0, the other drops out
/// of the hash; and two values combined in one factor before either was multiplied by a secret can be chosen to cancel
/// out. So every factor has its own key, and a value that is combined with another one is first multiplied by a key.
public struct HashKeys: BitwiseCopyable, Sendable {
    /// The key of the first factor.
    public let first: UInt64
    /// The key of the second factor.
    public let second: UInt64
    /// An odd number to multiply values by.
    public let multiplier: UInt64

    /// Keys derived from a seed (SplitMix64, Steele et al., 2014): the same keys for the same seed.
    public init(seed: UInt64) {
        var state = seed
        func next() -> UInt64 {
            state &+= HashFactor.golden
            var word = state
            word = (word ^ word &>> 30) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ word &>> 27) &* 0x94d0_49bb_1331_11eb
            return word ^ word &>> 31
        }
        first = next()
        second = next()
        multiplier = next() | 1
    }

    /// Random keys.
    public init() { self.init(seed: .random(in: .min ... .max)) }
}
