// Blocks of our own between the frames of a pcapng file; their payload is opaque here.

/// pcapng reserves block types with the highest bit set for local use (draft-ietf-opsawg-pcapng, "Standardized Block
/// Type Codes"), and readers skip blocks of unknown types. Our blocks begin with our name, to distinguish them from
/// another program's blocks of the same type.
enum LocalBlock {
    /// The highest bit, and "tcp".
    static let type: UInt32 = 0x8074_6370
    /// "tcptrace".
    static let magic: [UInt8] = [0x74, 0x63, 0x70, 0x74, 0x72, 0x61, 0x63, 0x65]

    /// The payload behind the name in a block of this type; nil if the name is not ours.
    static func payload(_ content: RawSpan) -> [UInt8]? {
        guard content.byteCount >= magic.count, magic.indices.allSatisfy({ content.byte($0) == magic[$0] }) else {
            return nil
        }
        return (magic.count..<content.byteCount).map { content.byte($0) }
    }
}
