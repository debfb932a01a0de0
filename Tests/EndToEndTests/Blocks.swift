// pcapng files made block by block: several interfaces, names, clocks, losses.

/// A file as it grows, in little-endian order, with stamps in nanoseconds.
struct Blocks {
    var bytes: [UInt8] = []

    init() { add(0x0a0d_0d0a, Self.words([0x1a2b_3c4d, 1, .max, .max])) }

    private static func words(_ numbers: [UInt32]) -> [UInt8] {
        numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) } }
    }

    private static func words(_ number: UInt64) -> [UInt8] {
        words([UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32)])
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: -bytes.count & 3) }

    private static func option(_ code: UInt32, _ value: [UInt8]) -> [UInt8] {
        words([UInt32(value.count) << 16 | code]) + padded(value)
    }

    private mutating func add(_ type: UInt32, _ body: [UInt8]) {
        let length = UInt32(body.count + 12)
        bytes += Self.words([type, length]) + body + Self.words([length])
    }

    /// An interface whose clock is so many seconds behind.
    mutating func interface(_ name: String, linkType: UInt32 = 1, snapshotLength: UInt32 = 65535, offset: Int64 = 0) {
        add(
            1,
            Self.words([linkType, snapshotLength]) + Self.option(2, Array(name.utf8)) + Self.option(9, [9])
                + Self.option(14, Self.words(UInt64(bitPattern: offset))))
    }

    /// A frame, and how many were lost before it.
    mutating func frame(_ frame: [UInt8], on interface: UInt32 = 0, at time: UInt64 = 0, lost: UInt64? = nil) {
        let count = UInt32(frame.count)
        add(
            6,
            Self.words([
                interface, UInt32(truncatingIfNeeded: time >> 32), UInt32(truncatingIfNeeded: time), count, count,
            ])
                + Self.padded(frame) + (lost.map { Self.option(4, Self.words($0)) } ?? []))
    }
}
