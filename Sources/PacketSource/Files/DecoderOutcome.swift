// What the record decoders share: their limits and their result.

/// Limits that keep a damaged file from using up memory or time.
@usableFromInline enum DecoderLimit {
    /// The most captured octets of one frame. Real captures stop at 256 KiB; a few link types and USB captures go
    /// beyond.
    @inlinable static var capturedLength: UInt32 { 16 << 20 }
    /// The most octets of one pcapng block: the largest packet with room for its options.
    static let blockLength: UInt32 = capturedLength + (64 << 10)
    /// The most interfaces of one file: as many as a frame header can number.
    static let interfaces = 65_536
}

/// Why a decoder returned.
enum DecoderStop {
    /// All bytes have been consumed.
    case exhausted
    /// A pcapng interface description has been read.
    case interface
    /// The frame limit has been reached.
    case limit
    /// The body asked it to stop.
    case stopped
    /// A block of our own has been consumed; this is its payload.
    case localBlock([UInt8])
    /// The next record needs this many bytes; `isPacket` tells what is missing if they never come.
    case needs(Int, isPacket: Bool)
    /// The next record is damaged.
    case fault(CaptureFileError.Reason)
}

/// The result of running a decoder.
struct DecoderOutcome {
    /// Bytes of whole records consumed.
    var consumed: Int
    /// Frames delivered.
    var frames: Int
    /// Why the decoder returned.
    var stop: DecoderStop
}
