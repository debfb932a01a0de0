// pcapng files made block by block: several interfaces, names, clocks, losses.

import CaptureBuilding

/// A file as it grows, in little-endian order, with stamps in nanoseconds.
struct Blocks {
    private var file = CaptureBytes()

    init() { file.section() }

    var bytes: [UInt8] { file.bytes }

    /// An interface whose clock is so many seconds behind.
    mutating func interface(_ name: String, linkType: UInt16 = 1, snapshotLength: UInt32 = 65535, offset: Int64 = 0) {
        file.interface(
            linkType: linkType, snapshotLength: snapshotLength,
            options: [(2, Array(name.utf8)), (9, [9]), (14, little(offset))])
    }

    /// A frame, and how many were lost before it.
    mutating func frame(_ frame: [UInt8], on interface: UInt32 = 0, at time: UInt64 = 0, lost: UInt64? = nil) {
        var options: [CaptureBytes.Option] = []
        if let lost { options.append((4, little(lost))) }
        file.packet(interface: interface, ticks: time, frame, options: options)
    }
}
