// The place on the link where a frame was seen, as far as its link header shows it: tells copies from retransmissions.

import TCPModel

/// A number that differs between two copies of a frame if their link headers do: interface and direction of a cooked
/// capture, hardware addresses and VLAN tag of Ethernet. 0 if the link type has no such fields.
@inline(__always) func linkVantage(_ bytes: RawSpan, _ linkType: LinkType) -> UInt32 {
    switch linkType {
    // Two addresses, and a tag if the type indicates one. The octets of the IP header are left out: IPv6's flow label
    // may change with a retransmission, which would look like a different place.
    case .ethernet: hasTag(bytes) ? vantage(bytes, 0..<16) : untaggedVantage(bytes)
    // Direction and hardware address.
    case .linuxSLL: vantage(bytes, 0..<14)
    // Interface index, hardware type, direction and hardware address.
    case .linuxSLL2: vantage(bytes, 4..<20)
    default: 0
    }
}

/// The vantage of an Ethernet frame that is known to have no VLAN tag.
@inline(__always) func untaggedVantage(_ bytes: RawSpan) -> UInt32 { vantage(bytes, 0..<14) }

/// - Parameter places: the range of octets to compare (see the tcpdump registry of link types).
@inline(__always) private func vantage(_ bytes: RawSpan, _ places: Range<Int>) -> UInt32 {
    guard bytes.byteCount >= places.upperBound else { return 0 }
    // Two words cover all of the octets; the second overlaps the first where there are fewer than sixteen. Both lie
    // within `places`, which has at least eight octets and whose end was checked above; any bit pattern is a valid
    // UInt64.
    let first = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: places.lowerBound, as: UInt64.self)
    let last = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: places.upperBound - 8, as: UInt64.self)
    return UInt32(
        truncatingIfNeeded: foldedProduct(first ^ 0x9e37_79b9_7f4a_7c15, last ^ 0xd1b5_4a32_d192_ed03) >> 32)
}

/// Whether an Ethernet frame has a VLAN tag.
private func hasTag(_ bytes: RawSpan) -> Bool {
    guard bytes.byteCount >= 16 else { return false }
    // The length was checked just above; any bit pattern is a valid UInt16.
    switch UInt16(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 12, as: UInt16.self)) {
    case 0x8100, 0x88a8, 0x9100: return true
    default: return false
    }
}
