// The fields of link headers that people ask for: addresses and VLANs. What leads to the IP header is read elsewhere.

public import TCPModel

/// Offsets in an Ethernet header.
private enum EthernetAddresses {
    static let destination = 0
    static let source = 6
}

/// Offsets in the headers of Linux's cooked captures, which end with a protocol of their own or begin with it.
private enum CookedHeader {
    static let packetType = 0
    static let addressLength = 4
    static let address = 6
    static let `protocol` = 14
    static let length = 16
}

/// The same of version 2.
private enum CookedHeader2 {
    static let `protocol` = 0
    static let interface = 4
    static let packetType = 10
    static let addressLength = 11
    static let address = 12
    static let length = 20
}

/// The link header of a frame; of one in a tunnel the outermost.
public func linkHeader(_ bytes: RawSpan, _ linkType: LinkType) -> LinkHeader {
    switch linkType {
    case .ethernet:
        guard bytes.byteCount >= EthernetHeader.length else { return .cut }
        return .ethernet(
            source: bytes.hardwareAddress(EthernetAddresses.source),
            destination: bytes.hardwareAddress(EthernetAddresses.destination),
            bytes.linkTags(bytes.big16(EthernetHeader.type), at: EthernetHeader.length))
    case .linuxSLL:
        guard bytes.byteCount >= CookedHeader.length else { return .cut }
        return .cooked(
            packetType: bytes.big16(CookedHeader.packetType),
            sender: bytes.cookedAddress(
                CookedHeader.address, count: UInt8(clamping: bytes.big16(CookedHeader.addressLength))),
            interface: nil, bytes.linkTags(bytes.big16(CookedHeader.protocol), at: CookedHeader.length))
    case .linuxSLL2:
        guard bytes.byteCount >= CookedHeader2.length else { return .cut }
        return .cooked(
            packetType: UInt16(bytes.octet(CookedHeader2.packetType)),
            sender: bytes.cookedAddress(
                CookedHeader2.address, count: bytes.octet(CookedHeader2.addressLength)),
            interface: bytes.big32(CookedHeader2.interface),
            bytes.linkTags(bytes.big16(CookedHeader2.protocol), at: CookedHeader2.length))
    case .null, .loop:
        guard bytes.byteCount >= 4 else { return .cut }
        let family = bytes.big32(0)
        // In the byte order of who captured it: families are small numbers.
        return .loopback(family: family > 0xffff ? family.byteSwapped : family)
    case .raw, .rawBSD, .rawOpenBSD, .ipv4, .ipv6: return .none
    default: return .other(linkType)
    }
}

extension RawSpan {
    /// Ethernet's address whose six octets start at `start`. They are there.
    fileprivate func hardwareAddress(_ start: Int) -> HardwareAddress {
        HardwareAddress(octets: UInt64(big16(start)) << 32 | UInt64(big32(start + 2)))
    }

    /// An address of `count` octets, the first of which are among the eight that start at `start`. Those are there.
    fileprivate func cookedAddress(_ start: Int, count: UInt8) -> HardwareAddress {
        HardwareAddress(octets: big64(start) >> UInt64(8 * (8 - Int(min(count, 8)))), count: count)
    }

    /// The type `first`, or what is behind the VLAN tags that it begins, as far as these were captured.
    fileprivate func linkTags(_ first: UInt16, at start: Int) -> LinkTags {
        var tags = LinkTags(etherType: first)
        var offset = start
        while EtherType.isTag(tags.etherType), tags.count < LinkTags.most, byteCount - offset >= VLANTag.length {
            tags.append(big16(offset))
            tags.etherType = big16(offset + VLANTag.type)
            offset += VLANTag.length
        }
        return tags
    }
}

extension EtherType {
    /// Whether a VLAN tag follows.
    fileprivate static func isTag(_ type: UInt16) -> Bool {
        type == customerTag || type == serviceTag || type == oldServiceTag
    }
}
