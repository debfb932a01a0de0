// Mirrored frames behind a GRE header: ERSPAN types II and III (draft-foschiano-erspan-03 4.2, 4.3). Type I has no
// header of its own.

/// Offsets in the type II header.
private enum ERSPAN2Header {
    static let version = 0
    static let length = 8
    /// The version number of type II is 1.
    static let thisVersion: UInt8 = 1
}

/// Offsets in the type III header.
private enum ERSPAN3Header {
    static let version = 0
    static let frameType = 10
    static let flags = 11
    static let length = 12
    /// The version number of type III is 2.
    static let thisVersion: UInt8 = 2
    /// FT, five bits.
    static let frameTypeMask: UInt8 = 0x7c
    static let ethernet: UInt8 = 0 << 2
    static let ip: UInt8 = 2 << 2
    /// O: the platform-specific subheader follows.
    static let subheader: UInt8 = 0x01
    static let subheaderLength = 8
}

/// Reads a type II header and the Ethernet header after it.
func erspan2Payload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= ERSPAN2Header.length else {
        throw frame.truncated(.erspan, at: start, needed: ERSPAN2Header.length)
    }
    guard bytes.octet(start + ERSPAN2Header.version) >> 4 == ERSPAN2Header.thisVersion else {
        return LinkPayload(other: .tunnel)
    }
    return try ethernetPayload(bytes, frame, at: start + ERSPAN2Header.length)
}

/// Reads a type III header and the Ethernet or IP header after it.
func erspan3Payload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= ERSPAN3Header.length else {
        throw frame.truncated(.erspan, at: start, needed: ERSPAN3Header.length)
    }
    guard bytes.octet(start + ERSPAN3Header.version) >> 4 == ERSPAN3Header.thisVersion else {
        return LinkPayload(other: .tunnel)
    }
    var length = ERSPAN3Header.length
    if bytes.octet(start + ERSPAN3Header.flags) & ERSPAN3Header.subheader != 0 {
        length += ERSPAN3Header.subheaderLength
        guard frame.captured - start >= length else { throw frame.truncated(.erspan, at: start, needed: length) }
    }
    switch bytes.octet(start + ERSPAN3Header.frameType) & ERSPAN3Header.frameTypeMask {
    case ERSPAN3Header.ethernet: return try ethernetPayload(bytes, frame, at: start + length)
    case ERSPAN3Header.ip: return try rawIPPayload(bytes, frame, at: start + length)
    default: return LinkPayload(other: .tunnel)
    }
}
