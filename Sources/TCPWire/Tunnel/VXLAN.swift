// VXLAN (RFC 7348 5) and its generic protocol extension (draft-ietf-nvo3-vxlan-gpe-13 3).

/// Offsets and bits in the header, which both formats share.
private enum VXLANHeader {
    static let flags = 0
    static let nextProtocol = 3
    static let length = 8

    /// I: there is a network identifier.
    static let identifierFlag: UInt8 = 0x08
    /// P, in the extension: the next protocol octet is valid.
    static let nextProtocolFlag: UInt8 = 0x04
    static let ipv4: UInt8 = 1
    static let ipv6: UInt8 = 2
    static let ethernet: UInt8 = 3
    static let nsh: UInt8 = 4
}

/// Reads a VXLAN header and the Ethernet header after it. OTV's header differs only in the meaning of its fields.
func vxlanPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= VXLANHeader.length,
        bytes.octet(start + VXLANHeader.flags) & VXLANHeader.identifierFlag != 0
    else { return LinkPayload(other: .udp) }
    return try ethernetPayload(bytes, frame, at: start + VXLANHeader.length)
}

/// Reads a VXLAN header with the generic protocol extension and the header after it.
func vxlanGPEPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= VXLANHeader.length,
        bytes.octet(start + VXLANHeader.flags) & VXLANHeader.nextProtocolFlag != 0
    else { return try vxlanPayload(bytes, frame, at: start) }
    let offset = start + VXLANHeader.length
    switch bytes.octet(start + VXLANHeader.nextProtocol) {
    case VXLANHeader.ipv4: return LinkPayload(.ipv4, at: offset)
    case VXLANHeader.ipv6: return LinkPayload(.ipv6, at: offset)
    case VXLANHeader.ethernet: return try ethernetPayload(bytes, frame, at: offset)
    case VXLANHeader.nsh: return try etherTypePayload(bytes, frame, type: EtherType.nsh, at: offset)
    default: return LinkPayload(other: .udp)
    }
}
