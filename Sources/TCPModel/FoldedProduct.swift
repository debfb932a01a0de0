// The one step that all hashes here are made of.

/// The product of two words, folded: both halves count. Fast, and mixes well if neither factor can be chosen as 0; whoever hashes
/// what others can choose has a secret in each of them (`HashKeys`).
@inlinable @inline(__always) public func foldedProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
}
