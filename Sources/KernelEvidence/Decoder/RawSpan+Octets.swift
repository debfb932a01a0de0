// The octets of a borrowed payload as an array: the only file of this module that says `unsafe`.

extension RawSpan {
    /// A copy of its octets, of which every read is checked.
    var octets: [UInt8] {
        // The buffer has the span's own bounds, its octets are initialized, and it does not leave the closure.
        unsafe withUnsafeBytes { unsafe Array($0) }
    }
}
