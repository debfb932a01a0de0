// The headers that capturing adapters put before an 802.11 frame: radiotap, Prism and AVS.

/// The radiotap header (radiotap.org): little-endian, with the fields that a bit map lists.
private enum RadiotapHeader {
    static let version = 0
    static let totalLength = 2
    static let present = 4
    static let length = 8
    /// In the bit map: another bit map follows.
    static let more: UInt32 = 1 << 31
    /// The first field: eight octets, with eight-octet alignment.
    static let time: UInt32 = 1 << 0
    static let timeLength = 8
    /// The second field: one octet.
    static let flags: UInt32 = 1 << 1
    /// In the flags: the 802.11 header is padded to a multiple of four octets.
    static let padded: UInt8 = 0x20
    /// In the flags: the frame check sequence was wrong.
    static let damaged: UInt8 = 0x40
    /// The most bit maps read; drivers send one per antenna.
    static let mostMaps = 32
}

/// Prism's header has a fixed length. AVS's states its own length and is recognized by its first word.
private enum OldCaptureHeader {
    static let prismLength = 144
    /// Versions 1 and 2 of the AVS header.
    static let avsMagic: ClosedRange<UInt32> = 0x8021_1001...0x8021_1002
    static let avsTotalLength = 4
    static let avsLength = 8
}

/// Reads a radiotap header and the 802.11 header after it.
func radiotapStep(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkStep {
    guard frame.captured >= RadiotapHeader.length else {
        throw frame.truncated(.wirelessCapture, at: 0, needed: RadiotapHeader.length)
    }
    let length = Int(bytes.big16(RadiotapHeader.totalLength).byteSwapped)
    guard bytes.octet(RadiotapHeader.version) == 0, length >= RadiotapHeader.length else {
        return .payload(LinkPayload(other: .otherProtocol))
    }
    guard frame.captured >= length else { throw frame.truncated(.wirelessCapture, at: 0, needed: length) }
    let present = bytes.big32(RadiotapHeader.present).byteSwapped
    var shape = WirelessShape()
    if present & RadiotapHeader.flags != 0 {
        var offset = RadiotapHeader.length
        var map = present
        var maps = 1
        while map & RadiotapHeader.more != 0, maps < RadiotapHeader.mostMaps, length - offset >= 4 {
            map = bytes.big32(offset).byteSwapped
            offset += 4
            maps += 1
        }
        if present & RadiotapHeader.time != 0 { offset = (offset + 7) / 8 * 8 + RadiotapHeader.timeLength }
        if offset < length {
            let flags = bytes.octet(offset)
            if flags & RadiotapHeader.damaged != 0 { return .payload(LinkPayload(other: .otherProtocol)) }
            shape.isPadded = flags & RadiotapHeader.padded != 0
        }
    }
    return try wirelessStep(bytes, frame, at: length, shape)
}

/// Reads an AVS header, or a Prism header if `mayBePrism`, and the 802.11 header after it.
func oldCaptureStep(_ bytes: RawSpan, _ frame: FrameExtent, mayBePrism: Bool) throws(DecodeError) -> LinkStep {
    guard frame.captured >= OldCaptureHeader.avsLength else {
        throw frame.truncated(.wirelessCapture, at: 0, needed: OldCaptureHeader.avsLength)
    }
    var length = OldCaptureHeader.prismLength
    if OldCaptureHeader.avsMagic.contains(bytes.big32(0)) {
        length = Int(bytes.big32(OldCaptureHeader.avsTotalLength))
    } else if !mayBePrism {
        return .payload(LinkPayload(other: .otherProtocol))
    }
    guard frame.captured >= length else { throw frame.truncated(.wirelessCapture, at: 0, needed: length) }
    return try wirelessStep(bytes, frame, at: length)
}
