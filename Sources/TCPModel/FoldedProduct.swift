// The mixing step of all hash functions here.

/// The full product of two words, its halves combined by XOR. Fast, and mixes well as long as neither factor can be
/// made 0: when hashing values that an attacker can choose, put a secret into each factor (`HashKeys`).
@inlinable @inline(__always) public func foldedProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
}
