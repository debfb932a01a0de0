// Linux cooked capture headers, versions 1 and 2 (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2 of the tcpdump registry).

/// Offsets in the version 1 header.
private enum SLLHeader {
    static let hardwareType = 2
    static let `protocol` = 14
    static let length = 16
}

/// Offsets in the version 2 header.
private enum SLL2Header {
    static let `protocol` = 0
    static let hardwareType = 8
    static let length = 20
}

/// ARPHRD_NETLINK: the protocol field holds a netlink family, not an EtherType.
private let netlinkHardware: UInt16 = 824

/// Reads a version 1 header.
func linuxSLLPayload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
    guard frame.captured >= SLLHeader.length else {
        throw frame.truncated(.linuxSLL, at: 0, needed: SLLHeader.length)
    }
    if bytes.big16(SLLHeader.hardwareType) == netlinkHardware { return LinkPayload(other: .otherProtocol) }
    return try etherTypePayload(bytes, frame, type: bytes.big16(SLLHeader.protocol), at: SLLHeader.length)
}

/// Reads a version 2 header.
func linuxSLL2Payload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
    guard frame.captured >= SLL2Header.length else {
        throw frame.truncated(.linuxSLL2, at: 0, needed: SLL2Header.length)
    }
    guard let (type, start) = linuxSLL2Type(bytes) else { return LinkPayload(other: .otherProtocol) }
    return try etherTypePayload(bytes, frame, type: type, at: start)
}

/// The EtherType that a version 2 header holds, and where what it announces begins; nil if there is none.
func linuxSLL2Type(_ bytes: RawSpan) -> (type: UInt16, start: Int)? {
    guard bytes.byteCount >= SLL2Header.length, bytes.big16(SLL2Header.hardwareType) != netlinkHardware else {
        return nil
    }
    return (bytes.big16(SLL2Header.protocol), SLL2Header.length)
}
