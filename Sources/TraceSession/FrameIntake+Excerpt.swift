// What is shown of the frame that was taken in last.

import PacketSource
import TCPModel
import TCPWire

extension FrameIntake {
    /// The excerpt of the segment that was found last; nil if there is nothing to show of it.
    ///
    /// - Parameters:
    ///   - isCopy: whether the frame is another copy of an earlier one, under which the same text stands.
    ///   - devices: the interfaces of the host where it was captured; nil if that is not this one.
    func excerpt(
        of segment: Segment, in bytes: RawSpan, _ header: FrameHeader, _ needs: ExcerptNeeds, isCopy: Bool,
        devices: DeviceNames?
    ) -> FrameExcerpt? {
        let wantsText = needs.text && segment.payloadLength > 0 && !isCopy
        // Of a packet that was given up the frame has gone.
        let link = needs.link && bytes.byteCount > 0 ? linkHeader(bytes, header.linkType) : nil
        guard wantsText || link != nil else { return nil }
        var device: String?
        if let devices, case .cooked(_, _, let number?, _)? = link { device = devices.name(of: number) }
        guard wantsText else {
            return FrameExcerpt(
                link: link, device: device, frameLength: header.originalLength, text: [], missing: 0, lack: .notCaptured
            )
        }
        let (text, lack) = text(of: segment, in: bytes, header)
        return FrameExcerpt(
            link: link, device: device, frameLength: header.originalLength, text: text,
            missing: segment.payloadLength &- UInt32(clamping: text.count), lack: lack)
    }

    /// As much of its text as is there, no octet of what is behind it (Ethernet fills short frames up, IEEE 802.3 3.2.8), and why the
    /// rest is not.
    private func text(
        of segment: Segment, in bytes: RawSpan, _ header: FrameHeader
    ) -> (octets: [UInt8], lack: FrameExcerpt.Lack) {
        let most = Int(segment.payloadLength)
        guard bytes.byteCount > 0 else { return (Array(fragments.latestText.prefix(most)), .fragments) }
        guard let place = textPlace(bytes, header, ordinal: max(0, packetsFound - 1)) else {
            // The frame is a fragment, the last one that came of its packet.
            return (Array(fragments.latestText.prefix(most)), .fragments)
        }
        return (
            bytes.copied(place.start, count: min(place.count, most)),
            header.capturedLength < header.originalLength ? .notCaptured : .notInFrame
        )
    }
}
