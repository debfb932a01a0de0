// The ways of compressing a capture file that are read as if it were not.

/// A format of compression, told by the first octets and not by the file's name.
enum CompressionFormat {
    /// gzip (RFC 1952).
    case gzip
    /// Zstandard (RFC 8878).
    case zstd

    /// The format of a stream that starts with these four octets, read as a big-endian number.
    init?(magic: UInt32) {
        switch magic {
        case _ where magic >> 16 == 0x1f8b: self = .gzip
        case 0x28b5_2ffd: self = .zstd
        // A frame to be skipped (3.1.2), as pzstd begins with.
        case _ where magic & 0xf0ff_ffff == 0x502a_4d18: self = .zstd
        default: return nil
        }
    }

    /// Its usual program, for messages.
    var name: String {
        switch self {
        case .gzip: "gzip"
        case .zstd: "zstd"
        }
    }
}

/// How far one call of a decompressor got.
struct DecompressedPiece {
    /// What came of it.
    enum Outcome {
        /// There may be more.
        case more
        /// A member or frame is complete; another one may follow.
        case endOfMember
        /// The octets cannot be right.
        case damaged(CaptureFileError.CompressionFault)
        /// There is not enough memory.
        case outOfMemory
    }

    /// Octets taken from the input.
    var consumed: Int
    /// Octets written to the output.
    var produced: Int
    /// What came of it.
    var outcome: Outcome
}
