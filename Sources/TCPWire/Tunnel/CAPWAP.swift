// CAPWAP's data channel (RFC 5415 4.3): 802.11 or 802.3 frames between a wireless access point and its controller.

import TCPModel

/// Offsets and bits of the header.
private enum CAPWAPHeader {
    static let preamble = 0
    static let lengthAndIdentifiers = 1
    /// Five bits of binding, then T, F and other flags.
    static let bindingAndFlags = 2
    static let fragmentOffset = 6
    static let leastLength = 8

    /// The header length is the upper five bits of the second octet, in units of four octets.
    static let lengthShift: UInt8 = 3
    /// The five bits of the binding straddle two octets.
    static let bindingMask: UInt16 = 0x3e00
    static let bindingShift: UInt16 = 9
    /// T: the payload has the format that the binding says; otherwise it is 802.3.
    static let native: UInt16 = 0x0100
    static let fragment: UInt16 = 0x0080
    static let keepAlive: UInt16 = 0x0008
    static let offsetMask: UInt16 = 0xfff8

    /// 802.11 (RFC 5416); Cisco's controllers send 0.
    static let wireless: UInt16 = 1
    static let wirelessOfCisco: UInt16 = 0
}

/// Reads a CAPWAP header and the 802.11 or 802.3 header after it. The header's optional fields, the radio's address and
/// measurements, are skipped by the header length.
///
/// Encrypted packets (with another preamble) and keep-alives count as plain UDP. So do later fragments: the first one
/// has the headers, and lengths come from there.
func capwapContent(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> TunnelContent {
    var content = TunnelContent(payload: LinkPayload(other: .udp), tunnel: .capwap)
    guard frame.captured - start >= CAPWAPHeader.leastLength, bytes.octet(start + CAPWAPHeader.preamble) == 0 else {
        return content
    }
    let length = Int(bytes.octet(start + CAPWAPHeader.lengthAndIdentifiers) >> CAPWAPHeader.lengthShift) * 4
    let flags = bytes.big16(start + CAPWAPHeader.bindingAndFlags)
    guard length >= CAPWAPHeader.leastLength, flags & CAPWAPHeader.keepAlive == 0 else { return content }
    if flags & CAPWAPHeader.fragment != 0 {
        guard bytes.big16(start + CAPWAPHeader.fragmentOffset) & CAPWAPHeader.offsetMask == 0 else { return content }
        content.isFirstPiece = true
    }
    let inner = start + length
    if flags & CAPWAPHeader.native == 0 {
        content.payload = try ethernetPayload(bytes, frame, at: inner)
        return content
    }
    switch (flags & CAPWAPHeader.bindingMask) >> CAPWAPHeader.bindingShift {
    case CAPWAPHeader.wireless, CAPWAPHeader.wirelessOfCisco:
        let shape = WirelessShape(isSwapped: isSwappedWireless(bytes, frame, at: inner))
        content.payload = try wirelessStep(bytes, frame, at: inner, shape).payload(bytes, frame)
    default: break
    }
    return content
}
