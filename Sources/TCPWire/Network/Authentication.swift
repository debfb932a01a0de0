// The IP authentication header in IPv4 (RFC 4302 2). It does not encrypt its payload. In IPv6 it is an extension
// header.

/// Offsets in the header.
private enum AuthenticationHeader {
    static let nextHeader = 0
    static let length = 1
    static let leastLength = 12
}

/// Reads the header at `packet.offset`, and the payload behind it.
@inline(never) func authenticatedFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, _ packet: NetworkPacket
) throws(DecodeError) -> DecodedFrame {
    let start = packet.offset
    guard frame.captured - start >= AuthenticationHeader.leastLength else {
        throw frame.truncated(.authentication, at: start, needed: AuthenticationHeader.leastLength)
    }
    // RFC 4302 2.2: in units of four octets, minus two.
    let length = max(AuthenticationHeader.leastLength, (Int(bytes.octet(start + AuthenticationHeader.length)) + 2) * 4)
    guard packet.length >= length else {
        throw .truncated(
            .authentication, at: start, needed: length, available: max(0, packet.length), limitedBy: packet.limit)
    }
    guard frame.captured - start >= length else { throw frame.truncated(.authentication, at: start, needed: length) }
    var inside = packet
    inside.offset += length
    inside.length -= length
    return try ipPayloadFrame(
        bytes, frame, number: bytes.octet(start + AuthenticationHeader.nextHeader), isInIPv4: true, inside)
}
