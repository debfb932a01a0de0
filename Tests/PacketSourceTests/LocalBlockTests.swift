// Our own blocks between the frames: they are read back where they were written, or
// skipped if the reader does not ask for them.

import CaptureBuilding
import PacketSource
import TCPModel
import Testing

@Suite("Local blocks") struct LocalBlockTests {
    private enum Item: Equatable {
        case frame(Int64)
        case block([UInt8])
    }

    private static let lo = CaptureInterface(name: "lo", linkType: .ethernet, snapshotLength: 256)

    private func write(_ path: String) throws {
        var writer = try CaptureWriter(path: path, application: "tcptrace 0.1")
        try writer.addInterface(Self.lo)
        try writer.write(localBlock: [1])
        for number in 0..<3 {
            let bytes = frame(number)
            let header = FrameHeader(
                time: Timestamp(nanoseconds: Int64(number)), capturedLength: UInt32(bytes.count),
                originalLength: UInt32(bytes.count), linkType: .ethernet, interface: 0)
            // Bytes have no padding: all of them are initialized.
            try writer.write(header, unsafe bytes.span.bytes)
            if number != 1 { try writer.write(localBlock: [2, 3, UInt8(number), 5]) }
        }
        try writer.close()
    }

    /// Everything the reader delivers, in order, reading at most `step` frames per call.
    private func read(_ path: String, step: Int = .max, keepsLocalBlocks: Bool = true) throws -> [Item] {
        var reader = try CaptureFileReader(path: path, keepsLocalBlocks: keepsLocalBlocks)
        #expect(reader.interfaces.map(\.linkType) == [.ethernet])
        var items: [Item] = []
        while true {
            let progress = try reader.read(limit: step) { header, _ in
                items.append(.frame(header.time.nanoseconds))
                return true
            }
            switch progress {
            case .localBlock(let payload): items.append(.block(payload))
            case .end: return items
            case .more, .waiting, .stopped: continue
            }
        }
    }

    @Test(
        "they come back in their places, padded to four octets, however many frames are asked for",
        arguments: [1, 2, .max])
    func order(step: Int) throws {
        let file = try TemporaryFile(named: "x.pcapng")
        try write(file.path)
        let expected: [Item] = [
            .block([1, 0, 0, 0]), .frame(0), .block([2, 3, 0, 5]), .frame(1), .frame(2), .block([2, 3, 2, 5]),
        ]
        #expect(try read(file.path, step: step) == expected)
        #expect(try read(file.path, step: step, keepsLocalBlocks: false) == [.frame(0), .frame(1), .frame(2)])
    }

    @Test("a classic file has none") func classic() throws {
        let file = try TemporaryFile(named: "x.pcap")
        try write(file.path)
        #expect(try read(file.path) == [.frame(0), .frame(1), .frame(2)])
    }

    @Test("another program's block of the same type is skipped", arguments: [false, true]) func others(isBig: Bool)
        throws
    {
        let sample = PcapngReadingTests.sample(isBigEndian: isBig).bytes
        // The sample's last section has the opposite byte order.
        var bytes = CaptureBytes(sample, isBigEndian: !isBig)
        let count = try readAll(sample).frames.count
        for content in [[UInt8]("tcptracX".utf8) + [1, 2, 3, 4], [], [0x74, 0x63, 0x70, 0x74]] {
            bytes.put32(0x8074_6370)
            bytes.put32(UInt32(content.count + 12))
            bytes.bytes += content
            bytes.put32(UInt32(content.count + 12))
        }
        let file = try TemporaryFile(bytes.bytes, named: "y.pcapng")
        var reader = try CaptureFileReader(path: file.path, keepsLocalBlocks: true)
        var frames = 0
        try reader.forEachFrame { _, _ in
            frames += 1
            return true
        }
        #expect(frames == count)
    }

    @Test("one that no reader takes is refused, and what is written next can be read")
    func tooLong() throws {
        let file = try TemporaryFile(named: "x.pcapng")
        var writer = try CaptureWriter(path: file.path, application: "tcptrace 0.1")
        try writer.addInterface(Self.lo)
        let longest = [UInt8](repeating: 1, count: 16 << 20)
        try writer.write(localBlock: longest)
        let error = CaptureWriteError(file: file.path, reason: .blockTooLong(longest.count + 1))
        #expect(throws: error) { try writer.write(localBlock: longest + [1]) }
        try writer.write(localBlock: [2, 2, 2, 2])
        try writer.close()
        #expect(try read(file.path) == [.block(longest), .block([2, 2, 2, 2])])
    }
}
