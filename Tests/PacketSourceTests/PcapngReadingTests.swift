// pcapng files: sections, interfaces, clocks, every packet block, and damage in each.

import CaptureBuilding
import Glibc
import PacketSource
import TCPModel
import Testing

@Suite("Reading pcapng") struct PcapngReadingTests {
    /// A file with every kind of block, and the offset at which each block starts; the
    /// last offset is the file's length.
    static func sample(isBigEndian: Bool) -> (bytes: [UInt8], starts: [Int]) {
        var file = CaptureBytes()
        var starts: [Int] = []
        func mark() { starts.append(file.bytes.count) }
        mark()
        file.section(isBigEndian: isBigEndian)
        mark()
        file.interface(options: [(2, Array("lo".utf8)), (9, [9]), (0, [])])
        mark()
        file.packet(ticks: 1_700_000_000_123_456_789, frame(1, 61), options: [(1, Array("note".utf8))])
        mark()
        file.interface(linkType: 113, snapshotLength: 40)
        mark()
        file.packet(interface: 1, ticks: 5_000_001, frame(2, 40), original: 90)
        mark()
        file.block(3) {
            $0.put32(30)
            $0.bytes += frame(3, 30)
        }
        mark()
        file.block(2) {
            $0.put16(1)
            $0.put16(9)
            $0.put64(isBigEndian ? 7 : 7 << 32)
            $0.put32(10)
            $0.put32(20)
            $0.bytes += frame(4, 10)
        }
        mark()
        file.block(0x0bad) { $0.put32(1) }
        mark()
        file.block(5) {
            $0.put32(0)
            $0.put64(0)
            $0.option((5, isBigEndian ? big(17 as UInt64) : little(17 as UInt64)))
        }
        mark()
        file.section(isBigEndian: !isBigEndian)
        mark()
        file.interface(linkType: 101)
        mark()
        file.packet(ticks: 1_000_000, frame(5, 20))
        mark()
        return (file.bytes, starts)
    }

    @Test("sections of both byte orders, mixed link types and all packet blocks", arguments: [false, true])
    func everything(isBigEndian: Bool) throws {
        let result = try readAll(Self.sample(isBigEndian: isBigEndian).bytes)
        #expect(result.error == nil)
        #expect(result.frames.map(\.bytes) == [frame(1, 61), frame(2, 40), frame(3, 30), frame(4, 10), frame(5, 20)])
        #expect(result.frames.map(\.time) == [1_700_000_000_123_456_789, 5_000_001_000, 0, 7000, 1_000_000_000])
        #expect(result.frames.map(\.linkType) == [.ethernet, .linuxSLL, .ethernet, .linuxSLL, .raw])
        #expect(result.frames.map(\.interface) == [0, 1, 0, 1, 2])
        #expect(result.frames.map(\.original) == [61, 90, 30, 20, 20])
        #expect(result.interfaces.map(\.name) == ["lo", nil, nil])
        #expect(result.dropped == 17 + 9, "the statistics of the one interface, and what a packet of the other says")
    }

    @Test("a file cut at any length gives all frames before the cut")
    func everyCut() throws {
        let (bytes, starts) = Self.sample(isBigEndian: false)
        let whole = try readAll(bytes).frames
        // The indices of the packet blocks.
        let packets = [2, 4, 5, 6, 11]
        for length in 0..<bytes.count {
            let result = try readAll(Array(bytes[..<length]))
            let complete = packets.count { starts[$0 + 1] <= length }
            #expect(result.frames == Array(whole[..<complete]), "cut at \(length)")
            if starts.contains(length), length > 0 {
                #expect(result.error == nil, "cut at \(length)")
            } else {
                #expect(result.error != nil, "cut at \(length)")
            }
        }
    }

    /// A value of if_tsresol, a time stamp in that resolution, and the nanoseconds it stands for.
    struct Resolution: Sendable {
        var code: UInt8
        var ticks: UInt64
        var nanoseconds: Int64

        static let all = [
            Resolution(code: 0, ticks: 3, nanoseconds: 3_000_000_000),
            Resolution(code: 3, ticks: 3_001, nanoseconds: 3_001_000_000),
            Resolution(code: 6, ticks: 3_000_001, nanoseconds: 3_000_001_000),
            Resolution(code: 9, ticks: 3_000_000_001, nanoseconds: 3_000_000_001),
            Resolution(code: 12, ticks: 3_000_000_001_999, nanoseconds: 3_000_000_001),
            Resolution(code: 19, ticks: 10_000_000_000_000_000_000, nanoseconds: 1_000_000_000),
            Resolution(code: 0x80, ticks: 3, nanoseconds: 3_000_000_000),
            Resolution(code: 0x8a, ticks: 3584, nanoseconds: 3_500_000_000),
            Resolution(code: 0x94, ticks: 3_145_729, nanoseconds: 3_000_000_953),
            Resolution(code: 0xbf, ticks: 0xc000_0000_0000_0000, nanoseconds: 1_500_000_000),
            Resolution(code: 0, ticks: .max, nanoseconds: .max),
        ]
    }

