// Solaris snoop files (RFC 1761): records with padding, drops, and wrong values in every length field.

import CaptureBuilding
import PacketSource
import TCPModel
import Testing

@Suite("Reading snoop") struct SnoopReadingTests {
    /// The beginning of a file: its header, to which records are appended.
    private func file(version: UInt32 = 2, link: UInt32 = 4) -> CaptureBytes {
        var file = CaptureBytes(isBigEndian: true)
        file.bytes = Array("snoop\0\0\0".utf8)
        file.put32(version)
        file.put32(link)
        return file
    }

    private func record(
        _ frame: [UInt8], padding: Int = 2, original: UInt32? = nil, length: UInt32? = nil, drops: UInt32 = 0,
        in file: inout CaptureBytes
    ) {
        file.put32(original ?? UInt32(frame.count))
        file.put32(UInt32(frame.count))
        file.put32(length ?? UInt32(24 + frame.count + padding))
        file.put32(drops)
        file.put32(1_000_000_000)
        file.put32(250_000)
        file.bytes += frame + [UInt8](repeating: 0, count: padding)
    }

    @Test("frames, times and padding")
    func frames() throws {
        var file = file()
        record(frame(1), in: &file)
        record(frame(2, 1), padding: 0, original: 1500, drops: 3, in: &file)
        let result = try readAll(file.bytes)
        #expect(result.error == nil)
        #expect(result.frames.map(\.bytes) == [frame(1), frame(2, 1)])
        #expect(result.frames.map(\.original) == [60, 1500])
        #expect(result.frames.map(\.time) == [1_000_000_000_250_000_000, 1_000_000_000_250_000_000])
    }

    @Test("a version that nobody wrote, a record that lies, a file that ends too soon")
    func faults() throws {
        #expect(try readAll(file(version: 3).bytes).error?.reason == .unsupportedVersion(major: 3, minor: 0))
        for length in [0, 23, 83, 1 << 30] as [UInt32] {
            var lying = file()
            record(frame(1), in: &lying)
            record(frame(1), length: length, in: &lying)
            let result = try readAll(lying.bytes)
            #expect(result.frames.count == 1)
            let fault: CaptureFileError.Reason =
                length < 84 ? .packetBeyondRecord(captured: 60, record: length) : .packetTooLong(length)
            #expect(result.error?.reason == fault, "\(length)")
        }
        var cut = file()
        record(frame(1), in: &cut)
        record(frame(2), in: &cut)
        for count in 17..<cut.bytes.count where count != 16 + 86 {
            let result = try readAll(Array(cut.bytes[..<count]))
            #expect(result.error?.reason == .packetCutShort)
            #expect(result.frames.count == (count < 16 + 86 ? 0 : 1))
        }
    }

    @Test("zeros at the end are damage, and no file that shrank")
    func zeros() throws {
        var file = file()
        record(frame(1), in: &file)
        file.bytes += [UInt8](repeating: 0, count: 100)
        let result = try readAll(file.bytes)
        #expect(result.frames.count == 1)
        #expect(result.error?.reason == .packetBeyondRecord(captured: 0, record: 0))
        #expect(result.error?.offset == 16 + 86)
    }
}
