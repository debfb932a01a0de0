// Loads numbers from capture bytes in the file's byte order. Bounds are checked, except in `uncheckedLong`.

extension RawSpan {
    /// The 32-bit number at `offset`, its bytes reversed if `swapped`.
    @inline(__always) func word(_ offset: Int, swapped: Bool) -> UInt32 {
        // unsafeLoadUnaligned checks the bounds and traps, and every bit pattern is a UInt32.
        let value = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return swapped ? value.byteSwapped : value
    }

    /// The 16-bit number at `offset`, its bytes reversed if `swapped`.
    @inline(__always) func half(_ offset: Int, swapped: Bool) -> UInt16 {
        // As above: checked bounds, any bits are a UInt16.
        let value = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return swapped ? value.byteSwapped : value
    }

    /// The 64-bit number at `offset`, its bytes reversed if `swapped`.
    @inline(__always) func long(_ offset: Int, swapped: Bool) -> UInt64 {
        // As above: checked bounds, any bits are a UInt64.
        let value = unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return swapped ? value.byteSwapped : value
    }

    /// The 64-bit number at `offset` in this machine's byte order. The caller must have checked that its eight octets
    /// exist.
    @inlinable @inline(__always) func uncheckedLong(_ offset: Int) -> UInt64 {
        // The caller checks the bounds; any bits are a UInt64.
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }

    /// The byte at `offset`.
    @inline(__always) func byte(_ offset: Int) -> UInt8 {
        // As above: checked bounds, any bits are a UInt8.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }
}
