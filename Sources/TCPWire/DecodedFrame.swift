// The result of decoding a frame: a TCP segment, a part of one, an error about one, or other normal traffic.

public import TCPModel

/// The contents of one captured frame.
public enum DecodedFrame: BitwiseCopyable, Sendable {
    /// A TCP segment.
    case segment(Segment)
    /// An ICMP error that quotes a TCP segment.
    case icmp(ICMPError)
    /// A fragment of an IP packet, for `FragmentReassembly`.
    case fragment(Fragment)
    /// Several packets, to be read one by one.
    case aggregate(Aggregate)
    /// Other normal network traffic, which is only counted.
    case other(OtherTraffic)
    /// The position of a segment's text; `decodeFrame` never returns this.
    case text(TextPlace)
}

/// Traffic without a TCP segment that this tool can read, by the reason why.
public enum OtherTraffic: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// ARP or RARP.
    case arp
    /// UDP over either IP version.
    case udp
    /// ICMP or ICMPv6, except errors that quote a TCP segment.
    case icmp
    /// GRE that contains neither IP nor a frame with IP.
    case tunnel
    /// Another IP protocol, encrypted payload (ESP), or "no next header".
    case otherTransport
    /// A fragment of an IP packet whose other fragments have not arrived (yet).
    case fragment
    /// An 802.3 frame with a length in place of Ethernet II's type: LLC, SNAP, spanning tree.
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
