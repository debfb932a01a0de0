// Where on the link a frame was seen, as far as its link header tells: for telling copies from repetitions.

import TCPModel

/// A number that differs where the link headers of two copies of a frame do: interface and direction of a cooked capture,
/// hardware addresses and VLAN tag of Ethernet. 0 where there is nothing to tell.
@inline(__always) func linkVantage(_ bytes: RawSpan, _ linkType: LinkType) -> UInt32 {
    switch linkType {
    // Two addresses, and a tag if the type says so. Not what IP begins with: IPv6's flow label is another when a segment is
    // sent again, which would look like another place.
    case .ethernet: hasTag(bytes) ? vantage(bytes, 0..<16) : untaggedVantage(bytes)
    // Direction and hardware address.
    case .linuxSLL: vantage(bytes, 0..<14)
    // Interface index, hardware type, direction and hardware address.
    case .linuxSLL2: vantage(bytes, 4..<20)
    default: 0
    }
}

/// The same for an Ethernet frame that is known to have no tag.
@inline(__always) func untaggedVantage(_ bytes: RawSpan) -> UInt32 { vantage(bytes, 0..<14) }

/// - Parameter places: the octets that differ (see the tcpdump registry of link types).
@inline(__always) private func vantage(_ bytes: RawSpan, _ places: Range<Int>) -> UInt32 {
    guard bytes.byteCount >= places.upperBound else { return 0 }
    // Two words that cover all of the octets, the second one overlapping the first where they are fewer than sixteen.
    // Both lie within `places`, whose end was checked above and which has eight octets at least; any bits are a UInt64.
    let first = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: places.lowerBound, as: UInt64.self)
    let last = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: places.upperBound - 8, as: UInt64.self)
    return UInt32(
        truncatingIfNeeded: foldedProduct(first ^ 0x9e37_79b9_7f4a_7c15, last ^ 0xd1b5_4a32_d192_ed03) >> 32)
}

/// Whether an Ethernet frame has a VLAN tag.
private func hasTag(_ bytes: RawSpan) -> Bool {
    guard bytes.byteCount >= 16 else { return false }
    // The length was checked just above; any bits are a UInt16.
    switch UInt16(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 12, as: UInt16.self)) {
    case 0x8100, 0x88a8, 0x9100: return true
    default: return false
    }
}
