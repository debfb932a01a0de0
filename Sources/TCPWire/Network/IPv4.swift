// The IPv4 header (RFC 791 3.1).

import TCPModel

/// Offsets in the IPv4 header.
@usableFromInline enum IPv4Header {
    @usableFromInline static var versionAndLength: Int { 0 }
    @usableFromInline static var totalLength: Int { 2 }
    @usableFromInline static var identification: Int { 4 }
    @usableFromInline static var fragment: Int { 6 }
    @usableFromInline static var timeToLive: Int { 8 }
    @usableFromInline static var `protocol`: Int { 9 }
    @usableFromInline static var source: Int { 12 }
    @usableFromInline static var destination: Int { 16 }
    @usableFromInline static var leastLength: Int { 20 }

    /// More Fragments and the fragment offset, without Don't Fragment and the reserved bit.
    @usableFromInline static var fragmentMask: UInt16 { 0x3fff }
    /// The fragment offset alone, in units of eight octets.
    @usableFromInline static var offsetMask: UInt16 { 0x1fff }
    /// More Fragments.
    @usableFromInline static var moreMask: UInt16 { 0x2000 }
}

/// Reads the IPv4 header at `start`, and its payload.
@inline(__always) func ipv4Frame(
    _ bytes: RawSpan, _ frame: FrameExtent, at start: Int, in nesting: Nesting
) throws(DecodeError) -> DecodedFrame {
    guard frame.captured &- start >= IPv4Header.leastLength else {
        throw frame.truncated(.ipv4, at: start, needed: IPv4Header.leastLength)
    }
    // A span of known length, so that the bounds checks of the loads below fold into this one.
    let header = bytes.extracting(start..<(start &+ IPv4Header.leastLength))
    let first = header.octet(IPv4Header.versionAndLength)
    var headerLength = IPv4Header.leastLength
    if first != 0x45 { headerLength = try unusualHeaderLength(frame, at: start, first) }

    // RFC 791 3.1, Total Length: header and data, so never less than the header. A sender that leaves segmentation to
    // its network card writes 0 if the packet is longer than 16 bits can express (BIG TCP) or not yet segmented (TSO).
    let frameLength = frame.original &- start
    var ipLength = Int(header.big16(IPv4Header.totalLength))
    var limit = DecodeError.Limit.ipv4Length
    var remarks = SegmentRemarks(rawValue: 0)
    if ipLength < headerLength {
        guard ipLength == 0 else {
            throw .malformed(
                .ipv4, .totalLength, at: start, needed: headerLength, available: ipLength, limitedBy: .ipv4Length)
        }
        ipLength = frameLength
        limit = .frame
        remarks = .lengthFromCapture
    } else if ipLength > frameLength {
        remarks = .lengthBeyondFrame
    }

    if frame.verifiesChecksums, isBadIPv4Checksum(bytes, frame, at: start, length: headerLength) {
        remarks.formUnion(.badChecksum)
    }

    // RFC 791 3.2, fragmentation.
    if header.big16(IPv4Header.fragment) & IPv4Header.fragmentMask != 0 {
        return ipv4Fragment(
            bytes, frame, at: start, headerLength: headerLength, ipLength: ipLength, in: nesting)
    }
    let packet = NetworkPacket(
        source: IPAddress(v4: header.big32(IPv4Header.source)),
        destination: IPAddress(v4: header.big32(IPv4Header.destination)), offset: start &+ headerLength,
        length: ipLength &- headerLength, limit: limit, ipLength: ipLength,
        identification: header.big16(IPv4Header.identification), hopLimit: header.octet(IPv4Header.timeToLive),
        remarks: remarks, nesting: nesting)
    let next = header.octet(IPv4Header.protocol)
    if next == IPProtocol.tcp { return try tcpSegment(bytes, frame, packet) }
    if next == IPProtocol.authentication { return try authenticatedFrame(bytes, frame, packet) }
    return try ipPayloadFrame(bytes, frame, number: next, isInIPv4: true, packet)
}

/// Makes the fragment whose header is at `start`; the header must have been captured in full.
@inline(never) private func ipv4Fragment(
    _ bytes: RawSpan, _ frame: FrameExtent, at start: Int, headerLength: Int, ipLength: Int, in nesting: Nesting
) -> DecodedFrame {
    let field = bytes.big16(start + IPv4Header.fragment)
    let fragment = Fragment(
        frame, from: IPAddress(v4: bytes.big32(start + IPv4Header.source)),
        to: IPAddress(v4: bytes.big32(start + IPv4Header.destination)),
        identification: UInt32(bytes.big16(start + IPv4Header.identification)),
        protocolNumber: bytes.octet(start + IPv4Header.protocol), isIPv4: true,
        hopLimit: bytes.octet(start + IPv4Header.timeToLive), hasMore: field & IPv4Header.moreMask != 0,
        offset: Int(field & IPv4Header.offsetMask) * 8, headerLength: headerLength, start: start + headerLength,
        end: start + ipLength, in: nesting)
    return .fragment(fragment)
}

/// The length of a header whose first octet is not the usual 0x45: it has options, or is malformed (RFC 791 3.1, IHL).
@inline(never) private func unusualHeaderLength(
    _ frame: FrameExtent, at start: Int, _ first: UInt8
) throws(DecodeError) -> Int {
    guard first >> 4 == 4 else {
        throw .malformed(.ipv4, .ipVersion, at: start, needed: 4, available: Int(first >> 4))
    }
    let length = Int(first & 0x0f) * 4
    guard length >= IPv4Header.leastLength else {
        throw .malformed(.ipv4, .headerLength, at: start, needed: IPv4Header.leastLength, available: length)
    }
    // The options themselves are not read, but the octets behind them are.
    guard frame.captured - start >= length else { throw frame.truncated(.ipv4, at: start, needed: length) }
    return length
}
