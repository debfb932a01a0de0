// A minimal reader of capture files for the corpus test: classic pcap, little-endian, all in memory.

import Foundation
import TCPModel

/// A classic little-endian pcap file, read whole.
struct ClassicPcap {
    /// One captured frame.
    struct Frame {
        var header: FrameHeader
        var bytes: [UInt8]
    }

    var linkType: LinkType
    var frames: [Frame] = []

    /// The frames of the file at `path` up to the first damage; nil if it is not of this format.
    init?(path: String) {
        guard let data = FileManager.default.contents(atPath: path), data.count >= 24 else { return nil }
        let octets = [UInt8](data)
        func little32(_ at: Int) -> Int {
            Int(octets[at]) | Int(octets[at + 1]) << 8 | Int(octets[at + 2]) << 16 | Int(octets[at + 3]) << 24
        }
        guard [0xa1b2_c3d4, 0xa1b2_3c4d].contains(little32(0)) else { return nil }
        let link = LinkType(UInt16(truncatingIfNeeded: little32(20)))
        linkType = link
        var at = 24
        while octets.count - at >= 16 {
            let captured = little32(at + 8)
            guard captured <= 262_144, octets.count - at - 16 >= captured else { return }
            let header = FrameHeader(
                time: Timestamp(seconds: Int64(little32(at)), nanoseconds: 0), capturedLength: UInt32(captured),
                originalLength: UInt32(little32(at + 12)), linkType: link)
            frames.append(Frame(header: header, bytes: Array(octets[(at + 16)..<(at + 16 + captured)])))
            at += 16 + captured
        }
    }
}
