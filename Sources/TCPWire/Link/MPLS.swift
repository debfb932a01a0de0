// The MPLS label stack (RFC 3032 2.1) and its payload: IP, or Ethernet as a pseudowire (RFC 4448).

/// One label stack entry.
private enum LabelStackEntry {
    static let length = 4
    /// The S bit: this is the last one.
    static let bottomMask: UInt32 = 0x0000_0100
    /// Segment routing stacks at most a dozen labels; more than this is an attack on parsers.
    static let most = 16
}

/// The optional word between the label stack and a pseudowire's frame (RFC 4448 4.6).
private enum ControlWord {
    static let length = 4
}

/// Reads a label stack. The stack does not say what it carries, so the first four bits behind it decide, as in most
/// routers (RFC 4928 2).
func mplsStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    var offset = start
    var labels = 0
    var isBottom = false
    while !isBottom {
        guard labels < LabelStackEntry.most else {
            throw .malformed(.mpls, .tooManyLabels, at: start, needed: labels + 1, available: LabelStackEntry.most)
        }
        guard frame.captured - offset >= LabelStackEntry.length else {
            throw frame.truncated(.mpls, at: offset, needed: LabelStackEntry.length)
        }
        isBottom = bytes.big32(offset) & LabelStackEntry.bottomMask != 0
        offset += LabelStackEntry.length
        labels += 1
    }
    guard frame.captured - offset >= 1 else { throw frame.truncated(.ip, at: offset, needed: 1) }
    switch bytes.octet(offset) >> 4 {
    case 4: return .payload(LinkPayload(.ipv4, at: offset))
    case 6: return .payload(LinkPayload(.ipv6, at: offset))
    default: return try pseudowireStep(bytes, frame, at: offset)
    }
}

/// Reads a pseudowire's Ethernet header. Only the two routers know whether a control word precedes it, so both layouts
/// are tried: a control word starts with four zero bits, but so do many Ethernet addresses.
private func pseudowireStep(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkStep {
    let needed = ControlWord.length + EthernetHeader.length
    if frame.captured - start < needed, frame.original - start >= needed {
        throw frame.truncated(.mpls, at: start, needed: needed)
    }
    if bytes.octet(start) >> 4 == 0, looksLikeEthernet(bytes, frame, at: start + ControlWord.length) {
        return try carriedEthernet(bytes, frame, at: start + ControlWord.length)
    }
    if looksLikeEthernet(bytes, frame, at: start) { return try carriedEthernet(bytes, frame, at: start) }
    return .payload(LinkPayload(other: .otherProtocol))
}
