// The TCP header (RFC 9293 3.1).

import TCPModel

/// Offsets in the TCP header.
@usableFromInline enum TCPHeader {
    @usableFromInline static var sourcePort: Int { 0 }
    @usableFromInline static var destinationPort: Int { 2 }
    @usableFromInline static var sequence: Int { 4 }
    @usableFromInline static var acknowledgment: Int { 8 }
    @usableFromInline static var dataOffsetAndFlags: Int { 12 }
    @usableFromInline static var window: Int { 14 }
    @usableFromInline static var urgentPointer: Int { 18 }
    @usableFromInline static var leastLength: Int { 20 }

    /// The control bits with AE (RFC 9768 3.1), without the three reserved bits.
    @usableFromInline static var flagsMask: UInt16 { 0x01ff }
}

/// Reads the TCP header of `packet`, or only locates its text if the frame asks for that.
@inline(__always) func tcpSegment(
    _ bytes: RawSpan, _ frame: FrameExtent, _ packet: NetworkPacket
) throws(DecodeError) -> DecodedFrame {
    if frame.locatesText { return try locateText(bytes, frame, packet) }
    return .segment(try readSegment(bytes, frame, packet))
}

/// Reads the TCP header of `packet` into a segment.
@inline(__always) func readSegment(
    _ bytes: RawSpan, _ frame: FrameExtent, _ packet: NetworkPacket
) throws(DecodeError) -> Segment {
    let start = packet.offset
    guard packet.length >= TCPHeader.leastLength, frame.captured &- start >= TCPHeader.leastLength else {
        throw tooShort(frame, at: start, length: packet.length, packet.limit)
    }
    // A span of known length, so that the bounds checks of the loads below fold into this one.
    let header = bytes.extracting(start..<(start &+ TCPHeader.leastLength))

    // RFC 9293 3.1, DOffset: length of the header in 32-bit words, options included.
    let bits = header.big16(TCPHeader.dataOffsetAndFlags)
    let headerLength = Int(bits >> 12) &* 4
    var remarks = packet.remarks
    let payloadLength = packet.length &- headerLength
    if headerLength < TCPHeader.leastLength || payloadLength < 0 {
        throw badDataOffset(headerLength, at: start, length: packet.length, packet.limit)
    }

    if frame.verifiesChecksums,
        isBadTCPChecksum(
            bytes, captured: frame.captured, from: packet.source, to: packet.destination, at: start,
            length: packet.length, ipLength: packet.ipLength, packet.remarks)
    {
        remarks.formUnion(.badChecksum)
    }

    let options = tcpOptions(
        bytes, from: start &+ TCPHeader.leastLength, headerEnd: start &+ headerLength,
        readable: min(frame.captured, start &+ packet.length), &remarks)

    return Segment(
        tuple: FourTuple(
            source: SocketAddress(packet.source, header.big16(TCPHeader.sourcePort)),
            destination: SocketAddress(packet.destination, header.big16(TCPHeader.destinationPort))),
        sequence: SequenceNumber(header.big32(TCPHeader.sequence)),
        acknowledgment: SequenceNumber(header.big32(TCPHeader.acknowledgment)),
        flags: TCPFlags(rawValue: bits & TCPHeader.flagsMask),
        window: header.big16(TCPHeader.window),
        urgentPointer: header.big16(TCPHeader.urgentPointer), remarks: remarks,
        payloadLength: UInt32(clamping: payloadLength), ipLength: UInt32(clamping: packet.ipLength),
        ipIdentification: packet.identification, hopLimit: packet.hopLimit,
        headerLength: UInt8(truncatingIfNeeded: headerLength), options: options,
        tunnel: packet.nesting.tunnel, tunnelDepth: packet.nesting.depth)
}

/// The error for a TCP header of fewer than 20 octets.
///
/// Takes plain numbers, here and below, since passing the packet itself would force it into memory, on the hot path
/// too.
@inline(never) private func tooShort(
    _ frame: FrameExtent, at start: Int, length: Int, _ limit: DecodeError.Limit
) -> DecodeError {
    // Both the IP length and the capture may be too short: blame the shorter one.
    if length < TCPHeader.leastLength, length <= frame.captured - start {
        return .truncated(.tcp, at: start, needed: TCPHeader.leastLength, available: max(0, length), limitedBy: limit)
    }
    return frame.truncated(.tcp, at: start, needed: TCPHeader.leastLength)
}

/// The error for a data offset that is too small or exceeds the packet.
@inline(never) private func badDataOffset(
    _ headerLength: Int, at start: Int, length: Int, _ limit: DecodeError.Limit
) -> DecodeError {
    if headerLength < TCPHeader.leastLength {
        return .malformed(.tcp, .dataOffset, at: start, needed: TCPHeader.leastLength, available: headerLength)
    }
    return .malformed(
        .tcp, .dataOffsetBeyondPacket, at: start, needed: headerLength, available: length, limitedBy: limit)
}
