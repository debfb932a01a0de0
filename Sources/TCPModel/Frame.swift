// What comes with a captured frame besides its bytes.

/// A capture's link-layer header type (DLT / LINKTYPE value of the tcpdump registry).
public struct LinkType: Hashable, BitwiseCopyable, Sendable {
    /// LINKTYPE_ value as in capture files.
    public var rawValue: UInt16
    /// The link type with this number.
    @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }

    /// BSD loopback: a 4-byte address family in the byte order of the capturing host.
    public static let null = LinkType(0)
    /// Ethernet.
    public static let ethernet = LinkType(1)
    /// Raw IP, as some systems' DLT 12 has it.
    public static let rawBSD = LinkType(12)
    /// Raw IP, as OpenBSD's DLT 14 has it.
    public static let rawOpenBSD = LinkType(14)
    /// Raw IP, version told by the first nibble.
    public static let raw = LinkType(101)
    /// OpenBSD loopback: a 4-byte address family in network order.
    public static let loop = LinkType(108)
    /// Linux cooked capture v1.
    public static let linuxSLL = LinkType(113)
    /// Raw IPv4.
    public static let ipv4 = LinkType(228)
    /// Raw IPv6.
    public static let ipv6 = LinkType(229)
    /// Linux cooked capture v2 (`-i any`).
    public static let linuxSLL2 = LinkType(276)
}

/// A captured frame's header: everything but its bytes, which are borrowed from the capture.
public struct FrameHeader: BitwiseCopyable, Sendable {
    /// Time of capture.
    public var time: Timestamp
    /// Octets captured.
    public var capturedLength: UInt32
    /// Octets the frame had on the wire.
    public var originalLength: UInt32
    /// How to read the first bytes.
    public var linkType: LinkType
    /// Which interface of the capture, counted from 0.
    public var interface: UInt16

    /// The header of a frame.
    @inlinable public init(
        time: Timestamp, capturedLength: UInt32, originalLength: UInt32, linkType: LinkType, interface: UInt16 = 0
    ) {
        self.time = time
        self.capturedLength = capturedLength
        self.originalLength = originalLength
        self.linkType = linkType
        self.interface = interface
    }
}