    @Test("time-stamp resolutions, decimal and binary", arguments: Resolution.all)
    func resolutions(resolution: Resolution) throws {
        var file = CaptureBytes()
        file.section()
        file.interface(options: [(9, [resolution.code])])
        file.packet(ticks: resolution.ticks, frame(1))
        let result = try readAll(file.bytes)
        #expect(result.error == nil)
        #expect(result.frames.map(\.time) == [resolution.nanoseconds])
    }

    @Test("if_tsoffset moves the epoch, either way, and saturates")
    func offsets() throws {
        for (offset, expected) in [(100, 101_000_000_000), (-100, -99_000_000_000), (Int64.max, .max), (.min, .min)]
            as [(Int64, Int64)]
        {
            for resolution: UInt8 in [6, 0x94] {
                var file = CaptureBytes()
                file.section()
                let value = little(offset)
                file.interface(options: [(14, value), (9, [resolution])])
                file.packet(ticks: resolution == 6 ? 1_000_000 : 1 << 20, frame(1))
                #expect(try readAll(file.bytes).frames.map(\.time) == [expected])
            }
        }
    }

    @Test("a resolution that 64 bits cannot hold is an error of its own", arguments: [UInt8(20), 0x7f, 0xff, 0xc0])
    func badResolution(resolution: UInt8) throws {
        var file = CaptureBytes()
        file.section()
        file.interface(options: [(9, [resolution])])
        #expect(try readAll(file.bytes).error?.reason == .badTimestampResolution(resolution))
    }

    @Test("damaged blocks: the frames before come, then the fault with its offset")
    func damage() throws {
        typealias Damage = (inout CaptureBytes) -> Void
        let cases: [(CaptureFileError.Reason, Damage)] = [
            (.badBlockLength(0), { $0.block(6, length: 0) { _ in } }),
            (.badBlockLength(8), { $0.block(6, length: 8) { _ in } }),
            (.badBlockLength(33), { $0.block(6, length: 33) { $0.put32(0) } }),
            (.badBlockLength(0xffff_fffc), { $0.block(6, length: 0xffff_fffc) { $0.put32(0) } }),
            (.badBlockLength(16), { $0.block(6) { $0.put32(0) } }),
            (.badBlockLength(12), { $0.block(3) { _ in } }),
            (.blockLengthMismatch(16, 20), { $0.block(9, trailer: 20) { $0.put32(0) } }),
            (.packetBeyondBlock(captured: 65), { $0.packet(ticks: 1, frame(2), captured: 65) }),
            (.packetTooLong(.max), { $0.packet(ticks: 1, frame(2), captured: .max) }),
            (.unknownInterface(1), { $0.packet(interface: 1, ticks: 1, frame(2)) }),
            (.unknownInterface(.max), { $0.packet(interface: .max, ticks: 1, frame(2)) }),
            (.badByteOrderMagic(0x1122_3344), { $0.section(magic: 0x1122_3344) }),
            (.unsupportedVersion(major: 2, minor: 0), { $0.section(major: 2) }),
            (.badInterfaceDescription, { $0.block(1) { $0.put32(1) } }),
            (
                .badInterfaceDescription,
                {
                    $0.block(1) {
                        $0.put64(1); $0.put16(2); $0.put16(400)
                    }
                }
            ),
        ]
        for (reason, damage) in cases {
            var file = CaptureBytes()
            file.section()
            file.interface()
            file.packet(ticks: 1, frame(1))
            let offset = UInt64(file.bytes.count)
            damage(&file)
            file.packet(ticks: 1, frame(3))
            for result in [try readAll(file.bytes), try readThroughPipe(file.bytes, piece: 5)] {
                #expect(result.frames.count == 1, "\(reason)")
                #expect(result.error?.reason == reason)
                #expect(result.error?.offset == offset)
            }
        }
    }

    @Test("a packet before any interface description, also after a new section")
    func noInterface() throws {
        var file = CaptureBytes()
        file.section()
        file.interface()
        file.packet(ticks: 1, frame(1))
        file.section()
        file.packet(ticks: 1, frame(2))
        let result = try readAll(file.bytes)
        #expect(result.frames.count == 1)
        #expect(result.error?.reason == .unknownInterface(0))
    }

