// ARCNET, as captured on BSD and on Linux: addresses, a protocol octet, then IP (RFC 1051, RFC 1201).

/// Offsets, lengths and values of both headers.
private enum ARCNETHeader {
    /// BSD: sender, receiver, protocol.
    static let shortLength = 3
    /// Linux: as on BSD, with a two-octet offset before the protocol.
    static let linuxShortLength = 5
    /// RFC 1201: flag and sequence number after the protocol.
    static let fragmentLength = 3
    /// An exception frame repeats these fields, and the second copy holds the real values (RFC 1201, "exception
    /// packets").
    static let exceptionLength = 4
    static let exceptionFlag: UInt8 = 0xff

    /// RFC 1051, without flag and sequence number.
    static let oldIPv4: UInt8 = 240
    static let oldARP: UInt8 = 241
    /// RFC 1201.
    static let ipv4: UInt8 = 212
    static let arp: UInt8 = 213
    static let reverseARP: UInt8 = 214
    static let ipv6: UInt8 = 196
    /// Diagnostics, without flag and sequence number.
    static let diagnosis: UInt8 = 128
}

/// Reads the header of LINKTYPE_ARCNET_BSD or, if `isLinux`, of LINKTYPE_ARCNET_LINUX.
///
/// Fragments are not reassembled: the first one has the headers, and lengths come from there. Linux captures whole
/// packets.
func arcnetPayload(_ bytes: RawSpan, _ frame: FrameExtent, isLinux: Bool) throws(DecodeError) -> LinkPayload {
    let shortLength = isLinux ? ARCNETHeader.linuxShortLength : ARCNETHeader.shortLength
    guard frame.captured >= shortLength else { throw frame.truncated(.arcnet, at: 0, needed: shortLength) }
    let number = bytes.octet(shortLength - 1)
    switch number {
    case ARCNETHeader.oldIPv4: return LinkPayload(.ipv4, at: shortLength)
    case ARCNETHeader.oldARP: return LinkPayload(other: .arp)
    case ARCNETHeader.diagnosis: return LinkPayload(other: .otherProtocol)
    default: break
    }
    var length = shortLength + ARCNETHeader.fragmentLength
    guard frame.captured >= length else { throw frame.truncated(.arcnet, at: 0, needed: length) }
    if !isLinux {
        var flag = bytes.octet(shortLength)
        if flag == ARCNETHeader.exceptionFlag {
            length += ARCNETHeader.exceptionLength
            guard frame.captured >= length else { throw frame.truncated(.arcnet, at: 0, needed: length) }
            flag = bytes.octet(length - ARCNETHeader.fragmentLength)
        }
        // RFC 1201: 0 is a whole packet, an odd number the first fragment, an even number a later one.
        if flag != 0, flag & 1 == 0 { return LinkPayload(other: .otherProtocol) }
    }
    switch number {
    case ARCNETHeader.ipv4: return LinkPayload(.ipv4, at: length)
    case ARCNETHeader.ipv6: return LinkPayload(.ipv6, at: length)
    case ARCNETHeader.arp, ARCNETHeader.reverseARP: return LinkPayload(other: .arp)
    default: return LinkPayload(other: .otherProtocol)
    }
}
