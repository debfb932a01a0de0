// The Ethernet II header (RFC 894, IEEE 802.3 3.2.6).

/// Offsets in the Ethernet header.
@usableFromInline enum EthernetHeader {
    @usableFromInline static var type: Int { 12 }
    @usableFromInline static var length: Int { 14 }
}

/// Reads an Ethernet header and the tags after it; `start` is not 0 for a frame in a tunnel.
@inline(__always) func ethernetPayload(
    _ bytes: RawSpan, _ frame: FrameExtent, at start: Int = 0
) throws(DecodeError) -> LinkPayload {
    guard frame.captured &- start >= EthernetHeader.length else {
        throw frame.truncated(.ethernet, at: start, needed: EthernetHeader.length)
    }
    let type = bytes.big16(start &+ EthernetHeader.type)
    let next = start &+ EthernetHeader.length
    if type == EtherType.ipv4 { return LinkPayload(.ipv4, at: next) }
    if type == EtherType.ipv6 { return LinkPayload(.ipv6, at: next) }
    return try etherTypePayload(bytes, frame, type: type, at: next)
}

/// Reads the Ethernet header of a frame inside another link header.
func carriedEthernet(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    guard frame.captured - start >= EthernetHeader.length else {
        throw frame.truncated(.ethernet, at: start, needed: EthernetHeader.length)
    }
    return .etherType(bytes.big16(start + EthernetHeader.type), at: start + EthernetHeader.length)
}

/// Whether an Ethernet header whose type may lead to IP starts at `start`.
func looksLikeEthernet(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) -> Bool {
    guard frame.captured - start >= EthernetHeader.length else { return false }
    let type = bytes.big16(start + EthernetHeader.type)
    return type == EtherType.ipv4 || type == EtherType.ipv6 || EtherType.isVLANTag(type)
}
