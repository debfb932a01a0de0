// The user plane of the GPRS tunnelling protocol, version 1 (3GPP TS 29.281 5.1, 5.2).

/// Offsets and bits in the header.
private enum GTPHeader {
    static let flags = 0
    static let messageType = 1
    static let messageLength = 2
    static let leastLength = 8
    /// Sequence number, N-PDU number and next extension header type: all present if any one is announced.
    static let optionalLength = 4
    static let nextExtension = 11

    /// Version 1, and GTP rather than GTP'.
    static let versionMask: UInt8 = 0xf0
    static let version: UInt8 = 0x30
    /// E, S and PN.
    static let optionalMask: UInt8 = 0x07
    static let extensionFlag: UInt8 = 0x04
    /// G-PDU: the only message that carries a user's packet.
    static let userPacket: UInt8 = 0xff
    /// Two in practice (PDU session container, PDCP number); more than this is an attack on parsers.
    static let mostExtensions = 8
}

/// Reads a GTP-U header, its extension headers, and the version of the IP header after them.
func gtpPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    let nothing = LinkPayload(other: .udp)
    guard frame.captured - start >= GTPHeader.leastLength else { return nothing }
    let flags = bytes.octet(start + GTPHeader.flags)
    guard flags & GTPHeader.versionMask == GTPHeader.version,
        bytes.octet(start + GTPHeader.messageType) == GTPHeader.userPacket
    else { return nothing }
    var offset = start + GTPHeader.leastLength
    if flags & GTPHeader.optionalMask != 0 {
        guard frame.captured - offset >= GTPHeader.optionalLength else { return nothing }
        var next = flags & GTPHeader.extensionFlag == 0 ? 0 : bytes.octet(start + GTPHeader.nextExtension)
        offset += GTPHeader.optionalLength
        // 5.2.1: an extension header starts with its length in units of four octets and ends with the type of the next
        // one.
        var count = 0
        while next != 0 {
            guard count < GTPHeader.mostExtensions, frame.captured - offset >= 1 else { return nothing }
            count += 1
            let length = Int(bytes.octet(offset)) * 4
            guard length > 0, frame.captured - offset >= length else { return nothing }
            next = bytes.octet(offset + length - 1)
            offset += length
        }
    }
    // 5.1: the length covers everything behind the eight mandatory octets.
    let end = start + GTPHeader.leastLength + Int(bytes.big16(start + GTPHeader.messageLength))
    guard end > offset else { return nothing }
    return try rawIPPayload(bytes, frame, at: offset)
}
