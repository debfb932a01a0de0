// No link header at all: the first four bits are the IP version (LINKTYPE_RAW).

/// Tells the IP version of a frame that starts with its IP header.
func rawIPPayload(_ bytes: RawSpan, _ frame: FrameExtent) throws(DecodeError) -> LinkPayload {
    guard frame.captured >= 1 else { throw frame.truncated(.ip, at: 0, needed: 1) }
    switch bytes.octet(0) >> 4 {
    case 4: return LinkPayload(.ipv4, at: 0)
    case 6: return LinkPayload(.ipv6, at: 0)
    case let version: throw .malformed(.ip, .ipVersion, at: 0, needed: 0, available: Int(version))
    }
}
