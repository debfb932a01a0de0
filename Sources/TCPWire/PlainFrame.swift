// Finds the headers of frames as nearly all are: Ethernet with at most one VLAN tag, or a cooked capture, then IP without options
// or extension headers, no fragment, and a TCP header that was captured as a whole. `PlainHeaders` decodes those.

public import TCPModel

/// What is asked of a frame before it takes the short way.
public enum PlainFrame {
    /// Where IP begins behind Ethernet's header without a tag.
    @inlinable public static var afterEthernet: Int { EthernetHeader.length }

    /// Whether an Ethernet frame without a tag holds plain headers of IPv4, as most do. They begin at `afterEthernet`.
    @inlinable @inline(__always) public static func isUsual(_ bytes: RawSpan, originalLength: UInt32) -> Bool {
        // The shortest one, so that the loads need no check.
        bytes.byteCount >= afterEthernet &+ 40 && bytes.big16(EthernetHeader.type) == EtherType.ipv4
            && PlainHeaders.areThere(bytes, at: afterEthernet, .ipv4, originalLength: originalLength)
    }

    /// Where the plain headers of a frame begin, and which; nil if it has none, or its link type is a rarer one.
    public static func headers(
        _ bytes: RawSpan, originalLength: UInt32, linkType: LinkType
    ) -> (start: Int, version: PlainHeaders.Version)? {
        var start: Int
        var type: UInt16
        switch linkType {
        case .ethernet:
            start = afterEthernet
            guard bytes.byteCount >= start &+ VLANTag.length else { return nil }
            type = bytes.big16(EthernetHeader.type)
            if type == EtherType.customerTag || type == EtherType.serviceTag {
                type = bytes.big16(start &+ VLANTag.type)
                start &+= VLANTag.length
            }
        case .linuxSLL2:
            guard let cooked = linuxSLL2Type(bytes) else { return nil }
            (type, start) = cooked
        default: return nil
        }
        let version: PlainHeaders.Version
        switch type {
        case EtherType.ipv4: version = .ipv4
        case EtherType.ipv6: version = .ipv6
        default: return nil
        }
        guard bytes.byteCount >= start &+ version.length &+ 20,
            PlainHeaders.areThere(bytes, at: start, version, originalLength: originalLength)
        else { return nil }
        return (start, version)
    }
}
