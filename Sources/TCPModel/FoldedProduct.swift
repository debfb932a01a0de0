// The mixing step of all hash functions here.

/// The full product of two words, its halves combined by XOR. Fast, and mixes well as long as neither factor can be
/// made 0: when hashing values that an attacker can choose, put a secret into each factor (`HashKeys`).
@inlinable @inline(__always) public func foldedProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
}

/// Factors for hash functions: odd words without a pattern in their bits. No result depends on them.
public enum HashFactor {
    /// 2^64 divided by the golden ratio, the root of x^2 = x + 1.
    @inlinable public static var golden: UInt64 { 0x9e37_79b9_7f4a_7c15 }
    /// 2^64 divided by the root of x^4 = x + 1, for a second factor.
    @inlinable public static var second: UInt64 { 0xd1b5_4a32_d192_ed03 }
}
