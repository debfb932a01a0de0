// What a frame turned out to hold: a TCP segment, or traffic that is normal but not ours.

public import TCPModel

/// What one captured frame holds.
public enum DecodedFrame: BitwiseCopyable, Sendable {
    /// A TCP segment.
    case segment(Segment)
    /// An ICMP error that quotes a TCP segment.
    case icmp(ICMPError)
    /// A fragment of an IP packet, for `FragmentReassembly`.
    case fragment(Fragment)
    /// Several packets, to be read one after another.
    case aggregate(Aggregate)
    /// Something else that is normal on a network; it is only counted.
    case other(OtherTraffic)
    /// Where a segment's text is; never what `decodeFrame` returns.
    case text(TextPlace)
}

/// Traffic that carries no TCP segment this tool can read, by the reason why.
public enum OtherTraffic: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// ARP or RARP.
    case arp
    /// UDP over either IP version.
    case udp
    /// ICMP or ICMPv6, but for the errors that quote a TCP segment.
    case icmp
    /// GRE with something inside that is neither IP nor a frame with IP.
    case tunnel
    /// Another IP protocol, encrypted payload (ESP), or "no next header".
    case otherTransport
    /// A fragment of an IP packet, whose others have not come (yet).
    case fragment
    /// An 802.3 frame with a length where Ethernet II has a type: LLC, SNAP, spanning tree.
    case lengthFrame
    /// An EtherType, cooked protocol or loopback address family that is not IP.
    case otherProtocol
    /// A link type that this module does not decode.
    case unsupportedLinkType

    /// For programs and counters: snake_case.
    public var name: StaticString {
        switch self {
        case .arp: "arp"
        case .udp: "udp"
        case .icmp: "icmp"
        case .tunnel: "tunnel"
        case .otherTransport: "other_transport"
        case .fragment: "fragment"
        case .lengthFrame: "length_frame"
        case .otherProtocol: "other_protocol"
        case .unsupportedLinkType: "unsupported_link_type"
        }
    }
}
