// One fragment of an IP packet (RFC 791 3.2, RFC 8200 4.5): the fields of its headers, and the position of its octets.

import TCPModel

/// A fragment of an IP packet; `FragmentReassembly` reassembles the packet.
public struct Fragment: BitwiseCopyable, Sendable {
    /// The packet's sender.
    let source: IPAddress
    /// The packet's receiver.
    let destination: IPAddress
    /// The packet's identification: 16 bits in IPv4, 32 in IPv6.
    let identification: UInt32
    /// The IP protocol number, or in IPv6 the next header value of the fragment header.
    let protocolNumber: UInt8
    /// Whether the packet is IPv4.
    let isIPv4: Bool
    /// TTL or hop limit.
    let hopLimit: UInt8
    /// Whether further fragments follow (More Fragments).
    let hasMore: Bool
    /// The tunnels around the packet.
    let nesting: Nesting
    /// Length of the headers before the fragmented part, without the fragment header.
    let headerLength: Int
    /// The fragment's offset in the packet's payload.
    let offset: Int
    /// The fragment's octets, according to the IP length.
    let length: Int
    /// Where its octets start in the frame.
    let start: Int
    /// How many of its octets were captured.
    let captured: Int
}

extension Fragment {
    /// The fragment whose octets, according to its header, lie between `start` and `end` of a frame.
    init(
        _ frame: FrameExtent, from source: IPAddress, to destination: IPAddress, identification: UInt32,
        protocolNumber: UInt8, isIPv4: Bool, hopLimit: UInt8, hasMore: Bool, offset: Int, headerLength: Int,
        start: Int, end: Int, in nesting: Nesting
    ) {
        self.source = source
        self.destination = destination
        self.identification = identification
        self.protocolNumber = protocolNumber
        self.isIPv4 = isIPv4
        self.hopLimit = hopLimit
        self.hasMore = hasMore
        self.nesting = nesting
        self.headerLength = headerLength
        self.offset = offset
        length = max(0, end - start)
        self.start = min(start, frame.captured)
        captured = max(0, min(frame.captured, end) - start)
    }

    /// Identifies the fragment's packet (RFC 791 3.2, RFC 8200 4.5), within the tunnel that it is in.
    var key: FragmentKey {
        FragmentKey(
            source: source, destination: destination, identification: identification,
            // RFC 8200 4.5: only the first fragment's next header value is used, so it is not part of the key.
            protocolNumber: isIPv4 ? protocolNumber : 0, isIPv4: isIPv4, tunnel: nesting.tunnel, depth: nesting.depth)
    }
}

/// Identifies the packet that a fragment belongs to.
struct FragmentKey: Hashable {
    let source: IPAddress
    let destination: IPAddress
    let identification: UInt32
    let protocolNumber: UInt8
    let isIPv4: Bool
    let tunnel: Tunnel
    let depth: UInt8
}
