// The place of a segment's text in its frame: behind every kind of header, and without the octets after the segment.

import TCPModel
import TCPWire
import Testing

@Suite("Place of the text") struct TextPlaceTests {
    /// The text that is found in the captured part of a frame; nil if no place is found.
    private func text(
        _ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil, ordinal: Int = 0
    ) -> String? {
        let header = FrameHeader(
            time: Timestamp(nanoseconds: 0), capturedLength: UInt32(bytes.count),
            originalLength: UInt32(original ?? bytes.count), linkType: link)
        // Every octet of an array of UInt8 is initialized.
        let span = unsafe bytes.span.bytes
        guard let place = textPlace(span, header, ordinal: ordinal) else { return nil }
        return String(decoding: span.copied(place.start, count: place.count), as: UTF8.self)
    }

    /// Every sample frame and every tunnel that carries `hello`.
    private static let greetings: [(name: String, link: LinkType, bytes: [UInt8])] =
        (sampleFrames + TunnelTests.all.map { ($0.name, link($0.packet), $0.packet) }).filter { sample in
            (try? segment(sample.bytes, sample.link))?.payloadLength == 5
        }

    @Test("in every link layer and tunnel, whatever is behind it")
    func everywhere() {
        #expect(Self.greetings.count > 40)
        for (name, link, bytes) in Self.greetings {
            #expect(text(bytes, link) == "hello", "\(name)")
            // The octets stand for a short frame's padding or a check sequence.
            #expect(text(bytes + Array("PADDED".utf8), link) == "hello", "\(name) with padding")
        }
    }

    @Test("cut at every length: as much as is there")
    func cut() throws {
        for (name, link, bytes) in Self.greetings {
            var longest = 0
            for length in 0..<bytes.count {
                let cut = Array(bytes.prefix(length))
                guard (try? segment(cut, link, original: bytes.count)) != nil else { continue }
                let found = try #require(text(cut, link, original: bytes.count), "\(name) cut at \(length)")
                #expect("hello".hasPrefix(found), "\(name) cut at \(length): \(found)")
                #expect(found.utf8.count >= longest, "\(name) cut at \(length)")
                longest = found.utf8.count
            }
            // Only the last octet may be missing at the longest cut, unless the frame ends in padding.
            #expect(longest >= 4, "\(name)")
        }
    }

    @Test("of several packets in a frame each has its own", arguments: aggregateFrames.indices)
    func several(index: Int) {
        let (name, link, bytes) = aggregateFrames[index]
        #expect(text(bytes, link, ordinal: 0) == "hello", "\(name)")
        #expect(text(bytes, link, ordinal: 1)?.isEmpty == true, "\(name)")
        #expect(text(bytes, link, ordinal: 2) == nil, "\(name)")
    }

    @Test("a segment without text has an empty place, other traffic none")
    func none() {
        #expect(text(tcpFrame())?.isEmpty == true)
        #expect(text(tcpFrame() + [0, 0, 0, 0, 0, 0])?.isEmpty == true)
        #expect(text(ethernet(0x0806)) == nil)
        #expect(text(ethernet() + ipv4(40, fragment: 0x2000) + [UInt8](repeating: 1, count: 40)) == nil)
        #expect(text([]) == nil)
    }

    @Test("of a packet in fragments as much as was captured", arguments: [false, true], [2000, 600, 100])
    func fragments(inTunnel: Bool, snapshot: Int) throws {
        let whole = tcp(flags: 0x018) + (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let packet = inTunnel ? ipv4(whole.count) + whole : whole
        let number: UInt8 = inTunnel ? 4 : 6
        func piece(_ range: Range<Int>) -> [UInt8] {
            let isLast = range.upperBound == packet.count
            return ipv4(range.count, protocol: number, fragment: range.lowerBound / 8 | (isLast ? 0 : 0x2000))
                + packet[range]
        }
        for keeps in [true, false] {
            var table = FragmentReassembly(keepsText: keeps)
            func take(_ range: Range<Int>) throws -> DecodedFrame {
                let whole = piece(range)
                return try table.decode(Array(whole.prefix(snapshot)), .raw, original: whole.count)
            }
            _ = try take(0..<800)
            guard case .segment(let segment) = try take(800..<packet.count) else {
                Issue.record("no segment")
                return
            }
            #expect(segment.payloadLength == 1000)
            let headers = inTunnel ? 40 : 20
            let there = snapshot > 820 ? 1000 : snapshot - 20 - headers
            #expect(table.latestText == Array(whole.dropFirst(20).prefix(keeps ? there : 0)))
        }
    }

    @Test("of fragments within fragments all of it")
    func fragmentsInFragments() throws {
        let text = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let whole = tcp(flags: 0x018) + text
        var table = FragmentReassembly(keepsText: true)
        var found: DecodedFrame?
        for (id, range) in [(1, 0..<800), (2, 800..<whole.count)] {
            // The inner fragment travels in a tunnel whose own packet is fragmented as well.
            let isLast = range.upperBound == whole.count
            let inner = ipv4(range.count, fragment: range.lowerBound / 8 | (isLast ? 0 : 0x2000)) + whole[range]
            for outer in [0..<160, 160..<inner.count] {
                let end = outer.upperBound == inner.count
                var header = ipv4(outer.count, protocol: 4, fragment: outer.lowerBound / 8 | (end ? 0 : 0x2000))
                header.replaceSubrange(4..<6, with: big16(id))
                found = try table.decode(header + inner[outer], .raw)
            }
        }
        guard case .segment(let segment)? = found else {
            Issue.record("no segment")
            return
        }
        #expect(segment.payloadLength == 1000)
        #expect(table.latestText == text)
    }

    @Test("of a packet whose other fragments did not come what the first one has")
    func begun() throws {
        let text = (0..<700).map { UInt8(truncatingIfNeeded: $0) }
        for keeps in [true, false] {
            var table = FragmentReassembly(keepsText: keeps)
            _ = try table.decode(ipv4(720, fragment: 0x2000) + tcp(flags: 0x018) + text, .raw)
            table.giveUpAll()
            let begun = table.nextBegun()
            #expect(begun?.segment.payloadLength == 700)
            #expect(table.latestText == (keeps ? text : []))
        }
    }
}
