// What the record decoders have in common: their limits and their outcome.

/// Limits that keep a damaged file from costing memory or time.
@usableFromInline enum DecoderLimit {
    /// Captured octets of one frame. Real captures stop at 256 KiB; a few link types and USB captures go beyond.
    @inlinable static var capturedLength: UInt32 { 16 << 20 }
    /// Octets of one pcapng block: a packet of the largest size and room for its options.
    static let blockLength: UInt32 = capturedLength + (64 << 10)
    /// Interfaces of one file: as many as a frame header can number.
    static let interfaces = 65_536
}

/// Why a decoder came back.
enum DecoderStop {
    /// All bytes are done.
    case exhausted
    /// A pcapng interface was described, and is known now.
    case interface
    /// It delivered as many frames as it was asked for.
    case limit
    /// The body asked it to stop.
    case stopped
    /// A block of our own, that is done: what it holds.
    case localBlock([UInt8])
    /// The next record takes this many bytes; `isPacket` tells what is missing if they never come.
    case needs(Int, isPacket: Bool)
    /// The next record is damaged.
    case fault(CaptureFileError.Reason)
}

/// How far a decoder got.
struct DecoderOutcome {
    /// Bytes of whole records that are done.
    var consumed: Int
    /// Frames delivered.
    var frames: Int
    /// Why it came back.
    var stop: DecoderStop
}
