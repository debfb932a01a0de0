// Builds capture files byte by byte, in either byte order, so that tests can put a wrong value into any field.

/// A growing buffer of bytes, to which numbers are appended in a chosen byte order.
public struct CaptureBytes: Sendable {
    /// The bytes so far.
    public var bytes: [UInt8]
    /// Whether the numbers appended next are big-endian.
    public var isBigEndian: Bool

    /// Creates a buffer that begins with `bytes`.
    public init(_ bytes: [UInt8] = [], isBigEndian: Bool = false) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    /// Appends a 16-bit number.
    public mutating func put16(_ number: UInt16) { put(number) }

    /// Appends a 32-bit number.
    public mutating func put32(_ number: UInt32) { put(number) }

    /// Appends a 64-bit number.
    public mutating func put64(_ number: UInt64) { put(number) }

    private mutating func put(_ number: some FixedWidthInteger) { bytes += isBigEndian ? big(number) : little(number) }
}

// MARK: - Classic pcap

extension CaptureBytes {
    /// A classic pcap file with a header and no records yet.
    public static func pcap(
        magic: UInt32 = 0xa1b2_c3d4, isBigEndian: Bool = false, version: (UInt16, UInt16) = (2, 4),
        snapshotLength: UInt32 = 65_535, linkType: UInt32 = 1
    ) -> CaptureBytes {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.put32(magic)
        file.put16(version.0)
        file.put16(version.1)
        file.put64(0)
        file.put32(snapshotLength)
        file.put32(linkType)
        return file
    }

    /// Appends a record. `captured` and `original` override its length fields; `extra` zeros precede the frame.
    public mutating func record(
        seconds: UInt32, fraction: UInt32, _ frame: [UInt8], captured: UInt32? = nil, original: UInt32? = nil,
        extra: Int = 0
    ) {
        put32(seconds)
        put32(fraction)
        put32(captured ?? UInt32(frame.count))
        put32(original ?? UInt32(frame.count))
        bytes += Array(repeating: 0, count: extra)
        bytes += frame
    }
}

// MARK: - pcapng

extension CaptureBytes {
    /// An option of a block, without its padding.
    public typealias Option = (code: UInt16, value: [UInt8])

    /// Appends a block with the content that `fill` writes, padded to four octets.
    /// `length` and `trailer` override its leading and trailing length fields.
    public mutating func block(
        _ type: UInt32, length: UInt32? = nil, trailer: UInt32? = nil, _ fill: (inout CaptureBytes) -> Void
    ) {
        var content = CaptureBytes(isBigEndian: isBigEndian)
        fill(&content)
        content.bytes += Array(repeating: 0, count: -content.bytes.count & 3)
        let real = UInt32(content.bytes.count + 12)
        put32(type)
        put32(length ?? real)
        bytes += content.bytes
        put32(trailer ?? length ?? real)
    }

    /// Appends an option, padded to four octets.
    public mutating func option(_ option: Option) {
        put16(option.code)
        put16(UInt16(option.value.count))
        bytes += option.value
        bytes += Array(repeating: 0, count: -option.value.count & 3)
    }

    /// Begins a section with its header; `isBigEndian` holds for everything appended after it, too.
    public mutating func section(isBigEndian: Bool = false, magic: UInt32 = 0x1a2b_3c4d, major: UInt16 = 1) {
        self.isBigEndian = isBigEndian
        block(0x0a0d_0d0a) {
            $0.put32(magic)
            $0.put16(major)
            $0.put16(0)
            $0.put64(.max)
        }
    }

    /// Appends an Interface Description Block, which gives the section its next interface.
    public mutating func interface(linkType: UInt16 = 1, snapshotLength: UInt32 = 65_535, options: [Option] = []) {
        block(1) {
            $0.put16(linkType)
            $0.put16(0)
            $0.put32(snapshotLength)
            for option in options { $0.option(option) }
        }
    }

    /// Appends an Enhanced Packet Block. `captured` and `original` override its length fields.
    public mutating func packet(
        interface: UInt32 = 0, ticks: UInt64, _ frame: [UInt8], captured: UInt32? = nil, original: UInt32? = nil,
        options: [Option] = []
    ) {
        block(6) {
            $0.put32(interface)
            $0.put32(UInt32(ticks >> 32))
            $0.put32(UInt32(truncatingIfNeeded: ticks))
            $0.put32(captured ?? UInt32(frame.count))
            $0.put32(original ?? UInt32(frame.count))
            $0.bytes += frame
            $0.bytes += Array(repeating: 0, count: -frame.count & 3)
            for option in options { $0.option(option) }
        }
    }
}
