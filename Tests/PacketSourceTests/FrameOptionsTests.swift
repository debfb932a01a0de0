// A frame's options follow its data within its block, as the pcapng format requires.

import Foundation
import PacketSource
import TCPModel
import Testing

@Suite("Options of frames") struct FrameOptionsTests {
    private static let lo = CaptureInterface(name: "lo", linkType: .ethernet, snapshotLength: 256)

    private func write(_ path: String, _ options: [FrameOptions]) throws -> [[UInt8]] {
        var writer = try CaptureWriter(path: path, application: "tcptrace 0.1")
        try writer.addInterface(Self.lo)
        var held = HeldFrames()
        var frames: [[UInt8]] = []
        for number in options.indices {
            let bytes = frame(number, 60 + number)
            frames.append(bytes)
            let header = FrameHeader(
                time: Timestamp(nanoseconds: Int64(number)), capturedLength: UInt32(bytes.count),
                originalLength: UInt32(bytes.count), linkType: .ethernet, interface: 0)
            // Bytes have no padding: all of them are initialized.
            held.append(header, unsafe bytes.span.bytes)
        }
        #expect(held.octets == frames.reduce(0) { $0 + $1.count })
        try held.write(to: &writer) { options[$0] }
        #expect(held.octets == 0)
        try writer.close()
        return frames
    }

    @Test("frames are the same with options and without, in both formats", arguments: ["x.pcapng", "x.pcap"])
    func frames(name: String) throws {
        let options = [
            FrameOptions(), FrameOptions(process: 7), FrameOptions(comment: [0x61]),
            FrameOptions(process: 0, comment: ArraySlice("four".utf8)),
            FrameOptions(comment: ArraySlice(repeating: 0x78, count: 70_000)),
        ]
        let file = try TemporaryFile(named: name)
        let frames = try write(file.path, options)
        let result = readAll(path: file.path)
        #expect(result.error == nil && result.frames.map(\.bytes) == frames)
        #expect(result.dropped == 0)
    }

    @Test("a comment is option 1, a process option 8 with the thread 0") func octets() throws {
        let file = try TemporaryFile(named: "x.pcapng")
        _ = try write(file.path, [FrameOptions(process: 0x0102_0304, comment: ArraySlice("hello".utf8))])
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file.path)))
        let expected: [UInt8] =
            [1, 0, 5, 0] + Array("hello".utf8) + [0, 0, 0] + [8, 0, 8, 0, 4, 3, 2, 1, 0, 0, 0, 0] + [0, 0, 0, 0]
        #expect(bytes.indices.contains { bytes[$0...].starts(with: expected) })
    }
}
