// Classic pcap: the 24-byte file header and the records. All magics, both byte orders, versions 2.0 to 2.4.

import TCPModel

/// The first word of a file; it also tells the byte order, which is the writer's.
private enum PcapMagic: UInt32 {
    case microseconds = 0xa1b2_c3d4
    case nanoseconds = 0xa1b2_3c4d
    /// Alexey Kuznetzov's variant: microseconds, and record headers that are eight octets longer.
    case modified = 0xa1b2_cd34
}

/// The file header of the classic format, and the decoder of its records. Plain data.
struct PcapDecoder {
    static let fileHeaderLength = 24

    /// The order of a record's two lengths. Versions up to 2.2 had them swapped; files of version 2.3 have either
    /// order.
    enum LengthOrder { case capturedFirst, originalFirst, smallerIsCaptured }

    let swapped: Bool
    /// Nanoseconds in one unit of the fraction: 1000 or 1.
    let unit: Int64
    /// 16, or 24 in the modified variant.
    let recordHeaderLength: Int
    let lengthOrder: LengthOrder
    let interface: CaptureInterface

    /// Whether these four octets, read in either order, start a pcap file.
    static func isMagic(_ magic: UInt32) -> Bool {
        PcapMagic(rawValue: magic) != nil || PcapMagic(rawValue: magic.byteSwapped) != nil
    }

    /// Reads the file header; `bytes` must have at least 24 bytes and start with a magic.
    init(header bytes: RawSpan) throws(HeaderFault) {
        let magic = bytes.word(0, swapped: false)
        swapped = PcapMagic(rawValue: magic) == nil
        let kind = PcapMagic(rawValue: swapped ? magic.byteSwapped : magic)
        unit = kind == .nanoseconds ? 1 : 1000
        recordHeaderLength = kind == .modified ? 24 : 16
        let major = Int(bytes.half(4, swapped: swapped))
        let minor = Int(bytes.half(6, swapped: swapped))
        switch (major, minor) {
        case (2, 0...2), (543, 0): lengthOrder = .originalFirst
        case (2, 3): lengthOrder = .smallerIsCaptured
        case (2, _): lengthOrder = .capturedFirst
        default: throw HeaderFault(reason: .unsupportedVersion(major: major, minor: minor))
        }
        // The upper bits describe a frame check sequence and are otherwise reserved.
        let linkType = LinkType(UInt16(truncatingIfNeeded: bytes.word(20, swapped: swapped)))
        interface = CaptureInterface(linkType: linkType, snapshotLength: bytes.word(16, swapped: swapped))
    }

    /// Delivers the frames of `bytes`, which start at a record, until one of the reasons in `DecoderStop`.
    func run(
        _ bytes: RawSpan, limit: Int, body: (FrameHeader, RawSpan) -> Bool
    ) -> DecoderOutcome {
        let swapped = swapped
        let unit = unit
        let headerLength = recordHeaderLength
        let lengthOrder = lengthOrder
        let linkType = interface.linkType
        let count = bytes.byteCount
        var at = 0
        var frames = 0
        while at < count {
            guard frames < limit else { return DecoderOutcome(consumed: at, frames: frames, stop: .limit) }
            guard count - at >= headerLength else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .needs(headerLength, isPacket: true))
            }
            let seconds = bytes.word(at, swapped: swapped)
            let fraction = bytes.word(at + 4, swapped: swapped)
            var captured = bytes.word(at + 8, swapped: swapped)
            var original = bytes.word(at + 12, swapped: swapped)
            if lengthOrder != .capturedFirst, lengthOrder == .originalFirst || captured > original {
                swap(&captured, &original)
            }
            guard captured <= DecoderLimit.capturedLength else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .fault(.packetTooLong(captured)))
            }
            let length = headerLength + Int(captured)
            guard count - at >= length else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .needs(length, isPacket: true))
            }
            let header = FrameHeader(
                // At most 2^32 seconds and 2^32 thousand nanoseconds: far below 2^63.
                time: Timestamp(nanoseconds: Int64(seconds) * 1_000_000_000 + Int64(fraction) * unit),
                capturedLength: captured, originalLength: original, linkType: linkType)
            let frame = bytes.extracting(at + headerLength..<at + length)
            at += length
            frames += 1
            guard body(header, frame) else { return DecoderOutcome(consumed: at, frames: frames, stop: .stopped) }
        }
        return DecoderOutcome(consumed: at, frames: frames, stop: .exhausted)
    }
}
