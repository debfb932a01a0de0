// The BSD loopback header: an address family, in the capturing host's byte order (NULL) or in network order (LOOP).

/// The loopback header.
enum LoopbackHeader {
    static let length = 4

    /// The address family; the header must have been captured. Both link types are read in either byte order, since
    /// captures move between hosts and tools confuse the two types. No address family needs more than 16 bits, so the
    /// zero half reveals the order.
    static func family(_ bytes: RawSpan) -> UInt32 {
        let value = bytes.big32(0)
        return value > 0xffff ? value.byteSwapped : value
    }
}

/// Reads a loopback header.
func loopbackPayload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
    guard frame.captured >= LoopbackHeader.length else {
        throw frame.truncated(.loopback, at: 0, needed: LoopbackHeader.length)
    }
    switch LoopbackHeader.family(bytes) {
    case 2: return LinkPayload(.ipv4, at: LoopbackHeader.length)
    // AF_INET6 on Linux, Windows, NetBSD and OpenBSD, Solaris, FreeBSD, Darwin.
    case 10, 23, 24, 26, 28, 30: return LinkPayload(.ipv6, at: LoopbackHeader.length)
    default: return LinkPayload(other: .otherProtocol)
    }
}
