// A captured frame's metadata: link type and header.

/// A capture's link-layer header type (a DLT or LINKTYPE value of the tcpdump registry).
public struct LinkType: Hashable, BitwiseCopyable, Sendable {
    /// LINKTYPE_ value as in capture files.
    public var rawValue: UInt16
    /// The link type with this number.
    @inlinable public init(_ rawValue: UInt16) { self.rawValue = rawValue }

    /// BSD loopback: a 4-byte address family in the byte order of the capturing host.
    @inlinable public static var null: LinkType { LinkType(0) }
    /// Ethernet.
    @inlinable public static var ethernet: LinkType { LinkType(1) }
    /// PPP, with or without HDLC's address and control octets (RFC 1662).
    @inlinable public static var ppp: LinkType { LinkType(9) }
    /// FDDI.
    @inlinable public static var fddi: LinkType { LinkType(10) }
    /// PPP in HDLC-like framing (RFC 1662), or Cisco HDLC (RFC 1547 4.3.1).
    @inlinable public static var pppSerial: LinkType { LinkType(50) }
    /// A PPPoE session header, without the Ethernet header before it (RFC 2516).
    @inlinable public static var pppEther: LinkType { LinkType(51) }
    /// Cisco HDLC.
    @inlinable public static var ciscoHDLC: LinkType { LinkType(104) }
    /// ARCNET, as BSD captures it.
    @inlinable public static var arcnetBSD: LinkType { LinkType(7) }
    /// ARCNET, as Linux captures it.
    @inlinable public static var arcnetLinux: LinkType { LinkType(129) }
    /// 802.11, with no other header before it.
    @inlinable public static var wireless: LinkType { LinkType(105) }
    /// 802.11 behind a Prism or AVS header.
    @inlinable public static var prism: LinkType { LinkType(119) }
    /// 802.11 behind a radiotap header.
    @inlinable public static var radiotap: LinkType { LinkType(127) }
    /// 802.11 behind an AVS header.
    @inlinable public static var avs: LinkType { LinkType(163) }
    /// A Juniper router's header, followed by Ethernet.
    @inlinable public static var juniperEthernet: LinkType { LinkType(178) }
    /// A Juniper router's header, followed by PPP.
    @inlinable public static var juniperPPP: LinkType { LinkType(179) }
    /// A Juniper router's header, followed by Cisco HDLC.
    @inlinable public static var juniperCiscoHDLC: LinkType { LinkType(181) }
    /// Raw IP: DLT 12 of some systems.
    @inlinable public static var rawBSD: LinkType { LinkType(12) }
    /// Raw IP: OpenBSD's DLT 14.
    @inlinable public static var rawOpenBSD: LinkType { LinkType(14) }
    /// Raw IP; the first nibble is the version.
    @inlinable public static var raw: LinkType { LinkType(101) }
    /// OpenBSD loopback: a 4-byte address family in network order.
    @inlinable public static var loop: LinkType { LinkType(108) }
    /// Linux cooked capture v1.
    @inlinable public static var linuxSLL: LinkType { LinkType(113) }
    /// Raw IPv4.
    @inlinable public static var ipv4: LinkType { LinkType(228) }
    /// Raw IPv6.
    @inlinable public static var ipv6: LinkType { LinkType(229) }
    /// Linux cooked capture v2 (`-i any`).
    @inlinable public static var linuxSLL2: LinkType { LinkType(276) }
}

/// A captured frame's metadata: everything except its bytes, which are borrowed from the capture.
public struct FrameHeader: BitwiseCopyable, Sendable {
    /// Time of capture.
    public var time: Timestamp
    /// Octets captured.
    public var capturedLength: UInt32
    /// Octets of the frame on the wire.
    public var originalLength: UInt32
    /// The kind of link header that the frame starts with.
    public var linkType: LinkType
    /// Index of the capture's interface, counted from 0.
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
