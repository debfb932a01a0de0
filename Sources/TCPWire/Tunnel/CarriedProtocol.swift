// What an IP packet carries if not TCP: a tunnel that is opened, or other traffic.

import TCPModel

/// What an IP header says of its payload.
struct CarriedProtocol: BitwiseCopyable {
    /// IP protocol number.
    let number: UInt8
    /// Which version carries it.
    let isInIPv4: Bool
}

/// Whether `carriedFrame` has to be asked: the short way for all the UDP that is no tunnel.
@inline(never) func mayBeTunnel(_ bytes: RawSpan, _ number: UInt8, at start: Int) -> Bool {
    switch number {
    case IPProtocol.udp: hasTunnelPort(bytes, at: start)
    case IPProtocol.ipInIP, IPProtocol.ipv6InIP, IPProtocol.gre: true
    default: false
    }
}

/// Opens the tunnel from `start` to `end` that an IP packet carries, if it is one. Out of line: TCP does not come here.
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

/// Opens a tunnel that has an IP protocol number of its own.
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
