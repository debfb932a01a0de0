// The Ethernet II header (RFC 894, IEEE 802.3 3.2.6).

/// Offsets in the Ethernet header.
private enum EthernetHeader {
    static let type = 12
    static let length = 14
}

/// Reads an Ethernet header and the tags after it.
@inline(__always) func ethernetPayload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
    guard frame.captured >= EthernetHeader.length else {
        throw frame.truncated(.ethernet, at: 0, needed: EthernetHeader.length)
    }
    let type = bytes.big16(EthernetHeader.type)
    if type == EtherType.ipv4 { return LinkPayload(.ipv4, at: EthernetHeader.length) }
    return try etherTypePayload(bytes, frame, type: type, at: EthernetHeader.length)
}
