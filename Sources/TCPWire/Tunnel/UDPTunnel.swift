// UDP (RFC 768), and the tunnels in it by port number. A port is only a hint: unless everything else fits too, the
// packet is plain UDP.

import TCPModel

/// Offsets in the UDP header.
private enum UDPHeader {
    static let sourcePort = 0
    static let destinationPort = 2
    static let totalLength = 4
    static let length = 8
}

/// The ports of tunnels (IANA's "Service Name and Transport Protocol Port Number Registry").
private enum TunnelPort: BitwiseCopyable {
    case none
    case l2tp
    case gtp
    case teredo
    case vxlan
    case vxlanGPE
    case greInUDP
    case ayiya
    case geneve
    case capwap

    @inline(__always) init(_ number: UInt16) {
        switch number {
        case 1701: self = .l2tp
        case 2152: self = .gtp
        case 3544: self = .teredo
        case 4754: self = .greInUDP
        case 4789: self = .vxlan
        case 4790: self = .vxlanGPE
        case 5072: self = .ayiya
        case 5247: self = .capwap
        case 6081: self = .geneve
        // The port of OTV, and Linux's default for VXLAN from before a port was assigned.
        case 8472: self = .vxlan
        default: self = .none
        }
    }
}

/// Whether either port of the UDP header at `start` is that of a tunnel.
@inline(__always) func hasTunnelPort(_ bytes: RawSpan, at start: Int) -> Bool {
    guard bytes.byteCount &- start >= UDPHeader.length else { return false }
    let ports = bytes.big32(start &+ UDPHeader.sourcePort)
    return TunnelPort(UInt16(truncatingIfNeeded: ports)) != .none
        || TunnelPort(UInt16(truncatingIfNeeded: ports >> 16)) != .none
}

/// Reads a UDP header, and opens the tunnel in it if everything inside fits. Never fails, since the packet may not be a
/// tunnel.
///
/// - Parameter frame: must end where the IP packet does.
func udpFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, at start: Int, in nesting: Nesting
) -> DecodedFrame {
    guard frame.captured - start >= UDPHeader.length else { return .other(.udp) }
    var port = TunnelPort(bytes.big16(start + UDPHeader.destinationPort))
    if port == .none { port = TunnelPort(bytes.big16(start + UDPHeader.sourcePort)) }
    if port == .none { return .other(.udp) }

    // 0: longer than 16 bits can express (RFC 2675 4), or not yet segmented by the sender's network card.
    let length = Int(bytes.big16(start + UDPHeader.totalLength))
    let end = length == 0 ? frame.original : start + length
    guard end >= start + UDPHeader.length, end <= frame.original else { return .other(.udp) }
    let inside = frame.clipped(to: end)
    do throws(DecodeError) {
        let content = try udpContent(bytes, inside, port, at: start + UDPHeader.length)
        guard content.payload.isWithin(bytes, inside, isFirstPiece: content.isFirstPiece) else { return .other(.udp) }
        return try tunnelledFrame(bytes, inside, content.payload, by: content.tunnel, layer: .ip, in: nesting)
    } catch {
        return .other(.udp)
    }
}

/// Reads the header of the tunnel that a port belongs to. Returns other traffic or throws if there is no such tunnel.
private func udpContent(
    _ bytes: RawSpan, _ frame: FrameExtent, _ port: TunnelPort, at start: Int
) throws(DecodeError) -> TunnelContent {
    switch port {
    case .l2tp: TunnelContent(payload: try l2tpPayload(bytes, frame, at: start), tunnel: .l2tp)
    case .gtp: TunnelContent(payload: try gtpPayload(bytes, frame, at: start), tunnel: .gtp)
    case .teredo: TunnelContent(payload: try teredoPayload(bytes, frame, at: start), tunnel: .teredo)
    case .vxlan: TunnelContent(payload: try vxlanPayload(bytes, frame, at: start), tunnel: .vxlan)
    case .vxlanGPE: TunnelContent(payload: try vxlanGPEPayload(bytes, frame, at: start), tunnel: .vxlan)
    case .greInUDP: try greContent(bytes, frame, at: start)
    case .ayiya: TunnelContent(payload: try ayiyaPayload(bytes, frame, at: start), tunnel: .ayiya)
    case .capwap: try capwapContent(bytes, frame, at: start)
    case .geneve: TunnelContent(payload: try genevePayload(bytes, frame, at: start), tunnel: .geneve)
    case .none: TunnelContent(payload: LinkPayload(other: .udp), tunnel: .none)
    }
}

/// The most octets that an IP header's length field can state; 0 stands for more.
private let mostStated = 0xffff

extension LinkPayload {
    /// Whether there is an IP header (or an aggregate) whose version and lengths fit the octets around it.
    fileprivate func isWithin(_ bytes: RawSpan, _ frame: FrameExtent, isFirstPiece: Bool) -> Bool {
        let most = frame.original - offset
        let length: Int
        switch network {
        case .ipv4:
            guard frame.captured - offset >= IPv4Header.leastLength, bytes.octet(offset) >> 4 == 4 else { return false }
            let headerLength = Int(bytes.octet(offset) & 0x0f) * 4
            length = Int(bytes.big16(offset + IPv4Header.totalLength))
            if length == 0 { return most > mostStated }
            guard headerLength >= IPv4Header.leastLength, length >= headerLength else { return false }
        case .ipv6:
            guard frame.captured - offset >= IPv6Header.length, bytes.octet(offset) >> 4 == 6 else { return false }
            let payloadLength = Int(bytes.big16(offset + IPv6Header.payloadLength))
            if payloadLength == 0 { return most > mostStated }
            length = IPv6Header.length + payloadLength
        case .aggregate: return isAggregate(bytes, frame, at: offset)
        case .none: return false
        }
        return length <= most || isFirstPiece
    }
}
