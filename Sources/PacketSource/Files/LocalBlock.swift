// A block of our own in a pcapng file, between its frames: what it holds is others' business.

/// pcapng leaves the block types with the highest bit set to local use (draft-ietf-opsawg-pcapng, "Standardized Block Type Codes"), and
/// readers skip blocks that they do not know. So that another program's block of the same type is none of ours, it begins with our name.
enum LocalBlock {
    /// The highest bit, and "tcp".
    static let type: UInt32 = 0x8074_6370
    /// "tcptrace".
    static let magic: [UInt8] = [0x74, 0x63, 0x70, 0x74, 0x72, 0x61, 0x63, 0x65]

    /// What a block of this type holds behind the name; nil if the name is another.
    static func payload(_ content: RawSpan) -> [UInt8]? {
        guard content.byteCount >= magic.count, magic.indices.allSatisfy({ content.byte($0) == magic[$0] }) else {
            return nil
        }
        return (magic.count..<content.byteCount).map { content.byte($0) }
    }
}
