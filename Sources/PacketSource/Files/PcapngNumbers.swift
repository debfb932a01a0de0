// pcapng's block types and option codes (draft-ietf-opsawg-pcapng), shared by the reader and the writer.

/// Block types (11.1).
enum PcapngBlock {
    static let interfaceDescription: UInt32 = 1
    /// The Packet Block, which must no longer be written.
    static let obsoletePacket: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    /// A palindrome of octets, so that it is recognized before the byte order is known.
    static let sectionHeader: UInt32 = 0x0a0d_0d0a

    /// The number behind a section header's length, in the section's byte order.
    static let byteOrderMagic: UInt32 = 0x1a2b_3c4d
}

/// Option codes. Each kind of block has its own, except for the first two (3.5).
enum PcapngOption {
    static let end: UInt16 = 0
    static let comment: UInt16 = 1

    /// shb_userappl: the program that wrote the section.
    static let application: UInt16 = 4

    /// if_name.
    static let interfaceName: UInt16 = 2
    /// if_tsresol: the unit of timestamps.
    static let resolution: UInt16 = 9
    /// if_filter.
    static let filter: UInt16 = 11
    /// if_tsoffset: seconds to add to timestamps.
    static let offset: UInt16 = 14

    /// epb_dropcount: frames lost before this one.
    static let lostBefore: UInt16 = 4
    /// epb_processid_threadid.
    static let process: UInt16 = 8

    /// isb_ifrecv.
    static let received: UInt16 = 4
    /// isb_ifdrop.
    static let dropped: UInt16 = 5
    /// isb_osdrop.
    static let droppedByKernel: UInt16 = 7
}
