// TCP options: each kind, each wrong length, and lists that end badly.

import SeededRandom
import TCPModel
import TCPWire
import Testing

@Suite("TCP options") struct TCPOptionTests {
    /// The segment whose options are these octets, padded with NOPs to whole words.
    func withOptions(_ text: String) throws -> Segment {
        let octets = hex(text)
        return try segment(tcpFrame(options: octets + [UInt8](repeating: 1, count: (4 - octets.count % 4) % 4)))
    }

    @Test func maximumSegmentSize() throws {
        for value in [0, 1, 536, 1460, 65535] {
            let options = try segment(tcpFrame(options: hex("0204") + big16(value))).options
            #expect(options.present == .maximumSegmentSize)
            #expect(options.maximumSegmentSize == UInt16(value))
        }
    }

    @Test("as sent, even above 14", arguments: [0, 7, 14, 15, 255] as [UInt8])
    func windowScale(value: UInt8) throws {
        let options = try segment(tcpFrame(options: [3, 3, value, 1])).options
        #expect(options.present == .windowScale)
        #expect(options.windowScale == value)
    }

    @Test func sackPermitted() throws {
        #expect(try withOptions("0402").options.present == .sackPermitted)
    }

    @Test("one to four blocks", arguments: 1...4)
    func sackBlocks(count: Int) throws {
        var octets = [5, UInt8(2 + 8 * count)]
        for index in 0..<count { octets += big32(0xffff_fff0 + index) + big32(index * 100) }
        let options = try segment(tcpFrame(options: hex("0101") + octets)).options
        #expect(options.present == .sack)
        #expect(options.sackBlockCount == UInt8(count))
        for index in 0..<count {
            #expect(options.sackBlocks[index].left == SequenceNumber(0xffff_fff0 + UInt32(index)))
            #expect(options.sackBlocks[index].right == SequenceNumber(UInt32(index) * 100))
        }
    }

    @Test("the usual layout and any other give the same timestamps")
    func timestamps() throws {
        for text in ["0101080a 80000001 ffffffff", "080a 80000001 ffffffff 0101", "080a 80000001 ffffffff 0000"] {
            let segment = try withOptions(text)
            #expect(segment.options.present == .timestamps)
            #expect(segment.options.timestampValue == 0x8000_0001)
            #expect(segment.options.timestampEchoReply == 0xffff_ffff)
            #expect(segment.remarks == [])
        }
    }

    @Test("a kind that comes twice: the later one counts")
    func twice() throws {
        let segment = try withOptions("080a 00000001 00000002 080a 00000003 00000004 02040001 02040002")
        #expect(segment.options.timestampValue == 3)
        #expect(segment.options.timestampEchoReply == 4)
        #expect(segment.options.maximumSegmentSize == 2)
    }

    @Test(
        "Fast Open: a request, cookies, and the experimental form",
        arguments: [
            ("2202", 0), ("2206 01020304", 4), ("220a 0102030405060708", 8),
            ("2212 0102030405060708090a0b0c0d0e0f10", 16), ("fe04 f989", 0), ("fd0c f989 0102030405060708", 8),
        ])
    func fastOpen(text: String, cookie: UInt8) throws {
        let segment = try withOptions(text)
        #expect(segment.options.present == .fastOpen)
        #expect(segment.options.fastOpenCookieLength == cookie)
        #expect(segment.remarks == [])
    }

