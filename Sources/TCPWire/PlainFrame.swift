// Finds the headers of frames as nearly all are: behind the link header IP without options or extension headers, no fragment, and a
// TCP header that was captured as a whole. `PlainHeaders` decodes those.

public import TCPModel

/// What is asked of a frame before it takes the short way.
public enum PlainFrame {
    /// Where IP begins behind Ethernet's header without a tag.
    @inlinable public static var afterEthernet: Int { EthernetHeader.length }

    /// How many octets plain headers of IPv4 have in an Ethernet frame without a tag, as most do; nil if there are none. They begin
    /// at `afterEthernet`.
    @inlinable @inline(__always) public static func usualCount(_ bytes: RawSpan, originalLength: UInt32) -> Int? {
        // The shortest one, so that the loads need no check.
        guard bytes.byteCount >= afterEthernet &+ 40, bytes.big16(EthernetHeader.type) == EtherType.ipv4
        else { return nil }
        return PlainHeaders.count(bytes, at: afterEthernet, .ipv4, originalLength: originalLength)
    }

    /// Where the plain headers of a frame are, and which; nil if it has none. What is wrong with its link header is left to
    /// `decodeFrame` to say.
    public static func headers(
        _ bytes: RawSpan, originalLength: UInt32, linkType: LinkType
    ) -> (start: Int, count: Int, version: PlainHeaders.Version)? {
        let extent = FrameExtent(
            captured: bytes.byteCount, original: max(bytes.byteCount, Int(originalLength)), limit: .frame,
            verifiesChecksums: false, locatesText: false)
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
