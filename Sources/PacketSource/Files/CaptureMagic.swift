// Recognizes capture files by their first octets.

/// The first four octets of the files that can be read here.
public enum CaptureMagic {
    /// Whether a file whose first four octets are this number in network order is a capture, or a compressed file that
    /// may be one.
    public static func begins(_ magic: UInt32) -> Bool {
        magic == PcapngBlock.sectionHeader || magic == SnoopDecoder.magic || PcapDecoder.isMagic(magic)
            || CompressionFormat(magic: magic) != nil
    }
}
