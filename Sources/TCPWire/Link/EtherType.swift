// From an EtherType to the network header, through VLAN tags (IEEE 802.1Q-2022 9.6) and all other link headers.

/// The EtherTypes that this tool tells apart.
@usableFromInline enum EtherType {
    @usableFromInline static var ipv4: UInt16 { 0x0800 }
    static let ipv6: UInt16 = 0x86dd
    static let arp: UInt16 = 0x0806
    static let rarp: UInt16 = 0x8035
    /// 802.1Q customer tag.
    static let customerTag: UInt16 = 0x8100
    /// 802.1ad service tag.
    static let serviceTag: UInt16 = 0x88a8
    /// What switches used for the outer tag before 802.1ad.
    static let oldServiceTag: UInt16 = 0x9100
    /// MPLS, with a label from downstream (RFC 5332 4).
    static let mpls: UInt16 = 0x8847
    /// MPLS, with a label from upstream (RFC 5332 4).
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
    /// The least value that is a type; below it the field is a length (IEEE 802.3 3.2.6).
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

/// Where a link header leads.
enum LinkStep: BitwiseCopyable {
    /// To the network header, or to nothing of ours.
    case payload(LinkPayload)
    /// To what this EtherType says, starting there.
    case etherType(UInt16, at: Int)

    /// The network header that it leads to in the end.
    func payload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
        switch self {
        case .payload(let payload): payload
        case .etherType(let type, let offset): try etherTypePayload(bytes, frame, type: type, at: offset)
        }
    }
}

/// Link headers other than VLAN tags that may come one after another: MPLS in PPP in PPPoE, and some to spare.
private let mostLinkHeaders = 8

/// What follows an EtherType field whose value is `type`, from `offset` on.
///
/// Priority tags (VLAN 0) are tags like any other: which VLAN it is does not matter to TCP.
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

/// The EtherTypes that lead to another link header; every one of them is at least two octets long.
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
