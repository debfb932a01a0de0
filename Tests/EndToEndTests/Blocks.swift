// pcapng files built block by block: several interfaces, names, clocks, losses.

import CaptureBuilding

/// A growing file, in little-endian order, with timestamps in nanoseconds.
struct Blocks {
    private var file = CaptureBytes()

    init() { file.section() }

    var bytes: [UInt8] { file.bytes }

    /// Adds an interface. `offset` is its if_tsoffset in seconds, which a reader adds to each timestamp.
    mutating func interface(_ name: String, linkType: UInt16 = 1, snapshotLength: UInt32 = 65535, offset: Int64 = 0) {
        file.interface(
            linkType: linkType, snapshotLength: snapshotLength,
            options: [(2, Array(name.utf8)), (9, [9]), (14, little(offset))])
    }

    /// Adds a frame, and the number of frames lost before it.
    mutating func frame(_ frame: [UInt8], on interface: UInt32 = 0, at time: UInt64 = 0, lost: UInt64? = nil) {
        var options: [CaptureBytes.Option] = []
        if let lost { options.append((4, little(lost))) }
        file.packet(interface: interface, ticks: time, frame, options: options)
    }
}
