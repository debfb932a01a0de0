// Reassembly: order, holes, overlaps, limits, time, short snapshots, and tunnels around and inside fragments.

import SeededRandom
import TCPModel
import TCPWire
import Testing

/// An IPv4 fragment that carries a range of a packet's payload; the range is in octets.
private func piece(
    _ payload: [UInt8], _ range: Range<Int>, id: Int = 0x1c46, protocol number: UInt8 = 6, last: Bool? = nil
) -> [UInt8] {
    let isLast = last ?? (range.upperBound == payload.count)
    var header = ipv4(range.count, protocol: number, fragment: range.lowerBound / 8 | (isLast ? 0 : 0x2000))
    header.replaceSubrange(4..<6, with: big16(id))
    return header + payload[range]
}

/// An IPv6 fragment that carries a range of a packet's payload; the range is in octets.
private func piece6(_ payload: [UInt8], _ range: Range<Int>, next: UInt8 = 6, id: Int = 7) -> [UInt8] {
    let isLast = range.upperBound == payload.count
    return ipv6(8 + range.count, next: 44) + [next, 0] + big16(range.lowerBound | (isLast ? 0 : 1)) + big32(id)
        + payload[range]
}

private func seconds(_ count: Int64) -> Timestamp { Timestamp(nanoseconds: count * 1_000_000_000) }

@Suite("IP fragments") struct FragmentTests {
    /// A segment with options and 64 octets of text, 96 octets in all.
    static let whole = tcp(flags: 0x018, options: hex("0101080a 00000001 00000002")) + (0..<64).map { UInt8($0) }

    /// The segments that decoding these frames yields, in order.
    private func segments(
        _ frames: [[UInt8]], _ table: inout FragmentReassembly, _ link: LinkType = .raw, at time: Int64 = 0
    ) throws -> [Segment] {
        try frames.compactMap {
            if case .segment(let segment) = try table.decode($0, link, at: seconds(time)) { return segment }
            return nil
        }
    }

