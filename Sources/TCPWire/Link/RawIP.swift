// No link header at all: the first four bits are the IP version (LINKTYPE_RAW).

/// Reads the IP version of a packet without a link header; `start` is not 0 for a packet in a tunnel.
func rawIPPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int = 0) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= 1 else { throw frame.truncated(.ip, at: start, needed: 1) }
    switch bytes.octet(start) >> 4 {
    case 4: return LinkPayload(.ipv4, at: start)
    case 6: return LinkPayload(.ipv6, at: start)
    case let version: throw .malformed(.ip, .ipVersion, at: start, needed: 0, available: Int(version))
    }
}
