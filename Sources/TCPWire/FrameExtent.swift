// The extent of a frame: the octets captured, and those on the wire.

import TCPModel

/// How many octets of a frame were captured, and how many it had on the wire. All offsets in this module count from the
/// start of the frame.
struct FrameExtent: BitwiseCopyable {
    /// Octets that can be read.
    let captured: Int
    /// Octets that the frame had on the wire; never less than `captured`, whatever the capture record says.
    let original: Int
    /// Where `original` comes from: the frame itself, a length of the packet around a tunnel, or a reassembled packet.
    let limit: DecodeError.Limit
    /// Whether to verify checksums.
    let verifiesChecksums: Bool
    /// Whether only the position of the text is wanted; see `textPlace`.
    let locatesText: Bool

    /// The extent of a whole frame with this length on the wire according to the capture record.
    @inline(__always) init(
        _ bytes: RawSpan, originalLength: UInt32, verifiesChecksums: Bool, locatesText: Bool = false
    ) {
        self.verifiesChecksums = verifiesChecksums
        self.locatesText = locatesText
        captured = bytes.byteCount
        original = max(bytes.byteCount, Int(originalLength))
        limit = .frame
    }

    init(
        captured: Int, original: Int, limit: DecodeError.Limit, verifiesChecksums: Bool, locatesText: Bool
    ) {
        self.verifiesChecksums = verifiesChecksums
        self.locatesText = locatesText
        self.captured = captured
        self.original = original
        self.limit = limit
    }

    /// This frame cut off at `end`, unless it ends earlier: the part that a tunnel's outer packet covers.
    func clipped(to end: Int) -> FrameExtent {
        if end >= original { return self }
        return FrameExtent(
            captured: min(captured, end), original: end, limit: .outerLength, verifiesChecksums: verifiesChecksums,
            locatesText: locatesText)
    }

    /// The error for a header at `offset` of `needed` octets that was not captured in full.
    @inline(never) func truncated(_ layer: DecodeError.Layer, at offset: Int, needed: Int) -> DecodeError {
        // If the frame on the wire was long enough, the snapshot length is to blame.
        DecodeError(
            layer: layer, kind: .truncated, offset: offset, needed: needed, available: max(0, captured - offset),
            limitedBy: original - offset >= needed ? .capture : limit)
    }
}
