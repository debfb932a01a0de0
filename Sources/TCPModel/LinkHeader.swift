// A frame's link header, as far as a reader asks for it: who sent it on the link, to whom, in which VLAN.

/// A link-layer address. Eight octets of it are kept, as many as a cooked capture has; Ethernet's have six, InfiniBand's twenty.
public struct HardwareAddress: Hashable, BitwiseCopyable, Sendable {
    /// The octets that are kept, the last one lowest.
    public var octets: UInt64
    /// How many these are, at most eight.
    public var count: UInt8
    /// Whether the address has more.
    public var isCut: Bool

    /// An address of `count` octets from those that are kept.
    public init(octets: UInt64, count: UInt8 = 6) {
        self.octets = octets
        self.count = min(count, 8)
        isCut = count > 8
    }
}

/// The EtherType of what a link header carries, and the VLAN tags before it.
public struct LinkTags: Hashable, BitwiseCopyable, Sendable {
    /// The most tags that are kept: real networks stack two.
    public static let most = 4

    /// The EtherType behind the tags; below 0x0600 a length (IEEE 802.3 3.2.6).
    public var etherType: UInt16
    /// The tags' control information (IEEE 802.1Q 9.6), four times 16 bits, the outermost one lowest.
    private var controls: UInt64 = 0
    /// How many tags there are, at most `most`.
    public private(set) var count = 0

    /// No tags, and this type.
    public init(etherType: UInt16) { self.etherType = etherType }

    /// Adds a tag's control information behind those before; nothing beyond `most`.
    public mutating func append(_ control: UInt16) {
        guard count < Self.most else { return }
        controls |= UInt64(control) << UInt64(16 * count)
        count += 1
    }

    /// The VLAN's number in the tag at this index, which is less than `count`.
    public func vlan(_ index: Int) -> UInt16 { control(index) & 0x0fff }

    /// The priority there.
    public func priority(_ index: Int) -> UInt16 { control(index) >> 13 }

    private func control(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: controls >> UInt64(16 * index)) }
}

/// A frame's link header.
public enum LinkHeader: Hashable, BitwiseCopyable, Sendable {
    /// The frame begins with its IP header.
    case none
    /// An address family, on BSD's loopback.
    case loopback(family: UInt32)
    /// Ethernet's.
    case ethernet(source: HardwareAddress, destination: HardwareAddress, LinkTags)
    /// Linux's cooked one: the packet's type, the sender's address, and in version 2 the interface's index.
    case cooked(packetType: UInt16, sender: HardwareAddress, interface: UInt32?, LinkTags)
    /// One that is not taken apart.
    case other(LinkType)
    /// Less of it was captured than it has.
    case cut
}
