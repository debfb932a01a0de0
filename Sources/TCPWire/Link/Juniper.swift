// The header that Juniper's routers put before a captured frame, where Ethernet, PPP or Cisco HDLC follows.

/// Offsets and bits of the header, as tcpdump's print-juniper.c and Wireshark's packet-juniper.c read it.
private enum JuniperHeader {
    /// "MGC".
    static let magic: UInt32 = 0x4d4743
    static let flags = 3
    static let length = 4
    /// There is no link header: an address family of four octets is followed by IP.
    static let noLinkHeader: UInt8 = 0x02
    static let familyLength = 4
    /// Extensions follow, preceded by their length.
    static let extended: UInt8 = 0x80
    static let extensionLength = 2
}

/// The kind of frame that follows the header.
enum JuniperContent {
    case ethernet
    case ppp
    case ciscoHDLC
}

/// Reads the header and the link header after it.
func juniperPayload(
    _ bytes: RawSpan, _ frame: FrameExtent, _ content: JuniperContent
) throws(DecodeError) -> LinkPayload {
    guard frame.captured >= JuniperHeader.length else {
        throw frame.truncated(.juniper, at: 0, needed: JuniperHeader.length)
    }
    guard bytes.big32(0) >> 8 == JuniperHeader.magic else { return LinkPayload(other: .otherProtocol) }
    let flags = bytes.octet(JuniperHeader.flags)
    var offset = JuniperHeader.length
    if flags & JuniperHeader.extended != 0 {
        guard frame.captured - offset >= JuniperHeader.extensionLength else {
            throw frame.truncated(.juniper, at: 0, needed: offset + JuniperHeader.extensionLength)
        }
        offset += JuniperHeader.extensionLength + Int(bytes.big16(offset))
        guard frame.captured >= offset else { throw frame.truncated(.juniper, at: 0, needed: offset) }
    }
    if flags & JuniperHeader.noLinkHeader != 0 {
        offset += JuniperHeader.familyLength
        guard frame.captured > offset else { throw frame.truncated(.juniper, at: 0, needed: offset + 1) }
        switch bytes.octet(offset) >> 4 {
        case 4: return LinkPayload(.ipv4, at: offset)
        case 6: return LinkPayload(.ipv6, at: offset)
        default: return LinkPayload(other: .otherProtocol)
        }
    }
    switch content {
    case .ethernet: return try ethernetPayload(bytes, frame, at: offset)
    case .ppp: return try pppStep(bytes, frame, at: offset).payload(bytes, frame)
    case .ciscoHDLC: return try ciscoHDLCStep(bytes, frame, at: offset).payload(bytes, frame)
    }
}
