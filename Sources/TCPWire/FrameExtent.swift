// How much of a frame there is: captured, and on the wire.

import TCPModel

/// How many octets of a frame were captured and how many it had. All offsets of this module count from its start.
struct FrameExtent: BitwiseCopyable {
    /// Octets that can be read.
    let captured: Int
    /// Octets that the frame had on the wire, never less than `captured` whatever the capture record says.
    let original: Int
    /// Who says that there are `original` octets: the frame itself, or the packet that a tunnel's content is in.
    let limit: DecodeError.Limit
    /// Whether checksums are to be verified.
    let verifiesChecksums: Bool
    /// Whether all that is asked is where the text is, see `textPlace`.
    let locatesText: Bool

    @inline(__always) init(
        _ bytes: RawSpan, _ header: FrameHeader, verifiesChecksums: Bool, locatesText: Bool = false
    ) {
        self.verifiesChecksums = verifiesChecksums
        self.locatesText = locatesText
        captured = bytes.byteCount
        original = max(bytes.byteCount, Int(header.originalLength))
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

    /// This frame as if it ended at `end`, if it does not end before: what a tunnel's outer packet leaves of it.
    func clipped(to end: Int) -> FrameExtent {
        if end >= original { return self }
        return FrameExtent(
            captured: min(captured, end), original: end, limit: .outerLength, verifiesChecksums: verifiesChecksums,
            locatesText: locatesText)
    }

    /// The error for a header at `offset` that needs `needed` octets and finds fewer captured.
    @inline(never) func truncated(_ layer: DecodeError.Layer, at offset: Int, needed: Int) -> DecodeError {
        // If the whole frame would have been enough, the snapshot length is to blame.
        DecodeError(
            layer: layer, kind: .truncated, offset: offset, needed: needed, available: max(0, captured - offset),
            limitedBy: original - offset >= needed ? .capture : limit)
    }
}
