// Nested tunnels: the current depth, and how to enter the next one.

import TCPModel

/// The tunnels around an IP packet.
struct Nesting: BitwiseCopyable {
    /// Operators nest two or three tunnels; more than this is a loop, or an attack on parsers.
    static let most: UInt8 = 4
    /// The nesting of a frame without tunnels.
    static let none = Nesting(tunnel: .none, depth: 0)

    /// The innermost tunnel.
    let tunnel: Tunnel
    /// The number of tunnels.
    let depth: UInt8
}

/// Reads the IP packet inside a tunnel, and its contents. This function and `carriedFrame` call each other, at most
/// `Nesting.most` times.
///
/// - Parameters:
///   - frame: the frame as limited by the packet around the tunnel; see `FrameExtent.clipped(to:)`.
///   - payload: the inner network header.
///   - layer: the header to blame if this is one tunnel too many.
@inline(never) func tunnelledFrame(
    _ bytes: RawSpan, _ frame: FrameExtent, _ payload: LinkPayload, by tunnel: Tunnel, layer: DecodeError.Layer,
    in nesting: Nesting
) throws(DecodeError) -> DecodedFrame {
    guard nesting.depth < Nesting.most else {
        throw .malformed(
            layer, .tooManyTunnels, at: payload.offset, needed: Int(nesting.depth) + 1, available: Int(Nesting.most))
    }
    let inner = Nesting(tunnel: tunnel, depth: nesting.depth + 1)
    switch payload.network {
    case .ipv4: return try ipv4Frame(bytes, frame, at: payload.offset, in: inner)
    case .ipv6: return try ipv6Frame(bytes, frame, at: payload.offset, in: inner)
    case .aggregate: return .aggregate(Aggregate(frame, at: payload.offset, in: inner))
    case .none: return .other(payload.other)
    }
}
