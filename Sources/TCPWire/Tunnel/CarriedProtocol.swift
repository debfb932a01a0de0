// The contents of an IP packet that is not TCP: a tunnel to open, or other traffic.

import TCPModel

/// An IP header's statement about its payload.
struct CarriedProtocol: BitwiseCopyable {
    /// IP protocol number.
    let number: UInt8
    /// Whether IPv4 carries it, rather than IPv6.
    let isInIPv4: Bool
}

/// Whether `carriedFrame` must be called: a fast rejection of UDP that is no tunnel.
@inline(never) func mayBeTunnel(_ bytes: RawSpan, _ number: UInt8, at start: Int) -> Bool {
    switch number {
    case IPProtocol.udp: hasTunnelPort(bytes, at: start)
    case IPProtocol.ipInIP, IPProtocol.ipv6InIP, IPProtocol.gre: true
    default: false
    }
}

/// Opens the tunnel between `start` and `end` that an IP packet carries, if it is one. Out of line, since TCP never
/// comes here.
@inline(never) func carriedFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, _ carried: CarriedProtocol, at start: Int, end: Int, in nesting: Nesting
) throws(DecodeError) -> DecodedFrame {
    switch carried.number {
    case IPProtocol.udp:
        return udpFrame(bytes, frame.clipped(to: end), at: start, in: nesting)
    case IPProtocol.ipInIP, IPProtocol.ipv6InIP, IPProtocol.gre:
        return try ipTunnelFrame(bytes, frame.clipped(to: end), carried, at: start, in: nesting)
    default:
        return .other(OtherTraffic(protocolNumber: carried.number))
    }
}

/// Opens a tunnel that has its own IP protocol number.
private func ipTunnelFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, _ carried: CarriedProtocol, at start: Int, in nesting: Nesting
) throws(DecodeError) -> DecodedFrame {
    switch carried.number {
    case IPProtocol.ipInIP:
        return try tunnelledFrame(
            bytes, frame, LinkPayload(.ipv4, at: start), by: .ipip, layer: .ipv4, in: nesting)
    case IPProtocol.ipv6InIP:
        return try tunnelledFrame(
            bytes, frame, LinkPayload(.ipv6, at: start), by: carried.isInIPv4 ? .sixInFour : .ipip, layer: .ipv6,
            in: nesting)
    default:
        let content = try greContent(bytes, frame, at: start)
        return try tunnelledFrame(bytes, frame, content.payload, by: content.tunnel, layer: .gre, in: nesting)
    }
}
