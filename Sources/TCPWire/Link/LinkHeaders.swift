// The fields of link headers that people want to see: addresses and VLANs. The headers on the way to IP are read
// elsewhere.

public import TCPModel

/// Offsets in an Ethernet header.
private enum EthernetAddresses {
    static let destination = 0
    static let source = 6
}

/// The link header of a frame; for a frame with tunnels, the outermost one.
public func linkHeader(_ bytes: RawSpan, _ linkType: LinkType) -> LinkHeader {
    switch linkType {
    case .ethernet:
        guard bytes.byteCount >= EthernetHeader.length else { return .cut }
        return .ethernet(
            source: bytes.hardwareAddress(EthernetAddresses.source),
            destination: bytes.hardwareAddress(EthernetAddresses.destination),
            bytes.linkTags(bytes.big16(EthernetHeader.type), at: EthernetHeader.length))
    case .linuxSLL:
        guard bytes.byteCount >= SLLHeader.length else { return .cut }
        return .cooked(
            packetType: bytes.big16(SLLHeader.packetType),
            sender: bytes.cookedAddress(
                SLLHeader.address, count: UInt8(clamping: bytes.big16(SLLHeader.addressLength))),
            interface: nil, bytes.linkTags(bytes.big16(SLLHeader.protocol), at: SLLHeader.length))
    case .linuxSLL2:
        guard bytes.byteCount >= SLL2Header.length else { return .cut }
        return .cooked(
            packetType: UInt16(bytes.octet(SLL2Header.packetType)),
            sender: bytes.cookedAddress(
                SLL2Header.address, count: bytes.octet(SLL2Header.addressLength)),
            interface: bytes.big32(SLL2Header.interface),
            bytes.linkTags(bytes.big16(SLL2Header.protocol), at: SLL2Header.length))
    case .null, .loop:
        guard bytes.byteCount >= LoopbackHeader.length else { return .cut }
        return .loopback(family: LoopbackHeader.family(bytes))
    case .raw, .rawBSD, .rawOpenBSD, .ipv4, .ipv6: return .none
    default: return .other(linkType)
    }
}

extension RawSpan {
    /// The Ethernet address in the six octets at `start`, which must have been captured.
    fileprivate func hardwareAddress(_ start: Int) -> HardwareAddress {
        HardwareAddress(octets: UInt64(big16(start)) << 32 | UInt64(big32(start + 2)))
    }

    /// An address of `count` octets, the first of which are in the eight octets at `start`; these must have been
    /// captured.
    fileprivate func cookedAddress(_ start: Int, count: UInt8) -> HardwareAddress {
        HardwareAddress(octets: big64(start) >> UInt64(8 * (8 - Int(min(count, 8)))), count: count)
    }

    /// The EtherType `first` or, if it announces VLAN tags, those tags and the type behind them, as far as they were
    /// captured.
    fileprivate func linkTags(_ first: UInt16, at start: Int) -> LinkTags {
        var tags = LinkTags(etherType: first)
        var offset = start
        while EtherType.isVLANTag(tags.etherType), tags.count < LinkTags.most, byteCount - offset >= VLANTag.length {
            tags.append(big16(offset))
            tags.etherType = big16(offset + VLANTag.type)
            offset += VLANTag.length
        }
        return tags
    }
}
