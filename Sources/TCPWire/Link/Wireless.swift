// 802.11 data frames (IEEE 802.11-2020 9.2, 9.3.2), with LLC in them or aggregated (9.3.2.2). Encrypted frames are not
// decrypted.

/// Offsets and bits of the MAC header.
private enum WirelessHeader {
    static let frameControl = 0
    static let sequenceControl = 22
    static let length = 24
    static let addressLength = 6
    static let qosLength = 2
    static let highThroughputLength = 4
    /// A padded header's length is a multiple of this.
    static let alignment = 4

    // The first octet of frame control.
    static let versionAndType: UInt8 = 0x0f
    /// Version 0, type 2.
    static let data: UInt8 = 0x08
    /// In the subtype: there is no frame body.
    static let null: UInt8 = 0x40
    static let qos: UInt8 = 0x80

    // The second octet of frame control.
    /// To and from the distribution system: there is a fourth address.
    static let bothSystems: UInt8 = 0x03
    static let protected: UInt8 = 0x40
    /// In a QoS frame: HT control follows QoS control.
    static let order: UInt8 = 0x80

    /// In QoS control: the body is an A-MSDU.
    static let aggregated: UInt8 = 0x80
    static let fragmentNumber: UInt8 = 0x0f
}

/// The variations in how capture tools and tunnels deliver a frame.
struct WirelessShape: BitwiseCopyable {
    /// The octets of frame control and of sequence control are swapped, as in Cisco's CAPWAP.
    var isSwapped = false
    /// The header is padded to a multiple of four octets (radiotap, "padding between 802.11 header and payload").
    var isPadded = false
}

/// Reads an 802.11 header at `start`. Management, control and encrypted frames count as other traffic, and so do later
/// fragments.
func wirelessStep(
    _ bytes: RawSpan, _ frame: FrameExtent, at start: Int, _ shape: WirelessShape = WirelessShape()
) throws(DecodeError) -> LinkStep {
    let other = LinkStep.payload(LinkPayload(other: .otherProtocol))
    guard frame.captured - start >= 2 else { throw frame.truncated(.wireless, at: start, needed: 2) }
    let first = bytes.octet(start + (shape.isSwapped ? 1 : 0))
    let second = bytes.octet(start + (shape.isSwapped ? 0 : 1))
    guard first & WirelessHeader.versionAndType == WirelessHeader.data, first & WirelessHeader.null == 0,
        second & WirelessHeader.protected == 0
    else { return other }
    var length = WirelessHeader.length
    if second & WirelessHeader.bothSystems == WirelessHeader.bothSystems { length += WirelessHeader.addressLength }
    let qosOffset = start + length
    let isQoS = first & WirelessHeader.qos != 0
    if isQoS {
        length += WirelessHeader.qosLength
        if second & WirelessHeader.order != 0 { length += WirelessHeader.highThroughputLength }
    }
    if shape.isPadded { length = (length + WirelessHeader.alignment - 1) & -WirelessHeader.alignment }
    guard frame.captured - start >= length else { throw frame.truncated(.wireless, at: start, needed: length) }
    let fragment = bytes.octet(start + WirelessHeader.sequenceControl + (shape.isSwapped ? 1 : 0))
    guard fragment & WirelessHeader.fragmentNumber == 0 else { return other }
    if isQoS, bytes.octet(qosOffset) & WirelessHeader.aggregated != 0 {
        return .payload(LinkPayload(.aggregate, at: start + length))
    }
    return try llcStep(bytes, frame, at: start + length)
}

/// Whether an 802.11 frame in CAPWAP has its frame control swapped. The low nibble of a data frame's first octet is 8;
/// if only the second octet has it, the two are swapped. Frames between access points and controllers have a direction
/// bit set, so the low nibble of their flags octet is never 8.
func isSwappedWireless(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) -> Bool {
    guard frame.captured - start >= 2 else { return false }
    return bytes.octet(start) & WirelessHeader.versionAndType != WirelessHeader.data
        && bytes.octet(start + 1) & WirelessHeader.versionAndType == WirelessHeader.data
}
