// The numbers of pcapng (draft-ietf-opsawg-pcapng): which block it is, and which option of one. What reads and what writes share them.

/// Types of blocks (11.1).
enum PcapngBlock {
    static let interfaceDescription: UInt32 = 1
    /// The Packet Block, which nobody should write any more.
    static let obsoletePacket: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    /// The same in either order of octets, so that it can be looked for before the order is known.
    static let sectionHeader: UInt32 = 0x0a0d_0d0a

    /// What a section header has behind its length, in the section's order of octets.
    static let byteOrderMagic: UInt32 = 0x1a2b_3c4d
}

/// Codes of options. Each kind of block has its own, but for the first two (3.5).
enum PcapngOption {
    static let end: UInt16 = 0
    static let comment: UInt16 = 1

    /// shb_userappl: the program that wrote the section.
    static let application: UInt16 = 4

    /// if_name.
    static let interfaceName: UInt16 = 2
    /// if_tsresol: the unit of time stamps.
    static let resolution: UInt16 = 9
    /// if_filter.
    static let filter: UInt16 = 11
    /// if_tsoffset: seconds to add to time stamps.
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