    @Test("another experiment is not Fast Open", arguments: ["fe04 1234", "fd08 e2d4 00000000", "fe02", "fd03 f9"])
    func otherExperiments(text: String) throws {
        let segment = try withOptions(text)
        let isShort = text.hasPrefix("fe02") || text.hasPrefix("fd03")
        #expect(segment.options.present == (isShort ? .unknown : .experiment))
        if !isShort { #expect(segment.options.experimentIdentifier == (text.hasPrefix("fe") ? 0x1234 : 0xe2d4)) }
        #expect(segment.remarks == [])
    }

    @Test("MPTCP's subtype", arguments: 0..<16)
    func multipath(subtype: Int) throws {
        let segment = try segment(tcpFrame(options: [30, 4, UInt8(subtype << 4 | 1), 0]))
        #expect(segment.options.present == .multipath)
        #expect(segment.options.multipathSubtype == UInt8(subtype))
    }

    @Test func signatures() throws {
        let signature = "1312 000102030405060708090a0b0c0d0e0f"
        #expect(try withOptions(signature).options.present == .md5Signature)
        #expect(try withOptions("1d10 0101 000102030405060708090a0b").options.present == .authentication)
        #expect(try withOptions("1d04 0101").options.present == .authentication)
    }

    @Test("unknown kinds are skipped by their length")
    func unknown() throws {
        let segment = try withOptions("4604 8005 550b 0102030405060708 09 020405b4")
        #expect(segment.options.present == [.unknown, .maximumSegmentSize])
        #expect(segment.remarks == [])
    }

    @Test(
        "a length that the kind cannot have: remarked, skipped, and the list goes on",
        arguments: [
            "0203 05", "0205 05b4 00", "0302", "0304 0707", "0403 00", "0502", "0503 00", "0509 00000000 000000",
            "050b 00000000 00000000 00", "0809 00000000 000000", "080b 00000000 00000000 00", "1303 00", "1d03 00",
            "1e02", "2203 00", "2204 0000", "2205 000000", "2207 0000000000", "fe05 f989 00",
            "2214 000000000000000000000000000000000000",
        ])
    func wrongLength(text: String) throws {
        let segment = try withOptions("\(text) 030307 01 0402")
        #expect(segment.options.present == [.windowScale, .sackPermitted])
        #expect(segment.options.windowScale == 7)
        #expect(segment.remarks == .malformedOption)
    }

    @Test(
        "a length of 0, 1 or beyond the header ends the list",
        arguments: ["0200 05b4", "0201 05b4", "fe00 0000", "5501 0000", "0228 05b4", "08ff 0000", "010101 02"])
    func lyingLength(text: String) throws {
        let segment = try segment(tcpFrame(options: hex("0303 07 01") + hex(text), payload: 60))
        #expect(segment.options.present == .windowScale)
        #expect(segment.remarks == .malformedOption)
        #expect(segment.payloadLength == 60)
    }

    @Test("nothing after the end of the list is read")
    func endOfList() throws {
        let segment = try withOptions("0402 00 02 0000 0000 ffff ffff")
        #expect(segment.options.present == .sackPermitted)
        #expect(segment.remarks == [])
    }

    @Test("cut by the snapshot length: what is whole is there", arguments: 0...20)
    func truncated(length: Int) throws {
        let whole = tcpFrame(options: hex("020405b4 0402 080a 00000001 00000002 01 030307"), payload: 7)
        let segment = try segment(Array(whole.prefix(54 + length)), original: whole.count)
        var expected: TCPOptions.Kinds = []
        if length >= 4 { expected.formUnion(.maximumSegmentSize) }
        if length >= 6 { expected.formUnion(.sackPermitted) }
        if length >= 16 { expected.formUnion(.timestamps) }
        if length >= 20 { expected.formUnion(.windowScale) }
        #expect(segment.options.present == expected)
        #expect(segment.remarks == (length < 20 ? .truncatedOptions : []))
        #expect(segment.payloadLength == 7)
        #expect(segment.headerLength == 40)
    }

    @Test("the usual layout, cut")
    func truncatedTimestamps() throws {
        let whole = tcpFrame(options: hex("0101080a 00000001 00000002"))
        for length in 0..<12 {
            let segment = try segment(Array(whole.prefix(54 + length)), original: whole.count)
            #expect(segment.options.present == [])
            #expect(segment.remarks == .truncatedOptions)
        }
    }

    @Test("Linux's list of a SYN is read at once, and says what the same options say one by one")
    func usualSynOptions() throws {
        var random = SplitMix(seed: 168)
        for _ in 0..<1_000 {
            var list = hex("0204 05b4 0402 080a 00112233 44556677 01 0303 07")
            for index in [2, 3] + Array(8..<16) + [19] { list[index] = UInt8(truncatingIfNeeded: random.next()) }
            // Now and then a random octet changes, so kinds and lengths vary too.
            if random.next() % 2 == 0 { list[Int(random.next() % 20)] = UInt8(truncatingIfNeeded: random.next() % 12) }
            let usual = try segment(tcpFrame(options: list))
            // With padding before it, the list no longer looks like Linux's and is read option by option. The padding
            // itself has no meaning.
            let walked = try segment(tcpFrame(options: [1, 1, 1, 1] + list))
            let (one, other) = (usual.options, walked.options)
            let isSame =
                one.present == other.present && one.maximumSegmentSize == other.maximumSegmentSize
                && one.windowScale == other.windowScale && one.timestampValue == other.timestampValue
                && one.timestampEchoReply == other.timestampEchoReply && usual.remarks == walked.remarks
            if !isSame { Issue.record("\(list): \(one) is not \(other)") }
        }
    }
}
