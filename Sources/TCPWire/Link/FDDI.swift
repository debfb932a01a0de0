// FDDI: frame control and two addresses, followed by LLC with SNAP (RFC 1390).

import TCPModel

/// Offsets in the header.
private enum FDDIHeader {
    static let frameControl = 0
    static let length = 13
    /// Frame control: the bits for the kind of frame, and their value for LLC of either priority.
    static let kind: UInt8 = 0xf0
    static let llc: UInt8 = 0x50
}

/// Reads an FDDI header.
func fddiStep(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkStep {
    guard frame.captured >= FDDIHeader.length else {
        throw frame.truncated(.fddi, at: 0, needed: FDDIHeader.length)
    }
    // Tokens and station management carry no LLC.
    guard bytes.octet(FDDIHeader.frameControl) & FDDIHeader.kind == FDDIHeader.llc else {
        return .payload(LinkPayload(other: .otherProtocol))
    }
    return try llcStep(bytes, frame, at: FDDIHeader.length)
}
