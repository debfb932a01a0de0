// LLC (IEEE 802.2) with SNAP (IEEE 802 9.2), behind a length where Ethernet II has a type: RFC 1042.

/// Offsets in the headers, and the values that lead to IP.
private enum LLCHeader {
    static let accessPoints = 0
    static let control = 2
    static let length = 3
    static let organization = 3
    static let type = 6
    static let snapLength = 8

    /// SNAP to SNAP.
    static let snap: UInt16 = 0xaaaa
    /// IP to IP, without SNAP.
    static let ip: UInt16 = 0x0606
    /// Unnumbered information.
    static let information: UInt8 = 0x03
    /// "What follows is an EtherType" (RFC 1042), and the same as 802.1H bridges say it.
    static let encapsulated: UInt32 = 0x00_0000
    static let encapsulatedByBridge: UInt32 = 0x00_00f8
}

/// Reads an LLC header. A frame too short for one is left alone, unless the snapshot length cut it.
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
    // Three octets: the one before them is the control field.
    let organization = bytes.big32(start + LLCHeader.organization - 1) & 0x00ff_ffff
    let type = bytes.big16(start + LLCHeader.type)
    guard organization == LLCHeader.encapsulated || organization == LLCHeader.encapsulatedByBridge,
        type >= EtherType.least
    else { return other }
    return .etherType(type, at: start + LLCHeader.snapLength)
}
