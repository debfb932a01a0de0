// Solaris's snoop files (RFC 1761): a 16-octet header and records. All numbers are in network order.

import TCPModel

/// The file header of the format, and the decoder of its records.
struct SnoopDecoder {
    static let fileHeaderLength = 16
    /// The first four octets of "snoop\0\0\0", as a number in network order.
    static let magic: UInt32 = 0x736e_6f6f
    static let recordHeaderLength = 24
    /// The most padding accepted behind a record's frame: records are padded to a multiple of four, and by some writers
    /// to more.
    private static let mostPadding: UInt32 = 4096

    let interface: CaptureInterface
    /// Frames lost according to the capturing program: each record has the total so far.
    private(set) var droppedFrames: UInt64 = 0

    /// Whether this machine's byte order differs from network order.
    private static let swapped = 1.littleEndian == 1

    /// Reads the file header; `bytes` must have at least 16 octets and start with the magic.
    init(header bytes: RawSpan) throws(HeaderFault) {
        guard bytes.word(4, swapped: Self.swapped) == 0x7000_0000 else {
            throw HeaderFault(reason: .unknownFormat(magic: Self.magic, isText: false))
        }
        let version = bytes.word(8, swapped: Self.swapped)
        guard version == 2 else {
            throw HeaderFault(reason: .unsupportedVersion(major: Int(clamping: version), minor: 0))
        }
        // RFC 1761 2: IEEE 802.3 and Ethernet are distinguished in each frame; the numbers of other link types are
        // unrelated to libpcap's.
        let linkType: LinkType =
            switch bytes.word(12, swapped: Self.swapped) {
            case 0, 4: .ethernet
            case 8: .fddi
            case let other: LinkType(UInt16(truncatingIfNeeded: 0x8000 | other & 0x7fff))
            }
        interface = CaptureInterface(linkType: linkType, snapshotLength: 0)
    }

    /// Delivers the frames of `bytes`, which start at a record, until one of the reasons in `DecoderStop`.
    mutating func run(
        _ bytes: RawSpan, limit: Int, body: (FrameHeader, RawSpan) -> Bool
    ) -> DecoderOutcome {
        let count = bytes.byteCount
        var at = 0
        var frames = 0
        while at < count {
            guard frames < limit else { return DecoderOutcome(consumed: at, frames: frames, stop: .limit) }
            guard count - at >= Self.recordHeaderLength else {
                return DecoderOutcome(
                    consumed: at, frames: frames, stop: .needs(Self.recordHeaderLength, isPacket: true))
            }
            let original = bytes.word(at, swapped: Self.swapped)
            let captured = bytes.word(at + 4, swapped: Self.swapped)
            let record = bytes.word(at + 8, swapped: Self.swapped)
            let drops = bytes.word(at + 12, swapped: Self.swapped)
            guard captured <= DecoderLimit.capturedLength else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .fault(.packetTooLong(captured)))
            }
            let least = UInt32(Self.recordHeaderLength) + captured
            guard record >= least else {
                let fault = CaptureFileError.Reason.packetBeyondRecord(captured: captured, record: record)
                return DecoderOutcome(consumed: at, frames: frames, stop: .fault(fault))
            }
            // Following a length far beyond the frame would skip records.
            guard record - least <= Self.mostPadding else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .fault(.packetTooLong(record)))
            }
            guard count - at >= Int(record) else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .needs(Int(record), isPacket: true))
            }
            droppedFrames = max(droppedFrames, UInt64(drops))
            let seconds = Int64(bytes.word(at + 16, swapped: Self.swapped))
            let microseconds = Int64(bytes.word(at + 20, swapped: Self.swapped))
            let header = FrameHeader(
                // At most 2^32 seconds and 2^32 thousand nanoseconds: far below 2^63.
                time: Timestamp(nanoseconds: seconds * 1_000_000_000 + microseconds * 1000), capturedLength: captured,
                originalLength: original, linkType: interface.linkType)
            let start = at + Self.recordHeaderLength
            let frame = bytes.extracting(start..<start + Int(captured))
            at += Int(record)
            frames += 1
            guard body(header, frame) else { return DecoderOutcome(consumed: at, frames: frames, stop: .stopped) }
        }
        return DecoderOutcome(consumed: at, frames: frames, stop: .exhausted)
    }
}
