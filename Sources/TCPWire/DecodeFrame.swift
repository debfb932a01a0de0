// The way of one frame: link header, IP header, TCP header; tunnels in between, if there are any. Nothing is allocated and nothing is kept.

public import TCPModel

/// Decodes the bytes of one captured frame.
///
/// Lengths come from the IP header, never from how much was captured, so a short snapshot length costs options at most.
/// Checksums are not verified: with checksum offload, outgoing and loopback segments are captured before theirs is
/// computed.
///
/// - Parameters:
///   - bytes: what was captured of the frame, borrowed.
///   - header: what came with it; only `linkType` and `originalLength` matter here.
/// - Throws: a `DecodeError` when a header that must be there is cut or cannot be right.
/// - Returns: the TCP segment, a fragment to be put together with others, or what other traffic this is.
public func decodeFrame(_ bytes: RawSpan, _ header: FrameHeader) throws(DecodeError) -> DecodedFrame {
    let frame = FrameExtent(bytes, header)
    let payload = try linkPayload(bytes, frame, header.linkType)
    switch payload.network {
    case .ipv4: return try ipv4Frame(bytes, frame, at: payload.offset, in: .none)
    case .ipv6: return try ipv6Frame(bytes, frame, at: payload.offset)
    case .none: return .other(payload.other)
    }
}
