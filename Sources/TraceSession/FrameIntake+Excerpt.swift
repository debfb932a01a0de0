// Excerpts: the parts of the most recent frame that a report shows.

import PacketSource
import TCPModel
import TCPWire

extension FrameIntake {
    /// The excerpt for the segment found last; nil if there is nothing to show.
    ///
    /// - Parameters:
    ///   - isCopy: whether the frame is a duplicate of an earlier one; its text is shown with that one only.
    ///   - devices: the interfaces of the capturing host; nil if that is not this host.
    func excerpt(
        of segment: Segment, in bytes: RawSpan, _ header: FrameHeader, _ needs: ExcerptNeeds, isCopy: Bool,
        devices: DeviceNames?
    ) -> FrameExcerpt? {
        let wantsText = needs.text && segment.payloadLength > 0 && !isCopy
        // A packet that was given up no longer has a frame.
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

    /// The captured part of the segment's text, and why the rest is missing. Padding behind the text is excluded
    /// (Ethernet fills up short frames, IEEE 802.3 3.2.8).
    private func text(
        of segment: Segment, in bytes: RawSpan, _ header: FrameHeader
    ) -> (octets: [UInt8], lack: FrameExcerpt.Lack) {
        let most = Int(segment.payloadLength)
        guard bytes.byteCount > 0 else { return (Array(fragments.latestText.prefix(most)), .fragments) }
        guard let place = textPlace(bytes, header, ordinal: max(0, packetsFound - 1)) else {
            // The frame is a fragment: the last one to arrive of its packet.
            return (Array(fragments.latestText.prefix(most)), .fragments)
        }
        return (
            bytes.copied(place.start, count: min(place.count, most)),
            header.capturedLength < header.originalLength ? .notCaptured : .notInFrame
        )
    }
}