    @Test("frames lost before a packet, as it says itself, and all of an interface's as its statistics say")
    func losses() throws {
        func lost(_ count: UInt64) -> CaptureBytes.Option { (4, little(count)) }
        var file = CaptureBytes()
        file.section()
        file.interface()
        file.interface()
        file.packet(ticks: 1, frame(1, 61), options: [(1, Array("note".utf8)), lost(3), (0, [])])
        file.packet(ticks: 2, frame(2, 60), options: [lost(4)])
        file.packet(interface: 1, ticks: 3, frame(3))
        #expect(try readAll(file.bytes).dropped == 7)
        let halfway = file
        for (stated, expected) in [(5, 7), (12, 12)] as [(UInt64, UInt64)] {
            file = halfway
            file.block(5) {
                $0.put32(0)
                $0.put64(0)
                $0.option((5, little(stated)))
            }
            #expect(try readAll(file.bytes).dropped == expected, "they are the same frames")
        }
        file.packet(interface: 1, ticks: 4, frame(4), options: [lost(.max)])
        #expect(try readAll(file.bytes).dropped == .max)
    }

    @Test("the interfaces in front are known at once, the others before their first frame")
    func interfacesAreKnown() throws {
        var file = CaptureBytes()
        file.section()
        file.interface(options: [(2, Array("eth0".utf8))])
        file.interface(options: [(2, Array("eth1".utf8))])
        file.packet(ticks: 1, frame(1))
        file.packet(interface: 1, ticks: 2, frame(2))
        file.interface(options: [(2, Array("eth2".utf8))])
        file.packet(interface: 2, ticks: 3, frame(3))
        let kept = try TemporaryFile(file.bytes)
        var reader = try CaptureFileReader(path: kept.path)
        var known = reader.interfaces.map(\.name)
        #expect(known == ["eth0", "eth1"])
        var names: [String?] = []
        var isOver = false
        while !isOver {
            if case .end = try reader.read({ header, _ in
                names.append(known.indices.contains(Int(header.interface)) ? known[Int(header.interface)] : nil)
                return true
            }) {
                isOver = true
            }
            known = reader.interfaces.map(\.name)
        }
        #expect(names == ["eth0", "eth1", "eth2"])
    }

    @Test("a stream that pauses before its first interface is waited for, and behind it is not")
    func pausesAmongInterfaces() throws {
        var file = CaptureBytes()
        file.section()
        let first = file.bytes.count
        file.interface(linkType: 101)
        let second = file.bytes.count
        file.interface()
        let kept = try TemporaryFile()
        let fifo = kept.path + ".fifo"
        try #require(makeFIFO(fifo))
        let descriptor = unsafe open(fifo, O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        var pauses = 0
        // The array is borrowed for the duration of each call and passed with its own length.
        func write(_ range: Range<Int>) {
            let part = Array(file.bytes[range])
            #expect(unsafe Glibc.write(descriptor, part, part.count) == part.count)
        }
        write(0..<first)
        let reader = try CaptureFileReader(path: fifo) {
            pauses += 1
            if pauses == 3 { write(first..<second) }
            return pauses < 100
        }
        let linkTypes = reader.interfaces.map(\.linkType)
        #expect(linkTypes == [.raw])
        #expect(pauses >= 3)
    }

    @Test("blocks that are no packets, however many, do not keep the caller from looking after other things")
    func muchElse() throws {
        var file = CaptureBytes()
        file.section()
        file.interface()
        for _ in 0..<40 { file.block(0x0bad) { $0.bytes = [UInt8](repeating: 7, count: 1 << 20) } }
        file.packet(ticks: 1, frame(1))
        let kept = try TemporaryFile(file.bytes)
        var reader = try CaptureFileReader(path: kept.path)
        var frames = 0
        var turns = 0
        var isOver = false
        while !isOver {
            turns += 1
            if case .end = try reader.read({ _, _ in
                frames += 1
                return true
            }) {
                isOver = true
            }
        }
        #expect(frames == 1)
        #expect(turns >= 8)
    }

    @Test("ten thousand interfaces")
    func manyInterfaces() throws {
        var file = CaptureBytes()
        file.section()
        for _ in 0..<10_000 { file.interface() }
        file.packet(interface: 9_999, ticks: 1, frame(1))
        let result = try readAll(file.bytes)
        #expect(result.error == nil)
        #expect(result.frames.map(\.interface) == [9_999])
    }
}
