// Big-endian loads from borrowed bytes: the only file of this module that uses `unsafe`.

/// Lends the first `count` octets to `body`, or all of them if there are fewer.
func withOctets(_ octets: [UInt8], count: Int, _ body: (RawSpan) throws(DecodeError) -> Void) throws(DecodeError) {
    // Every octet of an array of UInt8 is initialized, and the array lives through the call.
    try body(unsafe octets.span.bytes.extracting(first: min(count, octets.count)))
}

extension RawSpan {
    /// A copy of `count` octets from `start` on; traps outside the span.
    public func copied(_ start: Int, count: Int) -> [UInt8] {
        // Bounds: `extracting` checks them, and traps. The copy is made before the pointer becomes invalid.
        unsafe extracting(start..<(start + count)).withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// The octet at `offset`; traps outside the span.
    @inlinable @inline(__always) func octet(_ offset: Int) -> UInt8 {
        // Bounds: this form of the load checks 0 <= offset and offset + 1 <= byteCount, and traps. Any bits are a
        // UInt8.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// The two octets from `offset` on, in network order; traps outside the span.
    @inlinable @inline(__always) func big16(_ offset: Int) -> UInt16 {
        // Bounds: this form of the load checks 0 <= offset and offset + 2 <= byteCount, and traps. Any bits are a
        // UInt16.
        UInt16(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The four octets from `offset` on, in network order; traps outside the span.
    @inlinable @inline(__always) func big32(_ offset: Int) -> UInt32 {
        // Bounds: this form of the load checks 0 <= offset and offset + 4 <= byteCount, and traps. Any bits are a
        // UInt32.
        UInt32(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The eight octets from `offset` on, in network order; traps outside the span.
    @inlinable @inline(__always) func big64(_ offset: Int) -> UInt64 {
        // Bounds: this form of the load checks 0 <= offset and offset + 8 <= byteCount, and traps. Any bits are a
        // UInt64.
        UInt64(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
