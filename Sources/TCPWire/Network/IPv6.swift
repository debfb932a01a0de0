// The fixed IPv6 header (RFC 8200 3).

import TCPModel

/// Offsets in the IPv6 header.
private enum IPv6Header {
    static let versionAndClass = 0
    static let payloadLength = 4
    static let nextHeader = 6
    static let hopLimit = 7
    static let source = 8
    static let destination = 24
    static let length = 40
}

/// Reads the IPv6 header at `start`, the extension headers after it, and what follows.
func ipv6Frame(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> DecodedFrame {
    guard frame.captured &- start >= IPv6Header.length else {
        throw frame.truncated(.ipv6, at: start, needed: IPv6Header.length)
    }
    // Of a known length, so that the checks of the loads below fold into this one.
    let header = bytes.extracting(start..<(start &+ IPv6Header.length))
    let version = header.octet(IPv6Header.versionAndClass) >> 4
    guard version == 6 else {
        throw .malformed(.ipv6, .ipVersion, at: start, needed: 6, available: Int(version))
    }
    let payloadStart = start &+ IPv6Header.length
    let frameLength = frame.original &- payloadStart
    var payload = IPv6Payload(
        nextHeader: header.octet(IPv6Header.nextHeader), offset: payloadStart,
        end: payloadStart &+ Int(header.big16(IPv6Header.payloadLength)), limit: .ipv6Length,
        remarks: SegmentRemarks(rawValue: 0))
    if payload.end == payloadStart {
        // RFC 2675 3: 0 with a jumbo payload option, which replaces this end when it is met. Without one, a packet not
        // cut yet by the sender's network card (BIG TCP): the capture record has to say.
        payload.end = payloadStart &+ frameLength
        payload.limit = .frame
        payload.remarks = .lengthFromCapture
    }

    if payload.nextHeader != IPProtocol.tcp { try payload.skipExtensions(bytes, frame, from: payloadStart) }
    if payload.isLaterFragment { return .other(.fragment) }
    guard payload.nextHeader == IPProtocol.tcp else {
        return .other(OtherTraffic(protocolNumber: payload.nextHeader))
    }
    if payload.end &- payloadStart > frameLength { payload.remarks.formUnion(.lengthBeyondFrame) }

    return try tcpSegment(
        bytes, frame,
        NetworkPacket(
            source: IPAddress(high: header.big64(IPv6Header.source), low: header.big64(IPv6Header.source &+ 8)),
            destination: IPAddress(
                high: header.big64(IPv6Header.destination), low: header.big64(IPv6Header.destination &+ 8)),
            offset: payload.offset, length: payload.end &- payload.offset, limit: payload.limit,
            ipLength: payload.end &- start, identification: 0, hopLimit: header.octet(IPv6Header.hopLimit),
            remarks: payload.remarks))
}
