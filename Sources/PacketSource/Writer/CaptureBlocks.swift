// The byte layout of written files: pcapng blocks and options, and the classic file header. Little-endian throughout.

import TCPModel

/// Collects little-endian bytes for one block.
struct BlockBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: number))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
    }

    mutating func append(_ number: UInt32) {
        append(UInt16(truncatingIfNeeded: number))
        append(UInt16(truncatingIfNeeded: number >> 16))
    }

    mutating func append(_ number: UInt64) {
        append(UInt32(truncatingIfNeeded: number))
        append(UInt32(truncatingIfNeeded: number >> 32))
    }

    /// Appends octets, and zeros up to a multiple of four.
    mutating func append(padded octets: [UInt8]) {
        bytes += octets
        bytes += Array(repeating: 0, count: -octets.count & 3)
    }

    /// Appends an option, its value padded to a multiple of four; a value too long for a 16-bit length is cut.
    mutating func option(_ code: UInt16, _ value: [UInt8]) {
        let value = value.prefix(0xfffc)
        append(code)
        append(UInt16(value.count))
        append(padded: Array(value))
    }

    mutating func option(_ code: UInt16, _ number: UInt64) {
        option(code, (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
    }

    /// The whole block: type, length, the appended bytes, length.
    func block(type: UInt32) -> [UInt8] {
        let length = UInt32(bytes.count + 12)
        var whole = BlockBytes()
        whole.append(type)
        whole.append(length)
        whole.bytes += bytes
        whole.append(length)
        return whole.bytes
    }
}

/// The blocks and headers around the frames.
enum CaptureBlocks {
    /// A section header block that names the program.
    static func sectionHeader(application: String) -> [UInt8] {
        var content = BlockBytes()
        content.append(PcapngBlock.byteOrderMagic)
        content.append(UInt16(1))
        content.append(UInt16(0))
        content.append(UInt64.max)
        content.option(PcapngOption.application, Array(application.utf8))
        content.option(PcapngOption.end, [])
        return content.block(type: PcapngBlock.sectionHeader)
    }

    /// An interface description block with nanosecond timestamps.
    static func interfaceDescription(_ interface: CaptureInterface, filter: String?) -> [UInt8] {
        var content = BlockBytes()
        content.append(interface.linkType.inFiles.rawValue)
        content.append(UInt16(0))
        content.append(interface.snapshotLength)
        if let name = interface.name { content.option(PcapngOption.interfaceName, Array(name.utf8)) }
        // Nanoseconds: 10 to the power of minus 9.
        content.option(PcapngOption.resolution, [9])
        // Filter code 0: a libpcap expression.
        if let filter { content.option(PcapngOption.filter, [0] + Array(filter.utf8)) }
        content.option(PcapngOption.end, [])
        return content.block(type: PcapngBlock.interfaceDescription)
    }

    /// An interface statistics block; `ticks` is its time in nanoseconds since 1970.
    static func interfaceStatistics(
        interface: UInt32, ticks: UInt64, statistics: CaptureStatistics
    ) -> [UInt8] {
        var content = BlockBytes()
        content.append(interface)
        content.append(UInt32(truncatingIfNeeded: ticks >> 32))
        content.append(UInt32(truncatingIfNeeded: ticks))
        content.option(PcapngOption.received, statistics.received)
        let (dropped, overflow) = statistics.droppedByKernel.addingReportingOverflow(statistics.droppedByInterface)
        content.option(PcapngOption.dropped, overflow ? .max : dropped)
        content.option(PcapngOption.droppedByKernel, statistics.droppedByKernel)
        content.option(PcapngOption.end, [])
        return content.block(type: PcapngBlock.interfaceStatistics)
    }

    /// A block of our own (`LocalBlock`).
    static func local(_ payload: [UInt8]) -> [UInt8] {
        var content = BlockBytes()
        content.append(padded: LocalBlock.magic + payload)
        return content.block(type: LocalBlock.type)
    }

    /// The header of a classic file with nanosecond timestamps.
    static func pcapHeader(_ interface: CaptureInterface) -> [UInt8] {
        var header = BlockBytes()
        header.append(UInt32(0xa1b2_3c4d))
        header.append(UInt16(2))
        header.append(UInt16(4))
        header.append(UInt64(0))
        header.append(interface.snapshotLength == 0 ? CaptureInterface.wholeFrame : interface.snapshotLength)
        header.append(UInt32(interface.linkType.inFiles.rawValue))
        return header.bytes
    }
}

extension LinkType {
    /// The link type to write: raw IP has one number in files but others on some systems.
    fileprivate var inFiles: LinkType { self == .rawBSD || self == .rawOpenBSD ? .raw : self }
}
