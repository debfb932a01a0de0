// The place on the link where a frame was seen, as far as its link header shows it: tells copies from retransmissions.

public import TCPModel

/// A number that differs between two copies of a frame if their link headers do: interface and direction of a cooked
/// capture, hardware addresses and VLAN tag of Ethernet. 0 if the link type has no such fields.
public func linkVantage(_ bytes: RawSpan, _ linkType: LinkType) -> UInt32 {
    switch linkType {
    // Two addresses, and a tag if the type indicates one. The octets of the IP header are left out: IPv6's flow label
    // may change with a retransmission, which would look like a different place.
    case .ethernet:
        hasTag(bytes)
            ? vantage(bytes, 0..<(EthernetHeader.length + VLANTag.type)) : untaggedVantage(bytes)
    // Direction and hardware address.
    case .linuxSLL: vantage(bytes, SLLHeader.packetType..<SLLHeader.protocol)
    // Interface index, hardware type, direction and hardware address.
    case .linuxSLL2: vantage(bytes, SLL2Header.interface..<SLL2Header.length)
    default: 0
    }
}

/// The same where it may be needed: for segments without an IPv4 identification, and in cooked captures, which show all
/// interfaces of a host.
public func neededVantage(
    _ bytes: RawSpan, _ linkType: LinkType, identification: UInt16
) -> UInt32 {
    identification == 0 || linkType != .ethernet ? linkVantage(bytes, linkType) : 0
}

/// The vantage of an Ethernet frame that is known to have no VLAN tag.
@inlinable @inline(__always) public func untaggedVantage(_ bytes: RawSpan) -> UInt32 {
    vantage(bytes, 0..<EthernetHeader.length)
}

/// - Parameter places: the range of octets to compare, at least eight.
@inlinable @inline(__always) func vantage(_ bytes: RawSpan, _ places: Range<Int>) -> UInt32 {
    guard bytes.byteCount >= places.upperBound else { return 0 }
    // Two words cover all of the octets; the second overlaps the first where there are fewer than sixteen.
    let first = bytes.big64(places.lowerBound)
    let last = bytes.big64(places.upperBound &- 8)
    return UInt32(
        truncatingIfNeeded: foldedProduct(first ^ HashFactor.golden, last ^ HashFactor.second) >> 32)
}

/// Whether an Ethernet frame has a VLAN tag that was captured.
private func hasTag(_ bytes: RawSpan) -> Bool {
    bytes.byteCount >= EthernetHeader.length + VLANTag.type && EtherType.isVLANTag(bytes.big16(EthernetHeader.type))
}
