// Captures compressed with gzip and zstd: they yield the same frames as the plain file,
// and a truncated or corrupt stream yields one clear error.

import CZlib
import CZstd
import CaptureBuilding
import Glibc
import PacketSource
import SeededRandom
import Testing

/// The compression formats under test.
enum Compressor: CaseIterable {
    case gzip, zstd

    var name: String { self == .gzip ? "gzip" : "zstd" }

    /// Compresses `bytes` into one gzip member or one zstd frame.
    func pack(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .gzip:
            // Every buffer is an array that outlives the calls and is passed with its own
            // length; zlib itself computes the bound.
            var stream = unsafe z_stream()
            _ = unsafe deflateInit2_(
                &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size))
            var input = bytes
            var output = [UInt8](repeating: 0, count: Int(unsafe deflateBound(&stream, UInt(bytes.count))) + 64)
            let count = unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe output.withUnsafeMutableBufferPointer { target in
                    unsafe stream.next_in = source.baseAddress
                    unsafe stream.avail_in = UInt32(source.count)
                    unsafe stream.next_out = target.baseAddress
                    unsafe stream.avail_out = UInt32(target.count)
                    _ = unsafe deflate(&stream, Z_FINISH)
                    return Int(unsafe stream.total_out)
                }
            }
            _ = unsafe deflateEnd(&stream)
            return Array(output.prefix(count))
        case .zstd:
            var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
            let count = unsafe ZSTD_compress(&output, output.count, bytes, bytes.count, 3)
            return Array(output.prefix(count))
        }
    }
}

@Suite("Compressed captures") struct CompressedTests {
    /// A classic pcap file of `count` frames of 60 random octets, which hardly compress.
    static func sample(_ count: Int = 40) -> [UInt8] {
        var generator = SplitMix(seed: 7)
        var file = CaptureBytes.pcap()
        for number in 0..<count {
            let bytes = (0..<60).map { _ in UInt8.random(in: 0...255, using: &generator) }
            file.record(seconds: UInt32(number), fraction: 0, bytes)
        }
        return file.bytes
    }

    @Test("the same frames as from the plain file, named, piped, pcap and pcapng", arguments: Compressor.allCases)
    func sameFrames(_ compressor: Compressor) throws {
        for plain in [Self.sample(), PcapngReadingTests.sample(isBigEndian: true).bytes] {
            let expected = try readAll(plain)
            let packed = compressor.pack(plain)
            // TemporaryFile names it x.pcap: the format is recognised by content, not by name.
            let results = [
                try readAll(packed), try readThroughPipe(packed, piece: 1), try readThroughPipe(packed, piece: 700),
                try readThroughPipe(packed, piece: 1 << 20),
            ]
            for result in results {
                #expect(result.error == nil)
                #expect(result.frames == expected.frames)
                #expect(result.interfaces == expected.interfaces)
                #expect(result.bytesRead == UInt64(plain.count))
            }
        }
    }

    @Test("a zstd file may begin with a frame to be skipped, as pzstd's do", arguments: [UInt8(0x50), 0x5f])
    func skippableFrame(_ first: UInt8) throws {
        let plain = Self.sample()
        let result = try readAll([first, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4] + Compressor.zstd.pack(plain))
        #expect(result.error == nil)
        #expect(result.frames == (try readAll(plain)).frames)
    }

    @Test("members and frames one after another are one capture", arguments: Compressor.allCases)
    func concatenated(_ compressor: Compressor) throws {
        let plain = Self.sample()
        // The file's header has 24 octets, and each record 16 and 60: the parts end between records, within the first
        // header and a record's header, and within the octets of two frames.
        for (first, second) in [(100, 2000), (10, 105), (150, 2040)] {
            // Three parts, with an empty one in between.
            let packed =
                compressor.pack(Array(plain[..<first])) + compressor.pack([])
                + compressor.pack(Array(plain[first..<second])) + compressor.pack(Array(plain[second...]))
            #expect(try readAll(packed).frames == (try readAll(plain).frames))
            #expect(try readAll(packed).error == nil)
            #expect(try readThroughPipe(packed, piece: 3).frames.count == 40)
        }
    }

