// The layer two tunneling protocol, version 2 (RFC 2661 3.1), as far as it carries PPP.

/// Bits and lengths of the header.
private enum L2TPHeader {
    static let control: UInt16 = 0x8000
    static let hasLength: UInt16 = 0x4000
    static let hasSequence: UInt16 = 0x0800
    static let hasOffset: UInt16 = 0x0200
    static let version: UInt16 = 0x000f
    static let flagsLength = 2
    static let lengthLength = 2
    static let identifiersLength = 4
    static let sequenceLength = 4
    static let offsetLength = 2
}

/// Reads the header of a data message and the PPP header after it.
func l2tpPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    let nothing = LinkPayload(other: .udp)
    guard frame.captured - start >= L2TPHeader.flagsLength else { return nothing }
    let flags = bytes.big16(start)
    guard flags & L2TPHeader.control == 0, flags & L2TPHeader.version == 2 else { return nothing }
    var offset = start + L2TPHeader.flagsLength + L2TPHeader.identifiersLength
    if flags & L2TPHeader.hasLength != 0 { offset += L2TPHeader.lengthLength }
    if flags & L2TPHeader.hasSequence != 0 { offset += L2TPHeader.sequenceLength }
    if flags & L2TPHeader.hasOffset != 0 {
        guard frame.captured - offset >= L2TPHeader.offsetLength else { return nothing }
        offset += L2TPHeader.offsetLength + Int(bytes.big16(offset))
    }
    guard frame.captured > offset else { return nothing }
    return try pppStep(bytes, frame, at: offset).payload(bytes, frame)
}
