// A frame's link header, as far as reports show it: its link-layer sender and receiver, and its VLAN.

/// A link-layer address. At most eight octets of it are kept, as in a cooked capture; Ethernet addresses have six,
/// InfiniBand's twenty.
public struct HardwareAddress: Hashable, BitwiseCopyable, Sendable {
    /// The octets that were kept, the last one lowest.
    public var octets: UInt64
    /// How many octets were kept, at most eight.
    public var count: UInt8
    /// Whether the address is longer than the octets kept.
    public var isCut: Bool

    /// An address of `count` octets, of which at most eight are in `octets`.
    public init(octets: UInt64, count: UInt8 = 6) {
        self.octets = octets
        self.count = min(count, 8)
        isCut = count > 8
    }
}

/// The EtherType of a link header's payload, and the VLAN tags before it.
public struct LinkTags: Hashable, BitwiseCopyable, Sendable {
    /// The most tags kept; real networks stack two.
    public static let most = 4

    /// The EtherType behind the tags; a value below 0x0600 is a length (IEEE 802.3 3.2.6).
    public var etherType: UInt16
    /// The tags' control information (IEEE 802.1Q 9.6), up to four 16-bit values, the outermost tag in the lowest bits.
    private var controls: UInt64 = 0
    /// How many tags there are, at most `most`.
    public private(set) var count = 0

    /// Makes a value with this type and no tags.
    public init(etherType: UInt16) { self.etherType = etherType }

    /// Adds the control information of the next inner tag; ignored beyond `most`.
    public mutating func append(_ control: UInt16) {
        guard count < Self.most else { return }
        controls |= UInt64(control) << UInt64(16 * count)
        count += 1
    }

    /// The VLAN number of the tag at `index`, which must be less than `count`.
    public func vlan(_ index: Int) -> UInt16 { control(index) & 0x0fff }

    /// The priority of the tag at `index`, which must be less than `count`.
    public func priority(_ index: Int) -> UInt16 { control(index) >> 13 }

    private func control(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: controls >> UInt64(16 * index)) }
}

/// A frame's link header.
public enum LinkHeader: Hashable, BitwiseCopyable, Sendable {
    /// The frame begins with its IP header.
    case none
    /// BSD loopback: the address family.
    case loopback(family: UInt32)
    /// Ethernet: both addresses, the type and any VLAN tags.
    case ethernet(source: HardwareAddress, destination: HardwareAddress, LinkTags)
    /// Linux cooked capture: the packet type, the sender's address, and in version 2 the interface index.
    case cooked(packetType: UInt16, sender: HardwareAddress, interface: UInt32?, LinkTags)
    /// A link header whose fields are not read.
    case other(LinkType)
    /// The capture holds only part of the header.
    case cut
}
