// From an EtherType to the network header, through VLAN tags (IEEE 802.1Q-2022 9.6) and all other link headers.

/// The EtherTypes that this tool distinguishes.
@usableFromInline enum EtherType {
    @usableFromInline static var ipv4: UInt16 { 0x0800 }
    static let ipv6: UInt16 = 0x86dd
    static let arp: UInt16 = 0x0806
    static let rarp: UInt16 = 0x8035
    /// 802.1Q customer tag.
    static let customerTag: UInt16 = 0x8100
    /// 802.1ad service tag.
    static let serviceTag: UInt16 = 0x88a8
    /// The outer tag that switches used before 802.1ad.
    static let oldServiceTag: UInt16 = 0x9100
    /// MPLS with a downstream-assigned label (RFC 5332 4).
    static let mpls: UInt16 = 0x8847
    /// MPLS with an upstream-assigned label (RFC 5332 4).
    static let mplsUpstream: UInt16 = 0x8848
    /// PPPoE, session stage (RFC 2516 4).
    static let pppoeSession: UInt16 = 0x8864
    /// PPP, in GRE (RFC 2637 4.1).
    static let ppp: UInt16 = 0x880b
    /// A whole Ethernet frame (RFC 1701: transparent Ethernet bridging).
    static let ethernet: UInt16 = 0x6558
    /// Cisco FabricPath.
    static let fabricPath: UInt16 = 0x8903
    /// Cisco VN-Tag.
    static let vnTag: UInt16 = 0x8926
    /// 802.1Q backbone service instance tag ("MAC in MAC").
    static let backboneTag: UInt16 = 0x88e7
    /// The network service header.
    static let nsh: UInt16 = 0x894f
    /// The smallest type; a value below it is a length (IEEE 802.3 3.2.6).
    static let least: UInt16 = 0x0600

    /// Whether a VLAN tag follows.
    static func isVLANTag(_ type: UInt16) -> Bool { type == customerTag || type == serviceTag || type == oldServiceTag }
}

/// Offsets in a VLAN tag, counted from behind the tag's own EtherType.
enum VLANTag {
    static let type = 2
    static let length = 4
    /// Real networks stack two; more than this is an attack on parsers.
    static let most = 8
}

/// What follows a link header.
enum LinkStep: BitwiseCopyable {
    /// The network header, or traffic without one.
    case payload(LinkPayload)
    /// The header of this EtherType, starting at the given offset.
    case etherType(UInt16, at: Int)

    /// The network header found by following all further link headers.
    func payload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
        switch self {
        case .payload(let payload): payload
        case .etherType(let type, let offset): try etherTypePayload(bytes, frame, type: type, at: offset)
        }
    }
}

/// The most link headers other than VLAN tags in a row: enough for MPLS in PPP in PPPoE, with some to spare.
private let mostLinkHeaders = 8

/// Reads what follows an EtherType field of value `type`, from `start` on.
///
/// Priority tags (VLAN 0) are treated like other tags: the VLAN number does not matter to TCP.
func etherTypePayload(
    _ bytes: RawSpan, _ frame: FrameExtent, type first: UInt16, at start: Int
) throws(DecodeError) -> LinkPayload {
    var type = first
    var offset = start
    var tags = 0
    var others = 0
    while true {
        switch type {
        case EtherType.ipv4: return LinkPayload(.ipv4, at: offset)
        case EtherType.ipv6: return LinkPayload(.ipv6, at: offset)
        case EtherType.arp, EtherType.rarp: return LinkPayload(other: .arp)
        case _ where EtherType.isVLANTag(type):
            guard tags < VLANTag.most else {
                throw .malformed(.vlanTag, .tooManyTags, at: offset, needed: tags + 1, available: VLANTag.most)
            }
            guard frame.captured - offset >= VLANTag.length else {
                throw frame.truncated(.vlanTag, at: offset, needed: VLANTag.length)
            }
            type = bytes.big16(offset + VLANTag.type)
            offset += VLANTag.length
            tags += 1
        default:
            switch try rarerEtherType(bytes, frame, type: type, at: offset) {
            case .payload(let payload): return payload
            case .etherType(let next, let following):
                guard others < mostLinkHeaders else {
                    throw .malformed(
                        .ethernet, .tooManyLinkHeaders, at: offset, needed: others + 1, available: mostLinkHeaders)
                }
                others += 1
                type = next
                offset = following
            }
        }
    }
}

/// Reads the header of a rarer EtherType. Each header that leads to another EtherType is at least two octets long.
@inline(never) private func rarerEtherType(
    _ bytes: RawSpan, _ frame: FrameExtent, type: UInt16, at start: Int
) throws(DecodeError) -> LinkStep {
    switch type {
    case EtherType.mpls, EtherType.mplsUpstream: try mplsStep(bytes, frame, at: start)
    case EtherType.pppoeSession: try pppoeStep(bytes, frame, at: start)
    case EtherType.ppp: try pppStep(bytes, frame, at: start)
    case EtherType.ethernet: try carriedEthernet(bytes, frame, at: start)
    case EtherType.fabricPath, EtherType.vnTag, EtherType.backboneTag:
        try bridgeTagStep(bytes, frame, type: type, at: start)
    case EtherType.nsh: try nshStep(bytes, frame, at: start)
    case ..<EtherType.least: try llcStep(bytes, frame, at: start)
    default: .payload(LinkPayload(other: .otherProtocol))
    }
}
