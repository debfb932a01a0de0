// Tunnels in tunnels: how deep we are, and the way into the next one.

import TCPModel

/// The tunnels around an IP packet.
struct Nesting: BitwiseCopyable {
    /// Operators nest two or three; more than this is a loop, or an attack on parsers.
    static let most: UInt8 = 4
    /// The way of a frame without tunnels.
    static let none = Nesting(tunnel: .none, depth: 0)

    /// The innermost.
    let tunnel: Tunnel
    /// How many.
    let depth: UInt8
}

/// Reads the IP packet that a tunnel brings, and what follows it. This and `carriedFrame` call each other, at most
/// `Nesting.most` times.
///
/// - Parameters:
///   - frame: as the packet around the tunnel leaves it, see `FrameExtent.clipped(to:)`.
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
