// The fields of an IP header that the TCP decoder needs, the same for both versions; and the IP protocol numbers.

import TCPModel

/// An IP packet and the position of its payload, which is nearly always TCP.
struct NetworkPacket: BitwiseCopyable {
    /// The sender.
    var source: IPAddress
    /// The receiver.
    var destination: IPAddress
    /// Where its payload's header starts.
    var offset: Int
    /// Octets from there to the end of the IP packet.
    var length: Int
    /// The field that `length` comes from.
    var limit: DecodeError.Limit
    /// Octets of the whole IP packet.
    var ipLength: Int
    /// IPv4 identification, or 0.
    var identification: UInt16
    /// TTL or hop limit.
    var hopLimit: UInt8
    /// Remarks for the segment so far.
    var remarks: SegmentRemarks
    /// The tunnels around it.
    var nesting: Nesting
}

/// Decodes the payload of an IP packet where speed does not matter: `ipv4Frame` and `ipv6Frame` handle TCP directly.
@inline(never) func ipPayloadFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, number: UInt8, isInIPv4: Bool, _ packet: NetworkPacket
) throws(DecodeError) -> DecodedFrame {
    if number == IPProtocol.tcp { return try tcpSegment(bytes, frame, packet) }
    if number == (isInIPv4 ? IPProtocol.icmp : IPProtocol.icmpV6) {
        return icmpFrame(
            bytes, frame, from: packet.source, isIPv4: isInIPv4, at: packet.offset, end: packet.offset + packet.length)
    }
    guard mayBeTunnel(bytes, number, at: packet.offset) else { return .other(OtherTraffic(protocolNumber: number)) }
    return try carriedFrame(
        bytes, frame, CarriedProtocol(number: number, isInIPv4: isInIPv4), at: packet.offset,
        end: packet.offset + packet.length, in: packet.nesting)
}

extension OtherTraffic {
    /// The kind of traffic for an IP protocol other than TCP.
    init(protocolNumber: UInt8) {
        switch protocolNumber {
        case IPProtocol.udp: self = .udp
        case IPProtocol.icmp, IPProtocol.icmpV6: self = .icmp
        case IPProtocol.ipInIP, IPProtocol.ipv6InIP, IPProtocol.gre: self = .tunnel
        default: self = .otherTransport
        }
    }
}

/// IP protocol numbers and IPv6 next header values (IANA's "Assigned Internet Protocol Numbers").
enum IPProtocol {
    static let hopByHop: UInt8 = 0
    static let icmp: UInt8 = 1
    static let ipInIP: UInt8 = 4
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let ipv6InIP: UInt8 = 41
    static let routing: UInt8 = 43
    static let fragment: UInt8 = 44
    static let gre: UInt8 = 47
    static let authentication: UInt8 = 51
    static let icmpV6: UInt8 = 58
    static let destinationOptions: UInt8 = 60
    static let mobility: UInt8 = 135
    static let hostIdentity: UInt8 = 139
    static let shim6: UInt8 = 140
}
