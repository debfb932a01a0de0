// The faults of capture files, as plain data. Their messages are in CaptureFileError+Text.swift.

/// Why a capture file cannot be read at all, or not to its end. All frames before `offset` have been delivered.
public struct CaptureFileError: Error, Equatable, Sendable {
    /// What was wrong.
    public enum Reason: Equatable, Sendable {
        /// `open` or `read` failed with this errno.
        case system(Int32)
        /// A directory.
        case isDirectory
        /// Neither a regular file nor a stream: a block device or a socket.
        case notReadableKind
        /// The file is empty.
        case empty
        /// The file starts like a capture but ends within the file header.
        case headerCutShort
        /// The first bytes (`magic` is a big-endian number) belong to no capture format; `isText` if they look like
        /// text.
        case unknownFormat(magic: UInt32, isText: Bool)
        /// A capture format that this tool does not read, by name.
        case unsupportedFormat(String)
        /// Compressed with this program (xz, bzip2 ...), which this tool cannot decompress; or compressed twice.
        case compressed(String)
        /// Compressed with this program (gzip, zstd), and cannot be decompressed from `offset` on, which counts
        /// compressed octets.
        case badCompression(String, CompressionFault)
        /// An unknown version of the format.
        case unsupportedVersion(major: Int, minor: Int)
        /// The file ends within a packet record.
        case packetCutShort
        /// The file ends within a pcapng block that is not a packet.
        case blockCutShort
        /// A record claims this many captured octets, more than any capture has.
        case packetTooLong(UInt32)
        /// A pcapng block's length is too small, not a multiple of four, or absurdly large.
        case badBlockLength(UInt32)
        /// A pcapng block's two lengths differ.
        case blockLengthMismatch(UInt32, UInt32)
        /// The packet does not fit into its pcapng block.
        case packetBeyondBlock(captured: UInt32)
        /// The packet does not fit into its snoop record, which claims this length.
        case packetBeyondRecord(captured: UInt32, record: UInt32)
        /// A section header has this in place of the byte-order magic.
        case badByteOrderMagic(UInt32)
        /// A packet belongs to an interface that has not been described.
        case unknownInterface(UInt32)
        /// There are more interfaces than can be numbered.
        case tooManyInterfaces
        /// An interface description is too short, or its options exceed it.
        case badInterfaceDescription
        /// An if_tsresol value that no 64-bit clock can have.
        case badTimestampResolution(UInt8)
        /// The caller gave up waiting for the header of a stream.
        case givenUp
        /// The file shrank while it was being read.
        case shrankWhileRead
    }

    /// What is wrong with a compressed file.
    public enum CompressionFault: Equatable, Sendable {
        /// The file ends within a compressed stream.
        case cutShort
        /// The octets are invalid in their format, or their checksum is wrong.
        case damaged
        /// Other octets follow the end of the compressed stream.
        case trailingOctets
        /// Decompressing it needs a window larger than 128 MiB.
        case windowTooLarge
    }

    /// The file's name as given; `-` is standard input.
    public var file: String
    /// What was wrong.
    public var reason: Reason
    /// Offset of the faulty record or block in the file; nil if the file could not be opened.
    public var offset: UInt64?
    /// Whether `offset` counts decompressed octets of a compressed file.
    public var isDecompressed: Bool

    /// An error from its fields.
    public init(file: String, reason: Reason, offset: UInt64? = nil, isDecompressed: Bool = false) {
        self.file = file
        self.reason = reason
        self.offset = offset
        self.isDecompressed = isDecompressed
    }
}
