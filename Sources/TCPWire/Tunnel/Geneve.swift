// Geneve (RFC 8926 3.4).

/// Offsets in the header.
private enum GeneveHeader {
    static let versionAndLength = 0
    static let type = 2
    static let leastLength = 8
    /// Length of the options, in units of four octets.
    static let lengthMask: UInt8 = 0x3f
}

/// Reads a Geneve header and the headers between it and IP. Options are skipped by their total length.
func genevePayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= GeneveHeader.leastLength else { return LinkPayload(other: .udp) }
    let first = bytes.octet(start + GeneveHeader.versionAndLength)
    let length = GeneveHeader.leastLength + Int(first & GeneveHeader.lengthMask) * 4
    guard first >> 6 == 0, frame.captured - start >= length else { return LinkPayload(other: .udp) }
    let type = bytes.big16(start + GeneveHeader.type)
    guard type >= EtherType.least else { return LinkPayload(other: .udp) }
    return try etherTypePayload(bytes, frame, type: type, at: start + length)
}
