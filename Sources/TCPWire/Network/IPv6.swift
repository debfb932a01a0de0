// The fixed IPv6 header (RFC 8200 3).

import TCPModel

/// Offsets in the IPv6 header.
@usableFromInline enum IPv6Header {
    @usableFromInline static var versionAndClass: Int { 0 }
    @usableFromInline static var payloadLength: Int { 4 }
    @usableFromInline static var nextHeader: Int { 6 }
    @usableFromInline static var hopLimit: Int { 7 }
    @usableFromInline static var source: Int { 8 }
    @usableFromInline static var destination: Int { 24 }
    @usableFromInline static var length: Int { 40 }
}

/// Reads the IPv6 header at `start` of a frame without tunnels so far. A separate copy of the code, as for IPv4, so
/// that no cycle is spent on tunnels unless there are any.
@inline(never) func ipv6Frame(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> DecodedFrame
{
    try ipv6Frame(bytes, frame, at: start, in: .none)
}

/// Reads the IPv6 header at `start`, the extension headers after it, and the payload.
@inline(__always) func ipv6Frame(
    _ bytes: RawSpan, _ frame: FrameExtent, at start: Int, in nesting: Nesting
) throws(DecodeError) -> DecodedFrame {
    guard frame.captured &- start >= IPv6Header.length else {
        throw frame.truncated(.ipv6, at: start, needed: IPv6Header.length)
    }
    // A span of known length, so that the bounds checks of the loads below fold into this one.
    let header = bytes.extracting(start..<(start &+ IPv6Header.length))
    let version = header.octet(IPv6Header.versionAndClass) >> 4
    guard version == 6 else {
        throw .malformed(.ipv6, .ipVersion, at: start, needed: 6, available: Int(version))
    }
    let payloadStart = start &+ IPv6Header.length
    let next = header.octet(IPv6Header.nextHeader)
    let payloadLength = Int(header.big16(IPv6Header.payloadLength))
    let plain = IPv6Payload(
        nextHeader: next, offset: payloadStart, end: payloadStart &+ payloadLength, limit: .ipv6Length,
        remarks: SegmentRemarks(rawValue: 0))
    // Other packets are handled by value and out of line, which keeps the plain packet in registers.
    let payload =
        next == IPProtocol.tcp && payloadLength != 0
        ? plain : try plain.completed(bytes, frame, from: payloadStart, length: payloadLength)
    if payload.isFragment {
        return payload.fragmentFrame(
            frame,
            from: IPAddress(high: header.big64(IPv6Header.source), low: header.big64(IPv6Header.source &+ 8)),
            to: IPAddress(
                high: header.big64(IPv6Header.destination), low: header.big64(IPv6Header.destination &+ 8)),
            hopLimit: header.octet(IPv6Header.hopLimit), start: start, in: nesting)
    }
    var remarks = payload.remarks
    if payload.end > frame.original { remarks.formUnion(.lengthBeyondFrame) }
    let packet = NetworkPacket(
        source: IPAddress(high: header.big64(IPv6Header.source), low: header.big64(IPv6Header.source &+ 8)),
        destination: IPAddress(
            high: header.big64(IPv6Header.destination), low: header.big64(IPv6Header.destination &+ 8)),
        offset: payload.offset, length: payload.end &- payload.offset, limit: payload.limit,
        ipLength: payload.end &- start, identification: 0, hopLimit: header.octet(IPv6Header.hopLimit),
        remarks: remarks, nesting: nesting)
    if payload.nextHeader == IPProtocol.tcp { return try tcpSegment(bytes, frame, packet) }
    return try ipPayloadFrame(bytes, frame, number: payload.nextHeader, isInIPv4: false, packet)
}
