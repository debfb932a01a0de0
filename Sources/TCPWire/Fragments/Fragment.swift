// One fragment of an IP packet (RFC 791 3.2, RFC 8200 4.5): what its header says, and where its octets are.

import TCPModel

/// A piece of an IP packet; `FragmentReassembly` makes the whole of it.
public struct Fragment: BitwiseCopyable, Sendable {
    /// Who sent the packet.
    let source: IPAddress
    /// To whom.
    let destination: IPAddress
    /// The packet's number, of 16 bits in IPv4 and of 32 in IPv6.
    let identification: UInt32
    /// The IP protocol, or the next header behind the fragment header.
    let protocolNumber: UInt8
    /// Which version it is.
    let isIPv4: Bool
    /// TTL or hop limit.
    let hopLimit: UInt8
    /// Whether others follow.
    let hasMore: Bool
    /// The tunnels around it.
    let nesting: Nesting
    /// Octets of the headers before what is fragmented, without the fragment header.
    let headerLength: Int
    /// Where its octets belong in the packet's payload.
    let offset: Int
    /// How many it has, as the IP length says.
    let length: Int
    /// Where they start in the frame.
    let start: Int
    /// How many of them were captured.
    let captured: Int
}

extension Fragment {
    /// The fragment whose octets reach from `start` to `end` of a frame, as its header says.
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

    /// What tells the packets of fragments apart (RFC 791 3.2, RFC 8200 4.5), and the tunnel that they are in.
    var key: FragmentKey {
        FragmentKey(
            source: source, destination: destination, identification: identification,
            // RFC 8200 4.5: the next header is the first fragment's business, and not part of the key.
            protocolNumber: isIPv4 ? protocolNumber : 0, isIPv4: isIPv4, tunnel: nesting.tunnel, depth: nesting.depth)
    }
}

/// Which packet a fragment is of.
struct FragmentKey: Hashable {
    let source: IPAddress
    let destination: IPAddress
    let identification: UInt32
    let protocolNumber: UInt8
    let isIPv4: Bool
    let tunnel: Tunnel
    let depth: UInt8
}
