// The network service header (RFC 8300 2.2), on Ethernet or in VXLAN-GPE.

/// Offsets in the header, and the values of its next protocol field (IANA's "NSH Next Protocol").
private enum NSHeader {
    static let length = 0
    static let lengthMask: UInt16 = 0x003f
    static let nextProtocol = 3
    static let leastLength = 8
    static let ipv4: UInt8 = 1
    static let ipv6: UInt8 = 2
    static let ethernet: UInt8 = 3
    static let mpls: UInt8 = 5
}

/// Reads the header and skips its context headers, whatever they are, by the total length.
func nshStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    guard frame.captured - start >= NSHeader.leastLength else {
        throw frame.truncated(.nsh, at: start, needed: NSHeader.leastLength)
    }
    let length = max(NSHeader.leastLength, Int(bytes.big16(start + NSHeader.length) & NSHeader.lengthMask) * 4)
    guard frame.captured - start >= length else { throw frame.truncated(.nsh, at: start, needed: length) }
    switch bytes.octet(start + NSHeader.nextProtocol) {
    case NSHeader.ipv4: return .payload(LinkPayload(.ipv4, at: start + length))
    case NSHeader.ipv6: return .payload(LinkPayload(.ipv6, at: start + length))
    case NSHeader.ethernet: return try carriedEthernet(bytes, frame, at: start + length)
    case NSHeader.mpls: return .etherType(EtherType.mpls, at: start + length)
    default: return .payload(LinkPayload(other: .otherProtocol))
    }
}
