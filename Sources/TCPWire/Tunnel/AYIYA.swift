// AYIYA, "anything in anything" (draft-massar-v6ops-ayiya-02 3.1).

/// Offsets in the header.
private enum AYIYAHeader {
    /// Length of the identity as a power of two, and the type of the identity.
    static let identity = 0
    /// Length of the signature in units of four octets, and the signature method.
    static let signature = 1
    /// Authentication method and operation.
    static let operation = 2
    static let nextHeader = 3
    static let leastLength = 8
    /// "Forward": the only operation that carries a user's packet.
    static let forward: UInt8 = 1
}

/// Reads an AYIYA header up to the IP header after it.
func ayiyaPayload(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) throws(DecodeError) -> LinkPayload {
    guard frame.captured - start >= AYIYAHeader.leastLength,
        bytes.octet(start + AYIYAHeader.operation) & 0x0f == AYIYAHeader.forward
    else { return LinkPayload(other: .udp) }
    let identityLength = 1 << Int(bytes.octet(start + AYIYAHeader.identity) >> 4)
    let signatureLength = Int(bytes.octet(start + AYIYAHeader.signature) >> 4) * 4
    let offset = start + AYIYAHeader.leastLength + identityLength + signatureLength
    switch bytes.octet(start + AYIYAHeader.nextHeader) {
    case IPProtocol.ipInIP: return LinkPayload(.ipv4, at: offset)
    case IPProtocol.ipv6InIP: return LinkPayload(.ipv6, at: offset)
    default: return LinkPayload(other: .udp)
    }
}
