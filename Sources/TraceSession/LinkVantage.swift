// Where on the link a frame was seen, as far as its link header tells: for telling copies from repetitions.

import TCPModel

/// A number that differs where the link headers of two copies of a frame do: interface and direction of a cooked capture,
/// hardware addresses and VLAN tag of Ethernet. 0 where there is nothing to tell.
func linkVantage(_ bytes: RawSpan, _ linkType: LinkType) -> UInt32 {
    /// The octets that differ (see the tcpdump registry of link types).
    let places: Range<Int>
    switch linkType {
    // Two addresses, the type, and a tag if the type says so; without one, IP's first octets, which copies share.
    case .ethernet: places = 0..<16
    // Direction and hardware address.
    case .linuxSLL: places = 0..<14
    // Interface index, hardware type, direction and hardware address.
    case .linuxSLL2: places = 4..<20
    default: return 0
    }
    guard bytes.byteCount >= places.upperBound else { return 0 }
    // FNV-1a: sixteen octets at most, and only for segments without an IPv4 identification.
    var hash: UInt32 = 0x811c_9dc5
    for index in places {
        // index < byteCount was checked above, and any bits are a UInt8.
        let octet = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        hash = (hash ^ UInt32(octet)) &* 0x0100_0193
    }
    return hash
}
