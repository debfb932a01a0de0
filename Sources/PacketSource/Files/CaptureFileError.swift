// What can be wrong with a capture file: plain data. The words for people are in CaptureFileError+Text.swift.

/// Why a capture file cannot be read, or not to its end. All frames before `offset` have been delivered.
public struct CaptureFileError: Error, Equatable, Sendable {
    /// What was wrong.
    public enum Reason: Equatable, Sendable {
        /// `open` or `read` failed with this errno.
        case system(Int32)
        /// A directory.
        case isDirectory
        /// Neither a regular file nor a stream: a block device or a socket.
        case notReadableKind
        /// No byte at all.
        case empty
        /// It starts like a capture but ends within the file header.
        case headerCutShort
        /// The first bytes are those of no capture format (read as a big-endian number); `isText`: they look like text.
        case unknownFormat(magic: UInt32, isText: Bool)
        /// A capture format that this tool does not read: its name.
        case unsupportedFormat(String)
        /// Compressed with this program (xz, bzip2 ...), which is not undone here; or compressed twice.
        case compressed(String)
        /// Compressed with this program (gzip, zstd), and it cannot be undone from `offset` on, which counts compressed
        /// octets.
        case badCompression(String, CompressionFault)
        /// A version of the format that is not known.
        case unsupportedVersion(major: Int, minor: Int)
        /// The file ends within a packet record.
        case packetCutShort
        /// The file ends within a pcapng block that is not a packet.
        case blockCutShort
        /// A record claims this many captured octets: more than any capture has.
        case packetTooLong(UInt32)
        /// A pcapng block's length is below the least, no multiple of four, or beyond all reason.
        case badBlockLength(UInt32)
        /// A pcapng block's two lengths differ.
        case blockLengthMismatch(UInt32, UInt32)
        /// The packet does not fit in its pcapng block.
        case packetBeyondBlock(captured: UInt32)
        /// The packet does not fit in its snoop record, which claims this length.
        case packetBeyondRecord(captured: UInt32, record: UInt32)
        /// A section header without the byte-order magic.
        case badByteOrderMagic(UInt32)
        /// A packet of an interface that was not described before.
        case unknownInterface(UInt32)
        /// More interfaces than can be told apart.
        case tooManyInterfaces
        /// An interface description that is too short or whose options run out of it.
        case badInterfaceDescription
        /// An if_tsresol that no 64-bit clock can have.
        case badTimestampResolution(UInt8)
        /// Nobody wanted to wait for the header of a stream any longer.
        case givenUp
        /// The file became shorter while it was read.
        case shrankWhileRead
    }

    /// What was wrong with a compressed file.
    public enum CompressionFault: Equatable, Sendable {
        /// The file ends within a compressed stream.
        case cutShort
        /// The octets are none that the format allows, or do not have the checksum that they should.
        case damaged
        /// Something else follows the end of the compressed stream.
        case trailingOctets
        /// It was compressed with a window larger than 128 MiB.
        case windowTooLarge
    }

    /// The file's name as it was given; `-` is standard input.
    public var file: String
    /// What was wrong.
    public var reason: Reason
    /// Octets from the start of the file to the record or block at fault; nil when the file could not be opened.
    public var offset: UInt64?
    /// Whether `offset` counts the octets of what a compressed file holds.
    public var isDecompressed: Bool

    /// An error from its fields.
    public init(file: String, reason: Reason, offset: UInt64? = nil, isDecompressed: Bool = false) {
        self.file = file
        self.reason = reason
        self.offset = offset
        self.isDecompressed = isDecompressed
    }
}
