// LLC (IEEE 802.2) with SNAP (IEEE 802 9.2), in frames with a length in place of Ethernet II's type: RFC 1042.

/// Offsets in the headers, and the values that lead to IP.
private enum LLCHeader {
    static let accessPoints = 0
    static let control = 2
    static let length = 3
    static let organization = 3
    static let type = 6
    static let snapLength = 8

    /// Both access points are SNAP.
    static let snap: UInt16 = 0xaaaa
    /// Both access points are IP, without SNAP.
    static let ip: UInt16 = 0x0606
    /// Unnumbered information.
    static let information: UInt8 = 0x03
    /// "An EtherType follows" (RFC 1042), and the same as 802.1H bridges encode it.
    static let encapsulated: UInt32 = 0x00_0000
    static let encapsulatedByBridge: UInt32 = 0x00_00f8
}

/// Reads an LLC header. A frame too short for one is other traffic, unless the snapshot length cut it.
func llcStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    let other = LinkStep.payload(LinkPayload(other: .lengthFrame))
    guard frame.captured - start >= LLCHeader.length else {
        if frame.original - start >= LLCHeader.length {
            throw frame.truncated(.llc, at: start, needed: LLCHeader.length)
        }
        return other
    }
    guard bytes.octet(start + LLCHeader.control) == LLCHeader.information else { return other }
    switch bytes.big16(start + LLCHeader.accessPoints) {
    case LLCHeader.ip: return .payload(LinkPayload(.ipv4, at: start + LLCHeader.length))
    case LLCHeader.snap: break
    default: return other
    }
    guard frame.captured - start >= LLCHeader.snapLength else {
        throw frame.truncated(.llc, at: start, needed: LLCHeader.snapLength)
    }
    // Three octets; the octet before them, the control field, is masked out.
    let organization = bytes.big32(start + LLCHeader.organization - 1) & 0x00ff_ffff
    let type = bytes.big16(start + LLCHeader.type)
    guard organization == LLCHeader.encapsulated || organization == LLCHeader.encapsulatedByBridge,
        type >= EtherType.least
    else { return other }
    return .etherType(type, at: start + LLCHeader.snapLength)
}
