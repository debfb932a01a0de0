// The secret words of the hashes here.

/// Three words that nobody outside knows, for hashes of what others can choose.
///
/// A folded product is only as good as both of its factors: a factor that somebody can make 0 takes the other one out of the hash, and
/// two values that meet in one factor before either was multiplied by a secret can be chosen so that they cancel. So every
/// factor has a key of its own, and what is put beside another value is multiplied by one first.
public struct HashKeys: BitwiseCopyable, Sendable {
    /// One for each factor.
    public let first: UInt64
    /// See `first`.
    public let second: UInt64
    /// An odd one, to multiply with.
    public let multiplier: UInt64

    /// The keys that follow from a seed (SplitMix64, Steele et al., 2014), the same ones for the same seed.
    public init(seed: UInt64) {
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ word &>> 30) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ word &>> 27) &* 0x94d0_49bb_1331_11eb
            return word ^ word &>> 31
        }
        first = next()
        second = next()
        multiplier = next() | 1
    }

    /// Keys that are drawn.
    public init() { self.init(seed: .random(in: .min ... .max)) }
}
