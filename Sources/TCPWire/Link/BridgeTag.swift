// What bridges put before a frame besides VLAN tags: Cisco FabricPath and VN-Tag, 802.1Q backbone service tags.

/// Lengths, counted from behind the tag's own EtherType.
private enum BridgeTag {
    /// FabricPath: forwarding tag and time to live; an Ethernet frame follows.
    static let fabricPathLength = 2
    /// VN-Tag: direction and interfaces; an EtherType follows.
    static let vnTagLength = 4
    /// Backbone service instance tag (IEEE 802.1Q-2022 9.7): flags and identifier; an Ethernet frame follows.
    static let backboneTagLength = 4
    static let typeLength = 2
}

/// Reads the tag after an EtherType that announces one.
func bridgeTagStep(
    _ bytes: RawSpan, _ frame: FrameExtent, type: UInt16, at start: Int
) throws(DecodeError) -> LinkStep {
    let length: Int
    switch type {
    case EtherType.fabricPath: length = BridgeTag.fabricPathLength
    case EtherType.vnTag: length = BridgeTag.vnTagLength + BridgeTag.typeLength
    default: length = BridgeTag.backboneTagLength
    }
    guard frame.captured - start >= length else { throw frame.truncated(.bridgeTag, at: start, needed: length) }
    if type == EtherType.vnTag {
        return .etherType(bytes.big16(start + BridgeTag.vnTagLength), at: start + length)
    }
    return try carriedEthernet(bytes, frame, at: start + length)
}
