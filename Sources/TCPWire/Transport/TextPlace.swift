// Where a segment's text is among the octets that were captured. Nobody needs that but who shows them: so it is no part of a
// Segment, and is found by decoding the frame a second time.

public import TCPModel

/// The text of a segment, as far as it was captured.
public struct TextPlace: BitwiseCopyable, Sendable {
    /// Whose it is.
    let tuple: FourTuple
    let flags: TCPFlags
    /// Where it starts.
    public let start: Int
    /// How many octets of it can be read. What is behind them, padding or another packet, is not of it.
    public let count: Int
}

/// Finds the text of a segment that `decodeFrame` found in the same frame, or `Aggregate.next` as its `ordinal`th, counted from 0.
///
/// - Returns: nil if the frame has no such segment.
public func textPlace(_ bytes: RawSpan, _ header: FrameHeader, ordinal: Int = 0) -> TextPlace? {
    let extent = FrameExtent(bytes, header, verifiesChecksums: false, locatesText: true)
    guard let found = try? frame(bytes, extent, header.linkType) else { return nil }
    switch found {
    case .text(let place): return place
    case .aggregate(var several): return several.text(bytes, ordinal: ordinal)
    case .segment, .icmp, .fragment, .other: return nil
    }
}

/// The same for the packet whose header was read.
@inline(never) func locateText(
    _ bytes: RawSpan, _ frame: FrameExtent, _ packet: NetworkPacket
) throws(DecodeError) -> DecodedFrame {
    let segment = try readSegment(bytes, frame, packet)
    let start = packet.offset + Int(segment.headerLength)
    let end = min(frame.captured, packet.offset + packet.length)
    return .text(
        TextPlace(tuple: segment.tuple, flags: segment.flags, start: min(start, end), count: max(0, end - start)))
}

extension Aggregate {
    /// The text of the `ordinal`th segment that `next` would return.
    fileprivate mutating func text(_ bytes: RawSpan, ordinal: Int) -> TextPlace? {
        var left = ordinal
        while true {
            do throws(DecodeError) {
                guard let packet = try next(bytes) else { return nil }
                guard case .text(let place) = packet else { continue }
                if left == 0 { return place }
                left -= 1
            } catch {
                // The packets behind it can be read all the same.
            }
        }
    }
}
