// From an EtherType to the network header, through any VLAN tags (IEEE 802.1Q-2022 9.6).

/// The EtherTypes that this tool tells apart.
enum EtherType {
    static let ipv4: UInt16 = 0x0800
    static let ipv6: UInt16 = 0x86dd
    static let arp: UInt16 = 0x0806
    static let rarp: UInt16 = 0x8035
    /// 802.1Q customer tag.
    static let customerTag: UInt16 = 0x8100
    /// 802.1ad service tag.
    static let serviceTag: UInt16 = 0x88a8
    /// What switches used for the outer tag before 802.1ad.
    static let oldServiceTag: UInt16 = 0x9100
    /// The least value that is a type; below it the field is a length (IEEE 802.3 3.2.6).
    static let least: UInt16 = 0x0600
}

/// Offsets in a VLAN tag, counted from behind the tag's own EtherType.
private enum VLANTag {
    static let type = 2
    static let length = 4
    /// Real networks stack two; more than this is an attack on parsers.
    static let most = 8
}

/// What follows an EtherType field whose value is `type`, from `offset` on.
///
/// Priority tags (VLAN 0) are tags like any other: which VLAN it is does not matter to TCP.
func etherTypePayload(
    _ bytes: RawSpan, _ frame: FrameExtent, type first: UInt16, at start: Int
) throws(DecodeError) -> LinkPayload {
    var type = first
    var offset = start
    var tags = 0
    while true {
        switch type {
        case EtherType.ipv4: return LinkPayload(.ipv4, at: offset)
        case EtherType.ipv6: return LinkPayload(.ipv6, at: offset)
        case EtherType.arp, EtherType.rarp: return LinkPayload(other: .arp)
        case EtherType.customerTag, EtherType.serviceTag, EtherType.oldServiceTag:
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
            return LinkPayload(other: type < EtherType.least ? .lengthFrame : .otherProtocol)
        }
    }
}