    @Test("in any order the last one makes the segment", arguments: [true, false])
    func order(isIPv4: Bool) throws {
        let cuts = [0..<8, 8..<24, 24..<56, 56..<96]
        let frames = cuts.map { isIPv4 ? piece(Self.whole, $0) : piece6(Self.whole, $0) }
        let plain = try segment(isIPv4 ? ipv4(96) + Self.whole : ipv6(96) + Self.whole, .raw)
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
            var table = FragmentReassembly()
            let found = try segments(order.map { frames[$0] }, &table)
            #expect(found.count == 1)
            let segment = try #require(found.first)
            #expect(segment.tuple == plain.tuple)
            #expect(segment.sequence == plain.sequence)
            #expect(segment.payloadLength == 64)
            #expect(segment.options.timestampValue == 1)
            #expect(segment.ipLength == plain.ipLength)
            #expect(segment.hopLimit == plain.hopLimit)
            #expect(segment.ipIdentification == plain.ipIdentification)
            #expect(segment.remarks == .reassembled)
            #expect(table.counts.reassembled == 1 && table.counts.fragments == 4 && table.unfinished == 0)
        }
    }

    @Test("packets are told apart by addresses, protocol, number and tunnel")
    func keys() throws {
        var table = FragmentReassembly()
        let other = piece(Self.whole, 48..<96, id: 1)
        let inTunnel = ipv4(68, protocol: 4) + piece(Self.whole, 48..<96)
        let udpPart = piece(Self.whole, 48..<96, protocol: 17)
        #expect(try segments([piece(Self.whole, 0..<48), other, inTunnel, udpPart], &table).isEmpty)
        #expect(table.unfinished == 4)
        #expect(try segments([piece(Self.whole, 48..<96)], &table).count == 1)
    }

    @Test("the same fragment again is nothing to remark")
    func duplicates() throws {
        for make in [{ piece(Self.whole, $0) }, { piece6(Self.whole, $0) }] as [(Range<Int>) -> [UInt8]] {
            var table = FragmentReassembly()
            let found = try segments([make(0..<48), make(0..<48), make(48..<96)], &table)
            #expect(found.map(\.remarks) == [.reassembled])
            #expect(table.counts.overlapping == 0)
        }
    }

    @Test("IPv4: of what overlaps, the first counts; it is remarked")
    func overlapIPv4() throws {
        var liar = Self.whole
        liar.replaceSubrange(4..<8, with: big32(7777))
        var table = FragmentReassembly()
        let found = try segments(
            [piece(Self.whole, 0..<48), piece(liar, 0..<64, last: false), piece(Self.whole, 64..<96)], &table)
        #expect(found.map(\.sequence) == [SequenceNumber(1000)])
        #expect(found.map(\.remarks) == [[.reassembled, .overlappingFragments]])
        #expect(table.counts.overlapping == 1)
    }

    @Test("IPv6: with an overlap the packet is discarded, and what comes of it later (RFC 5722 4)")
    func overlapIPv6() throws {
        var table = FragmentReassembly()
        let frames = [0..<48, 40..<64, 48..<64, 64..<96, 0..<48].map { piece6(Self.whole, $0) }
        #expect(try segments(frames, &table).isEmpty)
        #expect(table.counts.overlapping == 1 && table.counts.reassembled == 0 && table.unfinished == 0)
        // Another identification means another packet.
        #expect(try segments([0..<48, 48..<96].map { piece6(Self.whole, $0, id: 8) }, &table).count == 1)
    }

    @Test("contradictions: two ends, an end before what came, octets that do not fit, beyond 65535")
    func contradictions() throws {
        var table = FragmentReassembly()
        #expect(
            try segments([piece(Self.whole, 48..<96), piece(Self.whole, 0..<48), piece(Self.whole, 8..<16)], &table)
                .count == 1)
        for frames in [
            [piece(Self.whole, 48..<96, id: 1), piece(Self.whole, 8..<56, id: 1, last: true)],
            [piece(Self.whole, 48..<96, id: 2), piece(Self.whole + [0, 0, 0, 0, 0, 0, 0, 0], 96..<104, id: 2)],
            [piece(Self.whole, 64..<96, id: 3, last: false), piece(Self.whole, 8..<56, id: 3, last: true)],
        ] {
            let before = table.counts.invalid
            #expect(try segments(frames, &table).isEmpty)
            #expect(table.counts.invalid == before + 1)
        }
        let far = ipv4(40, fragment: 0x3fff) + Array(Self.whole.prefix(40))
        #expect(try segments([far], &table).isEmpty)
        // All fragments but the last carry a multiple of eight octets (RFC 8200 4.5).
        let odd = ipv6(8 + 20, next: 44) + hex("0600 0001 00000009") + tcp()
        #expect(try segments([odd], &table).isEmpty)
        #expect(table.counts.invalid == 5)
    }

    @Test("one that the clock left in the future holds up nobody")
    func future() throws {
        var table = FragmentReassembly()
        #expect(try segments([piece(Self.whole, 0..<48, id: 9)], &table, at: 1_000_000).isEmpty)
        #expect(try segments([piece(Self.whole, 0..<48)], &table, at: 100).isEmpty)
        #expect(try segments([piece(Self.whole, 48..<96)], &table, at: 300).isEmpty)
        #expect(table.counts.expired == 1)
    }

    @Test("a packet may take 60 s of the capture's time, and a clock may go back")
    func time() throws {
        var table = FragmentReassembly()
        #expect(try segments([piece(Self.whole, 0..<48)], &table, at: 100).isEmpty)
        #expect(try segments([piece(Self.whole, 48..<56, last: false)], &table, at: 10).isEmpty)
        #expect(try segments([piece(Self.whole, 56..<96)], &table, at: 160).count == 1)
        #expect(try segments([piece(Self.whole, 0..<48)], &table, at: 200).isEmpty)
        #expect(try segments([piece(Self.whole, 48..<96)], &table, at: 261).isEmpty)
        #expect(table.counts.expired == 1)
        #expect(try segments([piece(Self.whole, 0..<48)], &table, at: 262).count == 1)
        // The extremes of time must not trap.
        for nanoseconds in [Int64.min, .max, .min] {
            _ = try table.decode(piece(Self.whole, 0..<48), .raw, at: Timestamp(nanoseconds: nanoseconds))
        }
    }

    @Test("too many at a time: the oldest is given up; memory stays bounded")
    func eviction() throws {
        var table = FragmentReassembly()
        let most = FragmentReassembly.mostDatagrams
        for id in 0...most { #expect(try segments([piece(Self.whole, 0..<48, id: id)], &table).isEmpty) }
        #expect(table.unfinished == most)
        #expect(table.counts.evicted == 1)
        #expect(try segments([piece(Self.whole, 48..<96, id: 0)], &table).isEmpty)
        #expect(try segments([piece(Self.whole, 48..<96, id: most)], &table).count == 1)
        // Many packets are completed while one still waits.
        for round in 0..<20_000 {
            let id = 3000 + round % 50_000
            #expect(try segments([0..<48, 48..<96].map { piece(Self.whole, $0, id: id) }, &table).count == 1)
        }
        #expect(table.unfinished <= most)
    }

    /// The segments with which abandoned packets begin.
    private func begun(_ table: inout FragmentReassembly) -> [BegunSegment] {
        var all: [BegunSegment] = []
        while let next = table.nextBegun() { all.append(next) }
        return all
    }

    @Test(
        "a packet that is given up leaves the segment that its first fragment begins with: in time, for room, at the end"
    )
    func begun() throws {
        var table = FragmentReassembly()
        _ = try table.decode(piece(Self.whole, 0..<48), .raw, at: seconds(100), frame: 7)
        _ = try table.decode(piece6(Self.whole, 0..<40), .raw, at: seconds(101), frame: 8)
        // Without the first fragment, or with too little of it, nothing is known about the segment.
        _ = try table.decode(piece(Self.whole, 48..<96, id: 1), .raw, at: seconds(101), frame: 9)
        _ = try table.decode(piece(Self.whole, 0..<16, id: 2), .raw, at: seconds(101), frame: 10)
        _ = try table.decode(
            piece(Self.whole, 0..<16, id: 3, last: false), .raw, original: 36, at: seconds(101), frame: 11)
        #expect(begun(&table).isEmpty)
        _ = try table.decode(piece(Self.whole, 0..<8, id: 4), .raw, at: seconds(162), frame: 12)
        let all = begun(&table)
        #expect(all.map(\.frame) == [7, 8])
        #expect(all.map(\.time) == [seconds(100), seconds(101)])
        #expect(all.map(\.segment.payloadLength) == [16, 8])
        #expect(all.map(\.segment.ipLength) == [68, 80])
        #expect(all.allSatisfy { $0.segment.remarks == .incomplete && $0.segment.options.timestampValue == 1 })
        #expect(all.allSatisfy { $0.segment.sequence == SequenceNumber(1000) })
        #expect(table.counts.expired == 5 && table.counts.begun == 2)

        _ = try table.decode(piece(Self.whole, 0..<48, id: 5), .raw, at: seconds(163), frame: 13)
        table.giveUpAll()
        #expect(begun(&table).map(\.frame) == [13])
        #expect(table.unfinished == 0 && table.counts.expired == 7 && table.counts.begun == 3)
        // A packet that was completed leaves nothing.
        #expect(try segments([piece(Self.whole, 0..<48), piece(Self.whole, 48..<96)], &table).count == 1)
        table.giveUpAll()
        #expect(begun(&table).isEmpty)
    }

    @Test("more given up than anybody asks for: what is kept stays bounded")
    func begunBound() throws {
        var table = FragmentReassembly()
        let most = FragmentReassembly.mostDatagrams
        for id in 0..<4 * most {
            _ = try table.decode(piece(Self.whole, 0..<48, id: id), .raw, frame: UInt64(id))
        }
        #expect(table.counts.evicted == UInt64(3 * most))
        #expect(begun(&table).map(\.frame) == (0..<UInt64(most)).map { $0 })
    }

    @Test("fragments that contradict each other leave it at once, and nothing later")
    func begunDiscarded() throws {
        var table = FragmentReassembly()
        let frames = [0..<48, 40..<64, 64..<96].map { piece6(Self.whole, $0) }
        _ = try table.decode(frames[0], .raw, frame: 1)
        _ = try table.decode(frames[1], .raw, frame: 2)
        #expect(begun(&table).map(\.frame) == [1])
        _ = try table.decode(frames[2], .raw, frame: 3)
        table.giveUpAll()
        #expect(begun(&table).isEmpty)
    }

    @Test("of several packets in a packet that was put together, the first")
    func aggregate() throws {
        let one = snap + ipv4(25) + tcp() + Array("hello".utf8)
        let frame = hex("0000 8240") + wireless("8802", "8000") + subframe(one) + subframe(one)
        var table = FragmentReassembly()
        let found = try segments(
            [piece(frame, 0..<64, protocol: 47), piece(frame, 64..<frame.count, protocol: 47)], &table)
        #expect(found.map(\.payloadLength) == [5])
    }

    @Test("more holes than any sender makes")
    func holes() throws {
        var table = FragmentReassembly()
        let large = Self.whole + [UInt8](repeating: 1, count: 4000)
        for index in 0..<200 {
            let at = index * 16
            #expect(try segments([piece(large, at..<at + 8)], &table).isEmpty)
        }
        #expect(table.counts.invalid == 1)
    }

    @Test("a short snapshot length: lengths are known, so the segment is; options as far as captured")
    func snapshot() throws {
        let large = Self.whole + [UInt8](repeating: 1, count: 2904)
        for kept in [40, 44, 52, 60, 96] {
            var table = FragmentReassembly()
            let first = piece(large, 0..<1480)
            let second = piece(large, 1480..<3000)
            #expect(try table.decode(Array(first.prefix(kept)), .raw, original: first.count).isWaiting)
            let decoded = try table.decode(Array(second.prefix(kept)), .raw, original: second.count)
            guard case .segment(let segment) = decoded else {
                Issue.record("\(kept): \(decoded)")
                continue
            }
            #expect(segment.sequence == SequenceNumber(1000))
            #expect(segment.payloadLength == 3000 - 32)
            #expect(segment.remarks.contains(.truncatedOptions) == (kept < 52))
        }
        // Without the ports the segment cannot be decoded, and the error says why.
        var table = FragmentReassembly()
        let (first, second) = (piece(large, 0..<1480), piece(large, 1480..<3000))
        #expect(try table.decode(Array(first.prefix(30)), .raw, original: first.count).isWaiting)
        #expect(
            throws: DecodeError(
                layer: .tcp, kind: .truncated, offset: 0, needed: 20, available: 10, limitedBy: .capture)
        ) {
            try table.decode(second, .raw)
        }
    }

    @Test("a tunnel in fragments, fragments in a tunnel, and both")
    func tunnels() throws {
        let inner = ipv4(96) + Self.whole
        var table = FragmentReassembly()
        let outer = try segments([0..<64, 64..<116].map { piece(inner, $0, protocol: 4) }, &table)
        #expect(outer.map(\.tunnel) == [.ipip])
        #expect(outer.map(\.remarks) == [[]])
        let inside = try segments(
            [0..<48, 48..<96].map { ipv4(20 + $0.count, protocol: 4) + piece(Self.whole, $0) }, &table)
        #expect(inside.map(\.remarks) == [.reassembled])
        #expect(inside.map(\.tunnelDepth) == [1])
        let both = [0..<48, 48..<96].map { piece(Self.whole, $0) }
        let frames = both.enumerated().flatMap { number, packet in
            [0..<24, 24..<68].map { piece(packet, $0, id: 100 + number, protocol: 4) }
        }
        #expect(try segments(frames, &table).map(\.payloadLength) == [64])
    }

    @Test("IPv6 extension headers before and behind the fragment header")
    func extensions() throws {
        let fragmentable = hex("06 00 01 04 00000000") + Self.whole
        let frames = [0..<40, 40..<104].map { range -> [UInt8] in
            let body = hex("3c 00") + big16(range.lowerBound | (range.upperBound == 104 ? 0 : 1)) + big32(9)
            let before = hex("2c 00 01 04 00000000")
            return ipv6(before.count + body.count + range.count, next: 0) + before + body + fragmentable[range]
        }
        var table = FragmentReassembly()
        let found = try segments(frames, &table)
        #expect(found.map(\.payloadLength) == [64])
        #expect(found.map(\.ipLength) == [40 + 8 + 104])
        // A fragment header within the fragmented part is not followed.
        let nested = hex("06 00 00 01 00000003") + Self.whole
        #expect(try segments([0..<40, 40..<104].map { piece6(nested, $0, next: 44) }, &table).isEmpty)
    }

    @Test("random fragments: bounded, and nothing traps")
    func noise() {
        var random = SplitMix(seed: 6)
        var table = FragmentReassembly()
        var segments = 0
        for round in 0..<60_000 {
            let start = Int.random(in: 0..<13, using: &random) * 8
            let end = min(96, start + Int.random(in: 0...6, using: &random) * 8)
            let isV6 = Bool.random(using: &random)
            let id = Int.random(in: 0..<40, using: &random)
            var bytes = isV6 ? piece6(Self.whole, start..<end, id: id) : piece(Self.whole, start..<end, id: id)
            if round % 3 == 0 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            }
            let original = bytes.count
            if round % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            let time = Timestamp(nanoseconds: Int64(round) * 10_000_000)
            if case .segment? = try? table.decode(bytes, .raw, original: original, at: time) { segments += 1 }
        }
        #expect(segments > 100)
        #expect(table.unfinished <= FragmentReassembly.mostDatagrams)
    }
}

extension DecodedFrame {
    fileprivate var isWaiting: Bool {
        if case .other(.fragment) = self { true } else { false }
    }
}