    @Test("cut anywhere: what came before, then a named error with the offset", arguments: Compressor.allCases)
    func cutShort(_ compressor: Compressor) throws {
        let plain = Self.sample(6)
        let intact = try readAll(plain).frames
        let packed = compressor.pack(plain)
        var last = 0
        for length in 4..<packed.count {
            let result = try readAll(Array(packed.prefix(length)))
            #expect(result.error?.reason == .badCompression(compressor.name, .cutShort), "\(length)")
            #expect(result.error?.offset == UInt64(length))
            #expect(result.frames == Array(intact.prefix(result.frames.count)))
            last = result.frames.count
            #expect(result.error?.description.contains("cut short (at byte \(length))") == true)
        }
        // A gzip stream ends with its checksum and length: a cut within them loses none of the content.
        if case .gzip = compressor { #expect(last == intact.count) }
    }

    @Test("a stream that pauses is no damage, however often it is asked", arguments: Compressor.allCases)
    func pauses(_ compressor: Compressor) throws {
        let plain = Self.sample()
        let first = compressor.pack(Array(plain[..<200]))
        let packed = first + compressor.pack(Array(plain[200...]))
        let kept = try TemporaryFile()
        let fifo = kept.path + ".fifo"
        try #require(makeFIFO(fifo))
        let descriptor = unsafe open(fifo, O_RDWR | O_CLOEXEC)
        var rest = packed[...]
        // The array is borrowed for the duration of the call and passed with its own length.
        func write(_ count: Int) {
            let part = Array(rest.prefix(count))
            #expect(unsafe Glibc.write(descriptor, part, part.count) == part.count)
            rest = rest.dropFirst(count)
        }
        write(20)
        var pauses = 0
        // The stream pauses before the capture's header is complete.
        var reader = try CaptureFileReader(path: fifo) {
            pauses += 1
            if pauses == 20 { write(first.count) }
            return pauses < 100
        }
        var frames = 0
        func take() throws -> CaptureFileReader.Progress {
            try reader.read(waitMilliseconds: 0) { _, _ in
                frames += 1
                return true
            }
        }
        // It pauses again between frames.
        for _ in 0..<50 { _ = try take() }
        #expect(frames == 2)
        write(rest.count)
        close(descriptor)
        var isOver = false
        while !isOver { if case .end = try take() { isOver = true } }
        #expect(frames == 40)
        #expect(pauses >= 20)
    }

    @Test("damage is named, and the frames before it are right", arguments: Compressor.allCases)
    func damaged(_ compressor: Compressor) throws {
        let plain = Self.sample(200)
        let intact = try readAll(plain).frames
        let packed = compressor.pack(plain)
        var generator = SplitMix(seed: 42)
        for _ in 0..<300 {
            var bytes = packed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 4..<bytes.count, using: &generator)] ^= UInt8.random(
                    in: 1...255, using: &generator)
            }
            let result = try readAll(bytes)
            #expect(result.frames.count <= 16 * intact.count)
            if result.error == nil { #expect(result.frames.count <= intact.count) }
        }
        // A wrong checksum is noticed only at the very end, after every frame was delivered.
        if case .gzip = compressor {
            var bytes = packed
            bytes[bytes.count - 6] ^= 1
            let result = try readAll(bytes)
            #expect(result.frames == intact)
            #expect(result.error?.reason == .badCompression("gzip", .damaged))
        }
    }

    @Test(
        "what follows the end: zeros are padding after gzip, anything else is an error", arguments: Compressor.allCases)
    func trailing(_ compressor: Compressor) throws {
        let packed = compressor.pack(Self.sample(3))
        let garbage = try readAll(packed + Array("garbage".utf8))
        #expect(garbage.frames.count == 3)
        #expect(garbage.error?.offset == UInt64(packed.count) || compressor == .zstd)
        let zeros = try readAll(packed + Array(repeating: 0, count: 512))
        #expect(zeros.frames.count == 3)
        switch compressor {
        case .gzip:
            #expect(garbage.error?.reason == .badCompression("gzip", .trailingOctets))
            #expect(zeros.error == nil)
        case .zstd:
            #expect(garbage.error?.reason == .badCompression("zstd", .damaged))
            #expect(zeros.error?.reason == .badCompression("zstd", .damaged))
        }
    }

    @Test("what it holds is checked as a plain file is, with offsets of the content", arguments: Compressor.allCases)
    func content(_ compressor: Compressor) throws {
        #expect(try readAll(compressor.pack([])).error?.reason == .empty)
        #expect(
            try readAll(compressor.pack(Array("hello, world".utf8))).error?.reason
                == .unknownFormat(
                    magic: 0x6865_6c6c, isText: true))
        #expect(
            try readAll(compressor.pack(compressor.pack(Self.sample()))).error?.reason == .compressed(compressor.name))
        let plain = Self.sample(3)
        let result = try readAll(compressor.pack(Array(plain.dropLast())))
        #expect(result.frames.count == 2)
        #expect(result.error?.reason == .packetCutShort)
        #expect(result.error?.offset == 24 + 2 * 76)
        #expect(result.error?.description.contains("(at byte 176 of what it holds decompressed)") == true)
    }

    @Test("a bomb is a long stream: read piece by piece, and left when the reader has enough")
    func bomb() throws {
        // The zeros compress about a thousandfold; every 16 of them are the record header of an empty frame.
        let plain = Self.sample(1) + Array(repeating: 0, count: 16 << 20)
        for compressor in Compressor.allCases {
            let file = try TemporaryFile(compressor.pack(plain))
            var reader = try CaptureFileReader(path: file.path)
            var count = 0
            try reader.forEachFrame { _, _ in
                count += 1
                return count < 500_000
            }
            #expect(count == 500_000)
            #expect(reader.bytesRead == 24 + 76 + 499_999 * 16)
        }
    }

    @Test("a zstd frame that wants a gigabyte of memory is refused")
    func largeWindow() throws {
        // RFC 8878 3.1.1.1.2: a window descriptor with exponent 20, that is 2^30 octets; then an empty last block.
        let result = try readAll([0x28, 0xb5, 0x2f, 0xfd, 0, 20 << 3, 1, 0, 0])
        #expect(result.error?.reason == .badCompression("zstd", .windowTooLarge))
    }
}
