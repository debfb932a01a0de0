// The compression formats in which capture files can be read directly.

/// A compression format, recognized by a file's first octets rather than by its name.
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
        // A skippable frame (3.1.2), with which the output of pzstd begins.
        case _ where magic & 0xf0ff_ffff == 0x502a_4d18: self = .zstd
        default: return nil
        }
    }

    /// The name of its usual program, for messages.
    var name: String {
        switch self {
        case .gzip: "gzip"
        case .zstd: "zstd"
        }
    }
}

/// The result of one call of a decompressor.
struct DecompressedPiece {
    /// How the call ended.
    enum Outcome {
        /// More output may follow.
        case more
        /// A member or frame is complete; another may follow.
        case endOfMember
        /// The compressed octets are invalid.
        case damaged(CaptureFileError.CompressionFault)
        /// There is not enough memory.
        case outOfMemory
    }

    /// Octets taken from the input.
    var consumed: Int
    /// Octets written to the output.
    var produced: Int
    /// How the call ended.
    var outcome: Outcome
}
