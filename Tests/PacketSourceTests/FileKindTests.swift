// Files that are not captures, streams, and files that change while being read.

import CaptureBuilding
import Foundation
import TCPModel
import Testing

@testable import PacketSource

@Suite("What kind of file it is") struct FileKindTests {
    @Test("what is no capture is one clear error each")
    func notCaptures() throws {
        let cases: [([UInt8], CaptureFileError.Reason)] = [
            ([], .empty), ([0xd4], .headerCutShort), ([0x1f, 0x8b, 8, 0], .badCompression("gzip", .cutShort)),
            ([0x28, 0xb5, 0x2f, 0xfd], .badCompression("zstd", .cutShort)), (Array("BZh9".utf8), .compressed("bzip2")),
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a], .compressed("xz")), ([4, 0x22, 0x4d, 0x18], .compressed("lz4")),
            (Array("hello, world\n".utf8), .unknownFormat(magic: 0x6865_6c6c, isText: true)),
            ([1, 2, 3, 4, 5], .unknownFormat(magic: 0x0102_0304, isText: false)),
            (Array("snoop\0\0\0".utf8), .headerCutShort), (Array("iptrace 2.0".utf8), .unsupportedFormat("iptrace")),
            ([0x0a, 0x0d, 0x0d, 0x0a], .headerCutShort),
        ]
        for (bytes, reason) in cases {
            let error = try readAll(bytes).error
            #expect(error?.reason == reason)
            #expect(error?.description.contains("x.pcap") == true)
        }
    }

    @Test("the magics of files that can be read, in network order")
    func magics() {
        let readable: [UInt32] = [
            0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1, 0xa1b2_cd34, 0x34cd_b2a1, 0x0a0d_0d0a, 0x736e_6f6f,
            0x1f8b_0800, 0x28b5_2ffd, 0x502a_4d18, 0x5f2a_4d18,
        ]
        for magic in readable { #expect(CaptureMagic.begins(magic), "\(String(magic, radix: 16))") }
        for magic in [0, 0x0422_4d18, 0xfd37_7a58, 0x425a_6839, 0xb2a1_d4c3] as [UInt32] {
            #expect(!CaptureMagic.begins(magic), "\(String(magic, radix: 16))")
        }
    }

    @Test("directories, missing files, devices of zeros and nothing")
    func others() throws {
        #expect(readAll(path: "/tmp").error?.reason == .isDirectory)
        #expect(readAll(path: "/nosuch/file").error?.reason == .system(ENOENT))
        #expect(readAll(path: "/nosuch/file").error?.description == "/nosuch/file: No such file or directory")
        #expect(readAll(path: "/dev/null").error?.reason == .empty)
        #expect(readAll(path: "/dev/zero").error?.reason == .unknownFormat(magic: 0, isText: false))
        #expect(readAll(path: "/proc/version").error?.reason == .unknownFormat(magic: 0x4c69_6e75, isText: true))
    }

    @Test("a socket in the file system")
    func socketFile() throws {
        let file = try TemporaryFile()
        let path = file.path + ".socket"
        let opened = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(opened) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        // The path fits and the structure starts zeroed, so it stays NUL-terminated; bind
        // gets the structure's own length.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let code = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(opened, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(code == 0)
        #expect(readAll(path: path).error?.reason == .notReadableKind)
        #expect(readAll(path: path).error?.description == "\(path): Not a regular file or a pipe")
    }

    @Test("a file that may not be read", .enabled(if: geteuid() != 0, "root may read everything"))
    func noPermission() throws {
        let file = try TemporaryFile([1, 2, 3])
        try #require(changeMode(file.path, 0))
        #expect(readAll(path: file.path).error?.reason == .system(EACCES))
    }

    @Test("a FIFO gives the same frames as the regular file, whatever the pieces", arguments: [1, 3, 1000, 1 << 20])
    func fifo(piece: Int) throws {
        for isBigEndian in [false, true] {
            let bytes = PcapngReadingTests.sample(isBigEndian: isBigEndian).bytes
            let piped = try readThroughPipe(bytes, piece: piece)
            #expect(piped.frames == (try readAll(bytes)).frames)
            #expect(piped.error == nil)
            #expect(piped.bytesRead == UInt64(bytes.count))
        }
    }

    @Test("a stream with a frame larger than the first buffer, and a cut at the end")
    func largeFrameInStream() throws {
        var file = CaptureBytes.pcap()
        file.record(seconds: 1, fraction: 0, frame(1, 1 << 20))
        file.record(seconds: 2, fraction: 0, frame(2))
        let result = try readThroughPipe(Array(file.bytes.dropLast()), piece: 1 << 16)
        #expect(result.frames.map(\.bytes) == [frame(1, 1 << 20)])
        #expect(result.error?.reason == .packetCutShort)
        #expect(result.error?.offset == 24 + 16 + 1 << 20)
    }

    @Test("a stalled stream gives what it has and comes back when told not to wait")
    func stalledStream() throws {
        let file = try TemporaryFile()
        let fifo = file.path + ".fifo"
        try #require(makeFIFO(fifo))
        // Keeps a writer open, so that the stream does not end.
        let keeper = unsafe open(fifo, O_RDWR)
        defer { close(keeper) }
        var bytes = CaptureBytes.pcap()
        bytes.record(seconds: 1, fraction: 0, frame(1))
        bytes.record(seconds: 2, fraction: 0, frame(2))
        let part = Array(bytes.bytes.dropLast(10))
        #expect(unsafe write(keeper, part, part.count) == part.count)
        var reader = try CaptureFileReader(path: fifo)
        var count = 0
        for _ in 0..<3 {
            let progress = try reader.read(waitMilliseconds: 0) { _, _ in
                count += 1
                return true
            }
            guard case .waiting = progress else {
                Issue.record("\(progress)")
                return
            }
        }
        #expect(count == 1)
        #expect(reader.size == nil)
    }

    @Test("a stream without header is waited for as long as it is wanted", arguments: [0, 2, 10, 26])
    func givenUp(octets: Int) throws {
        let file = try TemporaryFile()
        let fifo = file.path + ".fifo"
        try #require(makeFIFO(fifo))
        // With no octets there is no writer yet; otherwise there is one that never completes the header.
        let keeper = octets == 0 ? -1 : unsafe open(fifo, O_RDWR)
        defer { if keeper >= 0 { close(keeper) } }
        // The section header has 28 octets, so every prefix used here is incomplete.
        let bytes = Array(PcapngReadingTests.sample(isBigEndian: false).bytes.prefix(octets))
        if octets > 0 { #expect(unsafe write(keeper, bytes, octets) == octets) }
        var questions = 0
        do {
            _ = try CaptureFileReader(path: fifo) {
                questions += 1
                return questions < 3
            }
            Issue.record("it opened")
        } catch {
            #expect(error.reason == .givenUp)
        }
        #expect(questions == 3)
    }

    /// A file three times as large as the reader's first buffer. Each of its records takes 76 octets.
    private func largeFile() throws -> (file: TemporaryFile, frames: Int) {
        let frames = 3 * ByteWindow.firstCapacity / 76
        var bytes = CaptureBytes.pcap()
        for number in 0..<frames { bytes.record(seconds: 1_700_000_000, fraction: UInt32(number), frame(number)) }
        return (try TemporaryFile(bytes.bytes), frames)
    }

    @Test(
        "a file that shrinks while it is read is an error, behind all that was there",
        arguments: [0, 24, 5000, 300_000, 400_007])
    func shrinking(to length: Int) throws {
        let (file, _) = try largeFile()
        var reader = try CaptureFileReader(path: file.path)
        var intact = 0
        do {
            try reader.forEachFrame { _, span in
                if intact == 20 { cut(file.path, to: length) }
                #expect(unsafe span.withUnsafeBytes { unsafe Array($0) } == frame(intact))
                intact += 1
                return true
            }
            Issue.record("no error")
        } catch {
            #expect(error.reason == .shrankWhileRead)
            #expect(error.description.contains("shrank while it was read (at byte"))
        }
        #expect(intact == (max(length, ByteWindow.firstCapacity) - 24) / 76)
    }

    @Test("a file that grows while it is read is read to its new end")
    func growing() throws {
        let (file, frames) = try largeFile()
        let whole = try #require(FileManager.default.contents(atPath: file.path))
        // Cut within a record, as a program that is still capturing may leave the file.
        cut(file.path, to: 300_000)
        var reader = try CaptureFileReader(path: file.path)
        var count = 0
        try reader.forEachFrame { _, span in
            if count == 20 {
                guard let end = FileHandle(forUpdatingAtPath: file.path) else { return false }
                end.seekToEndOfFile()
                end.write(whole[300_000...])
            }
            #expect(unsafe span.withUnsafeBytes { unsafe Array($0) } == frame(count))
            count += 1
            return true
        }
        #expect(count == frames)
    }

    @Test("a pcapng file that shrinks while it is read is an error, not a crash")
    func shrinkingPcapng() throws {
        var bytes = CaptureBytes()
        bytes.section()
        bytes.interface()
        for number in 0..<10_000 { bytes.packet(ticks: UInt64(number), frame(number)) }
        let file = try TemporaryFile(bytes.bytes)
        var reader = try CaptureFileReader(path: file.path)
        var count = 0
        do {
            try reader.forEachFrame { _, _ in
                if count == 100 { cut(file.path, to: 30_000) }
                count += 1
                return true
            }
            Issue.record("no error")
        } catch {
            #expect(error.reason == .shrankWhileRead)
        }
        #expect(count < 10_000 && count > 100)
    }

    @Test("hostile file names are shown harmlessly")
    func hostileName() {
        let error = CaptureFileError(file: "a\u{1b}[31mb\nc\u{202e}", reason: .isDirectory)
        #expect(error.description == "a\\x1b[31mb\\x0ac\\u{202e}: Is a directory, not a capture file")
    }
}
