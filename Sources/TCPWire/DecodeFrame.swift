// Decodes one frame: link header, IP header, TCP header, and any tunnels in between. Nothing is allocated and no state
// is kept.

public import TCPModel

/// Decodes the bytes of one captured frame.
///
/// Lengths come from the IP header, never from the number of octets captured, so a short snapshot length costs options
/// at most. Checksums are verified on request, and only if the whole packet was captured; see
/// `SegmentRemarks.badChecksum`.
///
/// - Parameters:
///   - bytes: the captured octets of the frame, borrowed.
///   - header: the frame's metadata; only `linkType` and `originalLength` matter here.
///   - verifyingChecksums: whether to verify checksums; this takes time, since all of the text is read.
/// - Throws: a `DecodeError` if a required header is truncated or malformed.
/// - Returns: the TCP segment, an ICMP error about one, a fragment for reassembly, an aggregate of several packets, or
///   the kind of other traffic.
public func decodeFrame(
    _ bytes: RawSpan, _ header: FrameHeader, verifyingChecksums: Bool = false
) throws(DecodeError) -> DecodedFrame {
    // Two copies of the code, so that no cycle is spent on checksums unless they are verified.
    if verifyingChecksums { return try verifiedFrame(bytes, header) }
    return try frame(
        bytes, FrameExtent(bytes, originalLength: header.originalLength, verifiesChecksums: false), header.linkType)
}

@inline(never) private func verifiedFrame(
    _ bytes: RawSpan, _ header: FrameHeader
) throws(DecodeError) -> DecodedFrame {
    try frame(
        bytes, FrameExtent(bytes, originalLength: header.originalLength, verifiesChecksums: true), header.linkType)
}

@inline(__always) func frame(
    _ bytes: RawSpan, _ frame: FrameExtent, _ linkType: LinkType
) throws(DecodeError) -> DecodedFrame {
    let payload = try linkPayload(bytes, frame, linkType)
    switch payload.network {
    case .ipv4: return try ipv4Frame(bytes, frame, at: payload.offset, in: .none)
    case .ipv6: return try ipv6Frame(bytes, frame, at: payload.offset)
    case .aggregate: return .aggregate(Aggregate(frame, at: payload.offset, in: .none))
    case .none: return .other(payload.other)
    }
}
