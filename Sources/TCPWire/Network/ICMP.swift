// ICMP errors (RFC 792, RFC 4443) as far as they quote the start of a TCP segment.

import TCPModel

/// Offsets in the header that all errors share.
private enum ICMPHeader {
    static let type = 0
    static let code = 1
    /// The next-hop MTU has 16 bits in ICMP (RFC 1191 4); in ICMPv6 it has 32 bits and starts two octets earlier.
    static let nextHopMTU = 6
    static let packetTooBigMTU = 4
    static let length = 8

    /// Destination unreachable, source quench, redirect, time exceeded and parameter problem; in ICMPv6 every type
    /// below 128 is an error, of which four are known.
    static func isError(_ type: UInt8, isIPv4: Bool) -> Bool {
        isIPv4 ? 3...5 ~= type || 11...12 ~= type : 1...4 ~= type
    }
}

/// Ports and sequence number, in octets: the least that every error quotes of a TCP segment (RFC 792).
private let quotedTCPLength = 8

/// Reads an ICMP message from `start` to `end`. An error that quotes no TCP segment, or too little of it, counts as
/// other traffic.
@inline(never) func icmpFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, from sender: IPAddress, isIPv4: Bool, at start: Int, end: Int
) -> DecodedFrame {
    let inside = frame.clipped(to: end)
    guard inside.captured - start >= ICMPHeader.length else { return .other(.icmp) }
    let type = bytes.octet(start + ICMPHeader.type)
    guard ICMPHeader.isError(type, isIPv4: isIPv4) else { return .other(.icmp) }
    let quote = start + ICMPHeader.length
    guard
        let quoted = isIPv4
            ? quotedIPv4(bytes, inside, at: quote) : quotedIPv6(bytes, inside, at: quote),
        inside.captured - quoted.offset >= quotedTCPLength
    else { return .other(.icmp) }
    var error = ICMPError(
        sender: sender,
        quoted: FourTuple(
            source: SocketAddress(quoted.source, bytes.big16(quoted.offset)),
            destination: SocketAddress(quoted.destination, bytes.big16(quoted.offset + 2))),
        sequence: SequenceNumber(bytes.big32(quoted.offset + 4)), type: type,
        code: bytes.octet(start + ICMPHeader.code))
    if error.kind == .packetTooBig {
        error.nextHopMTU =
            isIPv4
            ? UInt32(bytes.big16(start + ICMPHeader.nextHopMTU)) : bytes.big32(start + ICMPHeader.packetTooBigMTU)
    }
    return .icmp(error)
}

/// The position of a quoted TCP header, and the addresses from its IP header.
private struct Quoted {
    let source: IPAddress
    let destination: IPAddress
    let offset: Int
}

private func quotedIPv4(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) -> Quoted? {
    guard frame.captured - start >= IPv4Header.leastLength, bytes.octet(start) >> 4 == 4 else { return nil }
    let length = Int(bytes.octet(start) & 0x0f) * 4
    guard length >= IPv4Header.leastLength, bytes.octet(start + IPv4Header.protocol) == IPProtocol.tcp,
        // Only the first fragment has the ports.
        bytes.big16(start + IPv4Header.fragment) & IPv4Header.offsetMask == 0
    else { return nil }
    return Quoted(
        source: IPAddress(v4: bytes.big32(start + IPv4Header.source)),
        destination: IPAddress(v4: bytes.big32(start + IPv4Header.destination)), offset: start + length)
}

private func quotedIPv6(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) -> Quoted? {
    guard frame.captured - start >= IPv6Header.length, bytes.octet(start) >> 4 == 6 else { return nil }
    // The quotation ends where the error does, whatever length the quoted packet had.
    var payload = IPv6Payload(
        nextHeader: bytes.octet(start + IPv6Header.nextHeader), offset: start + IPv6Header.length,
        end: frame.captured, limit: .outerLength, remarks: SegmentRemarks(rawValue: 0))
    guard (try? payload.skipExtensions(bytes, frame, from: payload.offset)) != nil,
        payload.nextHeader == IPProtocol.tcp, !payload.isFragment || payload.fragmentField & ~7 == 0
    else { return nil }
    return Quoted(
        source: IPAddress(
            high: bytes.big64(start + IPv6Header.source), low: bytes.big64(start + IPv6Header.source + 8)),
        destination: IPAddress(
            high: bytes.big64(start + IPv6Header.destination),
            low: bytes.big64(start + IPv6Header.destination + 8)),
        offset: payload.offset)
}
