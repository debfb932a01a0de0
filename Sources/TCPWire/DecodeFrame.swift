// The way of one frame: link header, IP header, TCP header; tunnels in between, if there are any. Nothing is allocated and nothing is kept.

public import TCPModel

/// Decodes the bytes of one captured frame.
///
/// Lengths come from the IP header, never from how much was captured, so a short snapshot length costs options at most.
/// Checksums are verified on request, and where the whole packet was captured; see `SegmentRemarks.badChecksum`.
///
/// - Parameters:
///   - bytes: what was captured of the frame, borrowed.
///   - header: what came with it; only `linkType` and `originalLength` matter here.
///   - verifyingChecksums: whether to; it takes time, since all of the text is read.
/// - Throws: a `DecodeError` when a header that must be there is cut or cannot be right.
/// - Returns: the TCP segment, a fragment to be put together with others, several packets to be read, or what other traffic this is.
public func decodeFrame(
    _ bytes: RawSpan, _ header: FrameHeader, verifyingChecksums: Bool = false
) throws(DecodeError) -> DecodedFrame {
    // Two copies, so that not a cycle is spent on checksums if they are not verified.
    if verifyingChecksums { return try verifiedFrame(bytes, header) }
    return try frame(bytes, FrameExtent(bytes, header, verifiesChecksums: false), header.linkType)
}

@inline(never) private func verifiedFrame(
    _ bytes: RawSpan, _ header: FrameHeader
) throws(DecodeError) -> DecodedFrame {
    try frame(bytes, FrameExtent(bytes, header, verifiesChecksums: true), header.linkType)
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
