// Classic pcap files: every magic number and version, and wrong values in every length field.

import CaptureBuilding
import PacketSource
import TCPModel
import Testing

@Suite("Reading classic pcap") struct PcapReadingTests {
    @Test(
        "each magic in both byte orders gives the same frames",
        arguments: [
            (UInt32(0xa1b2_c3d4), Int64(1000), 0), (0xa1b2_3c4d, 1, 0), (0xa1b2_cd34, 1000, 8),
        ], [false, true])
    func everyMagic(kind: (UInt32, Int64, Int), isBigEndian: Bool) throws {
        let (magic, unit, extra) = kind
        var file = CaptureBytes.pcap(magic: magic, isBigEndian: isBigEndian)
        file.record(seconds: 1_700_000_000, fraction: 999_999, frame(1), extra: extra)
        file.record(seconds: 4_294_967_295, fraction: 0, frame(2, 1), original: 1500, extra: extra)
        let result = try readAll(file.bytes)
        #expect(result.error == nil)
        #expect(result.frames.map(\.time) == [1_700_000_000_000_000_000 + 999_999 * unit, 4_294_967_295_000_000_000])
        #expect(result.frames.map(\.bytes) == [frame(1), frame(2, 1)])
        #expect(result.frames.map(\.original) == [60, 1500])
        #expect(result.bytesRead == UInt64(file.bytes.count))
    }

    @Test("the reserved and FCS bits of the link type are not part of it")
    func highBits() throws {
        var file = CaptureBytes.pcap(linkType: 0x2400_0071)
        file.record(seconds: 1, fraction: 0, frame(1))
        let result = try readAll(file.bytes)
        #expect(result.frames.map(\.linkType) == [.linuxSLL])
        #expect(result.interfaces.map(\.linkType) == [.linuxSLL])
    }

    @Test("version 2.2 has the two lengths the other way round, 2.3 either way")
    func oldVersions() throws {
        for (version, captured, original) in [((2, 2), 100, 60), ((2, 3), 100, 60), ((2, 3), 60, 100)]
            as [((UInt16, UInt16), UInt32, UInt32)]
        {
            var file = CaptureBytes.pcap(version: version)
            file.record(seconds: 1, fraction: 0, frame(1), captured: captured, original: original)
            let result = try readAll(file.bytes)
            #expect(result.error == nil)
            #expect(result.frames.map(\.captured) == [60])
            #expect(result.frames.map(\.original) == [100])
        }
    }

    @Test("an unknown version is refused by its number")
    func unknownVersion() throws {
        let result = try readAll(CaptureBytes.pcap(version: (3, 7)).bytes)
        #expect(result.error?.reason == .unsupportedVersion(major: 3, minor: 7))
    }

    @Test("a fraction beyond a second carries over", arguments: [UInt32(1_000_000), .max])
    func absurdFraction(fraction: UInt32) throws {
        var file = CaptureBytes.pcap()
        file.record(seconds: 5, fraction: fraction, frame(1))
        #expect(try readAll(file.bytes).frames.map(\.time) == [5_000_000_000 + Int64(fraction) * 1000])
    }

    @Test("lengths that contradict each other but fit in the file are delivered as they are")
    func contradictions() throws {
        var file = CaptureBytes.pcap(snapshotLength: 10)
        file.record(seconds: 1, fraction: 0, frame(1), original: 0)
        file.record(seconds: 1, fraction: 0, frame(2, 300))
        file.record(seconds: 0, fraction: 0, [], original: 77)
        file.record(seconds: 0, fraction: 0, [])
        file.record(seconds: 0, fraction: 0, [])
        file.record(seconds: 1, fraction: 0, frame(3))
        let result = try readAll(file.bytes)
        #expect(result.error == nil)
        #expect(result.frames.map(\.captured) == [60, 300, 0, 0, 0, 60])
        #expect(result.frames.map(\.original) == [0, 300, 77, 0, 0, 60])
    }

    @Test(
        "a record that claims more than any capture has is refused with its offset",
        arguments: [UInt32(16 << 20) + 1, 1 << 31, .max])
    func lyingLength(captured: UInt32) throws {
        var file = CaptureBytes.pcap()
        file.record(seconds: 1, fraction: 0, frame(1))
        file.record(seconds: 1, fraction: 0, frame(2), captured: captured)
        for result in [try readAll(file.bytes), try readThroughPipe(file.bytes, piece: 7)] {
            #expect(result.frames.count == 1)
            #expect(result.error?.reason == .packetTooLong(captured))
            #expect(result.error?.offset == 24 + 76)
        }
    }

    @Test("a file cut at any length gives all frames before the cut, and says where it was cut")
    func everyCut() throws {
        var file = CaptureBytes.pcap()
        for number in 0..<3 { file.record(seconds: UInt32(number + 1), fraction: 0, frame(number, 20)) }
        for length in 0..<file.bytes.count {
            let result = try readAll(Array(file.bytes[..<length]))
            let whole = max(length - 24, 0) / 36
            #expect(result.frames.map(\.bytes) == (0..<whole).map { frame($0, 20) })
            switch length {
            case 0: #expect(result.error?.reason == .empty)
            case 1..<24: #expect(result.error?.reason == .headerCutShort)
            case _ where (length - 24) % 36 == 0: #expect(result.error == nil)
            default:
                #expect(result.error?.reason == .packetCutShort)
                #expect(result.error?.offset == UInt64(24 + whole * 36))
            }
        }
    }

    @Test("reading in steps of any size gives the same frames, and stopping counts the frame as read")
    func steps() throws {
        var bytes = CaptureBytes.pcap()
        for number in 0..<10 { bytes.record(seconds: UInt32(number), fraction: 0, frame(number)) }
        let file = try TemporaryFile(bytes.bytes)
        for step in 1...11 {
            var reader = try CaptureFileReader(path: file.path)
            var times: [Int64] = []
            while true {
                let progress = try reader.read(limit: step) { header, _ in
                    times.append(header.time.nanoseconds)
                    return times.count != 4
                }
                if case .end = progress { break }
            }
            #expect(times == (0..<10).map { $0 * 1_000_000_000 })
        }
    }

    @Test("the sentence for a cut file is the one that people know")
    func sentence() {
        let error = CaptureFileError(file: "x.pcap", reason: .packetCutShort, offset: 100)
        #expect(
            error.description
                == "The file 'x.pcap' appears to have been cut short in the middle of a packet (at byte 100).")
    }
}
