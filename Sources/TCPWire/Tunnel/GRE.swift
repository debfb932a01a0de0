// The GRE header, version 0 (RFC 2784, RFC 2890) and PPTP's version 1 (RFC 2637 4.1).

import TCPModel

/// Offsets and bits in the GRE header.
private enum GREHeader {
    static let flags = 0
    static let type = 2
    static let leastLength = 4
    /// Each optional field has four octets: checksum, key, sequence number and, in version 1, acknowledgment number.
    static let fieldLength = 4

    static let checksum: UInt16 = 0x8000
    /// RFC 1701's source routes; RFC 2784 2.3 says to discard such packets.
    static let routing: UInt16 = 0x4000
    static let key: UInt16 = 0x2000
    static let sequence: UInt16 = 0x1000
    static let acknowledgment: UInt16 = 0x0080
    static let version: UInt16 = 0x0007
}

/// EtherTypes with a meaning only in GRE.
private enum GREType {
    /// ERSPAN, types I and II.
    static let erspan: UInt16 = 0x88be
    /// ERSPAN, type III.
    static let erspan3: UInt16 = 0x22eb
    /// Web cache redirection (draft-mclaggan-wccp-v2rev1-00 3.12.1).
    static let wccp: UInt16 = 0x883e
    /// 802.11 frames from Aruba's access points, numbered by the user's tunnel.
    static let aruba: ClosedRange<UInt16> = 0x8200...0x8370
    static let arubaControl: UInt16 = 0x9000
    /// Length of the redirect header between GRE and IPv4; version 1 of the protocol has none.
    static let wccpHeaderLength = 4
}

/// The contents of a tunnel packet.
struct TunnelContent: BitwiseCopyable {
    /// The inner network header.
    var payload: LinkPayload
    /// Which tunnel it is.
    var tunnel: Tunnel
    /// Whether the inner packet may continue in further packets of the tunnel, which are not read.
    var isFirstPiece = false
}

/// Reads a GRE header and the headers between it and IP.
func greContent(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> TunnelContent {
    let nothing = TunnelContent(payload: LinkPayload(other: .tunnel), tunnel: .gre)
    guard frame.captured - start >= GREHeader.leastLength else {
        throw frame.truncated(.gre, at: start, needed: GREHeader.leastLength)
    }
    let flags = bytes.big16(start + GREHeader.flags)
    let type = bytes.big16(start + GREHeader.type)
    let version = flags & GREHeader.version
    guard version <= 1, flags & GREHeader.routing == 0 else { return nothing }
    var length = GREHeader.leastLength
    if flags & GREHeader.checksum != 0 { length += GREHeader.fieldLength }
    if flags & GREHeader.key != 0 { length += GREHeader.fieldLength }
    if flags & GREHeader.sequence != 0 { length += GREHeader.fieldLength }
    if version == 1, flags & GREHeader.acknowledgment != 0 { length += GREHeader.fieldLength }
    guard frame.captured - start >= length else { throw frame.truncated(.gre, at: start, needed: length) }
    let offset = start + length

    var content = TunnelContent(payload: LinkPayload(other: .tunnel), tunnel: .gre)
    if version == 1 {
        // RFC 2637 4.1: a packet without a sequence number only acknowledges.
        guard type == EtherType.ppp, flags & GREHeader.sequence != 0 else { return nothing }
        content.payload = try pppStep(bytes, frame, at: offset).payload(bytes, frame)
    } else {
        switch type {
        case GREType.erspan:
            content.tunnel = .erspan
            content.payload =
                flags & GREHeader.sequence == 0
                ? try ethernetPayload(bytes, frame, at: offset) : try erspan2Payload(bytes, frame, at: offset)
        case GREType.erspan3:
            content.tunnel = .erspan
            content.payload = try erspan3Payload(bytes, frame, at: offset)
        case GREType.wccp:
            guard frame.captured - offset >= GREType.wccpHeaderLength else {
                throw frame.truncated(.gre, at: offset, needed: GREType.wccpHeaderLength)
            }
            let hasHeader = bytes.octet(offset) >> 4 != 4
            content.payload = LinkPayload(.ipv4, at: hasHeader ? offset + GREType.wccpHeaderLength : offset)
        // Every sixteenth value: 0x8200, 0x8210 and so on.
        case GREType.aruba where type & 0x000f == 0, GREType.arubaControl:
            content.payload = try wirelessStep(bytes, frame, at: offset).payload(bytes, frame)
        case ..<EtherType.least: return nothing
        default: content.payload = try etherTypePayload(bytes, frame, type: type, at: offset)
        }
    }
    if content.payload.network == .none, content.payload.other == .otherProtocol { return nothing }
    return content
}
