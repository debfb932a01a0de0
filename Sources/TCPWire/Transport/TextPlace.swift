// The position of a segment's text among the captured octets. Only reports that show the text need it, so it is not
// part of a Segment and is found by decoding the frame a second time.

public import TCPModel

/// The position of a segment's text, as far as it was captured.
public struct TextPlace: BitwiseCopyable, Sendable {
    /// The segment's four-tuple.
    let tuple: FourTuple
    let flags: TCPFlags
    /// Where the text starts, in octets from the start of the frame.
    public let start: Int
    /// How many octets of the text can be read. Any octets behind them, padding or another packet, are not part of it.
    public let count: Int
}

/// Finds the text of a segment that `decodeFrame` found in the same frame, or that `Aggregate.next` returned from it as
/// number `ordinal`, counted from 0.
///
/// - Returns: nil if the frame has no such segment.
public func textPlace(_ bytes: RawSpan, _ header: FrameHeader, ordinal: Int = 0) -> TextPlace? {
    let extent = FrameExtent(bytes, originalLength: header.originalLength, verifiesChecksums: false, locatesText: true)
    guard let found = try? frame(bytes, extent, header.linkType) else { return nil }
    switch found {
    case .text(let place): return place
    case .aggregate(var several): return several.text(bytes, ordinal: ordinal)
    case .segment, .icmp, .fragment, .other: return nil
    }
}

/// Finds the text of the packet whose IP header has been read.
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
    /// The text of segment number `ordinal` that `next` would return, counted from 0.
    fileprivate mutating func text(_ bytes: RawSpan, ordinal: Int) -> TextPlace? {
        var left = ordinal
        while true {
            do throws(DecodeError) {
                guard let packet = try next(bytes) else { return nil }
                guard case .text(let place) = packet else { continue }
                if left == 0 { return place }
                left -= 1
            } catch {
                // The packets behind it can still be read.
            }
        }
    }
}
