// Teredo (RFC 4380 5.1.1): an IPv6 packet, optionally behind an authentication header and an origin indication.

/// The two optional headers. Each is recognized by its first two octets, with which no IPv6 header can start.
private enum TeredoHeader {
    static let typeLength = 2
    static let authentication: UInt16 = 0x0001
    static let clientLength = 2
    static let valueLength = 3
    /// The type and the two lengths before the variable fields, and the nonce and confirmation octet after them.
    static let authenticationFixedLength = 13
    static let origin: UInt16 = 0x0000
    static let originLength = 8
}

/// Skips the optional headers before the IPv6 header.
func teredoPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    var offset = start
    if frame.captured - offset >= TeredoHeader.authenticationFixedLength,
        bytes.big16(offset) == TeredoHeader.authentication
    {
        offset +=
            TeredoHeader.authenticationFixedLength + Int(bytes.octet(offset + TeredoHeader.clientLength))
            + Int(bytes.octet(offset + TeredoHeader.valueLength))
    }
    if frame.captured - offset >= TeredoHeader.originLength, bytes.big16(offset) == TeredoHeader.origin {
        offset += TeredoHeader.originLength
    }
    return LinkPayload(.ipv6, at: offset)
}
