// Reads numbers from a record's octets. Each access is bounds-checked once, then loaded as a whole.

/// The number of 2, 4 or 8 octets at `offset` in network order; nil if it does not fit into the record.
func bigEndian(_ record: RawSpan, _ offset: Int, _ size: Int) -> UInt64? {
    guard size == 2 || size == 4 || size == 8, let value = unsigned(record, offset, size) else { return nil }
    return UInt64(littleEndian: 1) == 1 ? value.byteSwapped >> UInt64((8 - size) * 8) : value
}

/// The number of 1, 2, 4 or 8 octets at `offset` in this machine's order; nil if it does not fit into the record.
func unsigned(_ record: RawSpan, _ offset: Int, _ size: Int) -> UInt64? {
    guard offset >= 0, size > 0, size <= 8, offset <= record.byteCount - size else { return nil }
    // Just checked: `size` octets from `offset` on are inside the record.
    switch size {
    case 1: return UInt64(unsafe record.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt8.self))
    case 2: return UInt64(unsafe record.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
    case 4: return UInt64(unsafe record.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    case 8: return unsafe record.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    default: return nil
    }
}
