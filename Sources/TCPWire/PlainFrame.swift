// Finds the headers of plain frames, as nearly all frames are: a link header, IP without options, extension headers or
// fragmentation, and a TCP header that was captured in full. `PlainHeaders` decodes them.

public import TCPModel

/// Tells whether a frame can take the fast path.
public enum PlainFrame {
    /// Where IP begins behind an Ethernet header without VLAN tags.
    @inlinable public static var afterEthernet: Int { EthernetHeader.length }

    /// The length of the plain IPv4 headers in an untagged Ethernet frame, the most common kind; nil if the frame has
    /// none. They begin at `afterEthernet`.
    @inlinable @inline(__always) public static func usualCount(_ bytes: RawSpan, originalLength: UInt32) -> Int? {
        // The shortest possible length, so that the loads below need no checks.
        guard bytes.byteCount >= afterEthernet &+ 40, bytes.big16(EthernetHeader.type) == EtherType.ipv4
        else { return nil }
        return PlainHeaders.count(bytes, at: afterEthernet, .ipv4, originalLength: originalLength)
    }

    /// The start, length and IP version of a frame's plain headers; nil if it has none. Errors in its link header are
    /// left for `decodeFrame` to report.
    public static func headers(
        _ bytes: RawSpan, originalLength: UInt32, linkType: LinkType
    ) -> (start: Int, count: Int, version: PlainHeaders.Version)? {
        let extent = FrameExtent(bytes, originalLength: originalLength, verifiesChecksums: false)
        guard let payload = try? linkPayload(bytes, extent, linkType) else { return nil }
        let version: PlainHeaders.Version
        switch payload.network {
        case .ipv4: version = .ipv4
        case .ipv6: version = .ipv6
        case .aggregate, .none: return nil
        }
        guard bytes.byteCount >= payload.offset &+ version.length &+ 20,
            let count = PlainHeaders.count(bytes, at: payload.offset, version, originalLength: originalLength)
        else { return nil }
        return (payload.offset, count, version)
    }
}
