// Linux cooked capture headers, versions 1 and 2 (LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2 of the tcpdump registry).

import TCPModel

/// Offsets in the version 1 header.
enum SLLHeader {
    static let packetType = 0
    static let hardwareType = 2
    static let addressLength = 4
    static let address = 6
    static let `protocol` = 14
    static let length = 16
}

/// Offsets in the version 2 header.
enum SLL2Header {
    static let `protocol` = 0
    static let interface = 4
    static let hardwareType = 8
    static let packetType = 10
    static let addressLength = 11
    static let address = 12
    static let length = 20
}

/// ARPHRD_NETLINK: the protocol field holds a netlink family, not an EtherType.
private let netlinkHardware: UInt16 = 824
/// ARPHRD_LOOPBACK.
private let loopbackHardware: UInt16 = 772

/// Whether a cooked header of either version comes from a loopback interface.
func isCookedLoopback(_ bytes: RawSpan, _ linkType: LinkType) -> Bool {
    let place = linkType == .linuxSLL ? SLLHeader.hardwareType : SLL2Header.hardwareType
    return bytes.byteCount >= place + 2 && bytes.big16(place) == loopbackHardware
}

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
    if bytes.big16(SLL2Header.hardwareType) == netlinkHardware { return LinkPayload(other: .otherProtocol) }
    return try etherTypePayload(bytes, frame, type: bytes.big16(SLL2Header.protocol), at: SLL2Header.length)
}
