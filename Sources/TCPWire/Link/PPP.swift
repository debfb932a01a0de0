// PPP in all its framings: bare (RFC 1661), HDLC-like (RFC 1662), over Ethernet (RFC 2516); and Cisco HDLC.

/// The PPPoE header.
private enum PPPoEHeader {
    static let versionAndType = 0
    static let code = 1
    static let length = 6
    /// Version 1, type 1: the only ones defined.
    static let only: UInt8 = 0x11
    static let sessionData: UInt8 = 0
}

/// PPP's fields, and the values of its protocol field (IANA's "PPP DLL Protocol Numbers").
private enum PPPHeader {
    /// "All stations" and "unnumbered information" (RFC 1662 3.1).
    static let addressAndControl: UInt16 = 0xff03
    static let addressAndControlLength = 2
    static let protocolLength = 2
    static let ipv4: UInt16 = 0x0021
    static let ipv6: UInt16 = 0x0057
    static let mpls: UInt16 = 0x0281
    static let mplsUpstream: UInt16 = 0x0283
}

/// Cisco's header: an address, a control octet of 0, an EtherType.
private enum CiscoHDLCHeader {
    static let unicast: UInt8 = 0x0f
    static let broadcast: UInt8 = 0x8f
    static let type = 2
    static let length = 4
}

/// Reads a PPPoE session header. Its length is not used: the IP header has its own.
func pppoeStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    guard frame.captured - start >= PPPoEHeader.length else {
        throw frame.truncated(.pppoe, at: start, needed: PPPoEHeader.length)
    }
    guard bytes.octet(start + PPPoEHeader.versionAndType) == PPPoEHeader.only,
        bytes.octet(start + PPPoEHeader.code) == PPPoEHeader.sessionData
    else { return .payload(LinkPayload(other: .otherProtocol)) }
    return try pppStep(bytes, frame, at: start + PPPoEHeader.length)
}

/// Reads PPP's address and control fields, if present, and its protocol field of one or two octets.
func pppStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    guard frame.captured - start >= PPPHeader.protocolLength else {
        throw frame.truncated(.ppp, at: start, needed: PPPHeader.protocolLength)
    }
    var offset = start
    if bytes.big16(start) == PPPHeader.addressAndControl {
        offset += PPPHeader.addressAndControlLength
        guard frame.captured - offset >= PPPHeader.protocolLength else {
            throw frame.truncated(.ppp, at: start, needed: PPPHeader.addressAndControlLength + PPPHeader.protocolLength)
        }
    }
    // RFC 1661 2: only the field's last octet is odd, so an odd first octet is the whole field (6.5).
    let isCompressed = bytes.octet(offset) & 1 == 1
    let number = isCompressed ? UInt16(bytes.octet(offset)) : bytes.big16(offset)
    offset += isCompressed ? 1 : PPPHeader.protocolLength
    switch number {
    case PPPHeader.ipv4: return .payload(LinkPayload(.ipv4, at: offset))
    case PPPHeader.ipv6: return .payload(LinkPayload(.ipv6, at: offset))
    case PPPHeader.mpls: return .etherType(EtherType.mpls, at: offset)
    case PPPHeader.mplsUpstream: return .etherType(EtherType.mplsUpstream, at: offset)
    default: return .payload(LinkPayload(other: .otherProtocol))
    }
}

/// Reads the start of a frame from a serial line: Cisco HDLC if the address is one of Cisco's, otherwise PPP.
func serialStep(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkStep {
    guard frame.captured >= 1 else { throw frame.truncated(.ppp, at: 0, needed: PPPHeader.protocolLength) }
    switch bytes.octet(0) {
    case CiscoHDLCHeader.unicast, CiscoHDLCHeader.broadcast: return try ciscoHDLCStep(bytes, frame)
    default: return try pppStep(bytes, frame, at: 0)
    }
}

/// Reads a Cisco HDLC header.
func ciscoHDLCStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int = 0) throws(DecodeError) -> LinkStep {
    guard frame.captured - start >= CiscoHDLCHeader.length else {
        throw frame.truncated(.ppp, at: start, needed: CiscoHDLCHeader.length)
    }
    return .etherType(bytes.big16(start + CiscoHDLCHeader.type), at: start + CiscoHDLCHeader.length)
}
