// -A, -x, -X and -e: how octets and link headers appear under their rows, which octets are never printed, and what is
// left out.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

private let exchange = """
    0.000 > S 0:0
    0.001 < S. 0:0 ack 1
    0.002 > . 1:1 ack 1
    0.003 > P. 1:31 ack 1
    0.004 < . 1:1 ack 31
    0.005 < P. 1:4 ack 31

    """

private let request = Array("GET / HTTP/1.0\r\nHost: a\r\n\r\nend".utf8)

private let link = LinkHeader.ethernet(
    source: HardwareAddress(octets: 0x0242_ac11_0002), destination: HardwareAddress(octets: 0x0242_ac11_0003),
    LinkTags(etherType: 0x0800))

/// The timeline of an exchange in which the client's segments carry this text, and the server's carry zeros.
private func page(
    _ text: String = exchange, _ octets: [UInt8] = request, width: Int = 100, lost: Int = 0,
    lack: FrameExcerpt.Lack = .notCaptured, link: LinkHeader? = nil, device: String? = nil, room: Int = .max,
    _ change: (inout TextStyle) -> Void
) -> [String] {
    var style = TextStyle()
    style.width = width
    change(&style)
    var report = TextTimelineReport(style: style, order: .blocks, mostExcerpts: room)
    var out = OutputBuffer()
    let play = Play()
    play.observer = { event, timeline in
        let count = Int(event.segment.payloadLength)
        let source = event.sender == .originator ? octets : [UInt8](repeating: 0, count: count)
        let there = Array(source.prefix(max(0, count - lost)))
        report.segment(
            event,
            count == 0 && link == nil
                ? nil
                : FrameExcerpt(
                    link: link, device: device, frameLength: 1514, text: there, missing: UInt32(count - there.count),
                    lack: lack),
            timeline.connections, &out)
    }
    play.feed(text)
    play.observer = nil
    for id in play.timeline.remaining() { report.finish(id, play.timeline.connections, nil, &out) }
    return lines(String(decoding: out.bytes, as: UTF8.self))
}

/// The lines after the "data" rule, without the closing line.
private func data(_ page: [String]) -> [String] {
    Array(page.drop { !$0.hasPrefix("--- data") }.dropFirst().prefix { !$0.hasPrefix("open") })
}

@Suite("Octets under their rows") struct ExcerptTests {
    @Test func asciiAt100Columns() {
        #expect(
            data(page { $0.detail.octets = .ascii }) == [
                "  4  0.003000 +1.000ms                |== 30 bytes 1:31 ack 1 ====================>|",
                "      > GET / HTTP/1.0",
                "      > Host: a",
                "      >",
                "      > end",
                "  5  0.004000 +1.000ms                |<----------------------------- ACK ack 31 --|",
                "  6  0.005000 +1.000ms                |<===================== 3 bytes 1:4 ack 31 ==|",
                "      < ...",
            ])
    }

    @Test func hexAndASCIIAt80Columns() {
        #expect(
            data(page(width: 80) { $0.detail.octets = .hexAndASCII }) == [
                "  4 +1.00ms               |== 30 bytes 1:31 ack 1 =============>|",
                "        0x0000:  4745 5420 2f20 4854 5450 2f31 2e30 0d0a  GET / HTTP/1.0..",
                "        0x0010:  486f 7374 3a20 610d 0a0d 0a65 6e64       Host: a....end",
                "  5 +1.00ms               |<---------------------- ACK ack 31 --|",
                "  6 +1.00ms               |<============== 3 bytes 1:4 ack 31 ==|",
                "        0x0000:  0000 00                                  ...",
            ])
    }

    @Test func hexAt60ColumnsAndUnder() {
        #expect(
            page(width: 60) { $0.detail.octets = .hex }.filter { $0.contains("0x") } == [
                "     0x0000:  4745 5420 2f20 4854 5450 2f31 2e30 0d0a",
                "     0x0010:  486f 7374 3a20 610d 0a0d 0a65 6e64",
                "     0x0000:  0000 00",
            ])
        #expect(
            page(width: 40) { $0.detail.octets = .hexAndASCII }.filter { $0.contains("0x") } == [
                "  0x0000:  4745 5420 2f20 4854  GET / HT",
                "  0x0008:  5450 2f31 2e30 0d0a  TP/1.0..",
                "  0x0010:  486f 7374 3a20 610d  Host: a.",
                "  0x0018:  0a0d 0a65 6e64       ...end",
                "  0x0000:  0000 00              ...",
            ])
    }

    @Test("link headers, and what is missing", arguments: [100, 80])
    func linkHeadersAndWhatIsMissing(_ width: Int) {
        let page = page(width: width, lost: 20, link: link) {
            $0.detail.octets = .hex
            $0.detail.linkHeaders = true
        }
        let named = "        02:42:ac:11:00:02 > 02:42:ac:11:00:03, ethertype IPv4, length 1514"
        #expect(page.filter { $0 == named }.count == 6)
        #expect(
            Array(data(page).dropFirst().prefix(3)) == [
                named, "        0x0000:  4745 5420 2f20 4854 5450", "        [20 of 30 octets not captured]",
            ])
        #expect(page.contains("        [3 of 3 octets not captured]"))
    }

    @Test(
        "every kind of link header",
        arguments: [
            (LinkHeader.none, "no link header, length 1514"),
            (.loopback(family: 2), "loopback, no addresses, family 2, length 1514"),
            (.cut, "link header not captured, length 1514"),
            (.other(.wireless), "link header of 802.11 not shown, length 1514"),
            (.other(LinkType(200)), "link header of type 200 not shown, length 1514"),
            (
                .cooked(
                    packetType: 4, sender: HardwareAddress(octets: 2), interface: 3, LinkTags(etherType: 0x86dd)),
                "Out, from 00:00:00:00:00:02, ifindex 3, ethertype IPv6, length 1514"
            ),
            (
                .cooked(
                    packetType: 0, sender: HardwareAddress(octets: 0x8000_004a_fe80_0001, count: 20), interface: nil,
                    LinkTags(etherType: 0x0800)),
                "In, from 80:00:00:4a:fe:80:00:01..., ethertype IPv4, length 1514"
            ),
            (
                .cooked(
                    packetType: 9, sender: HardwareAddress(octets: 0, count: 0), interface: nil,
                    LinkTags(etherType: 0x88cc)), "Packet type 9, no address, ethertype 0x88cc, length 1514"
            ),
        ])
    func kinds(_ link: LinkHeader, _ words: String) {
        let page = page(link: link) { $0.detail.linkHeaders = true }
        #expect(page.filter { $0 == "        " + words }.count == 6, "\(page)")
    }

    @Test func theNameOfAnInterface() {
        let link = LinkHeader.cooked(
            packetType: 0, sender: HardwareAddress(octets: 0, count: 0), interface: 3, LinkTags(etherType: 0x0800))
        let page = page(link: link, device: "eth\u{1b}[2J0") { $0.detail.linkHeaders = true }
        let words = "        In, no address, ifindex 3 (eth\\x1b[2J0), ethertype IPv4, length 1514"
        #expect(page.filter { $0 == words }.count == 6, "\(page)")
    }

    @Test func vlans() {
        var tags = LinkTags(etherType: 0x0800)
        tags.append(0x6064)
        tags.append(5)
        let address = HardwareAddress(octets: 1)
        let page = page(link: .ethernet(source: address, destination: address, tags)) { $0.detail.linkHeaders = true }
        #expect(page.contains { $0.hasSuffix(":01, vlan 100 p 3, vlan 5, ethertype IPv4, length 1514") })
    }

    @Test func whyOctetsAreMissing() {
        let words: [(FrameExcerpt.Lack, String)] = [
            (.notCaptured, "not captured"), (.notInFrame, "not in the frame"),
            (.fragments, "not in the fragments"),
        ]
        for (lack, why) in words {
            #expect(
                page(lost: 30, lack: lack) { $0.detail.octets = .ascii }.contains("        [30 of 30 octets \(why)]"))
        }
    }

    @Test("a longer line goes on under its mark", arguments: [100, 80, 60, 30, 20])
    func longLines(_ width: Int) {
        let text = Array(String(repeating: "0123456789", count: 30).utf8)
        let page = page("\(handshake)> P. 1:301 ack 1", text, width: width) { $0.detail.octets = .ascii }
        let margin = width < 80 ? 3 : 6
        let pieces = page.compactMap { line -> String? in
            let rest = line.dropFirst(margin)
            return line.prefix(margin).allSatisfy { $0 == " " } && (rest.hasPrefix("> 0") || rest.hasPrefix(": "))
                ? String(rest.dropFirst(2)) : nil
        }
        #expect(pieces.joined() == String(decoding: text, as: UTF8.self), "\(page)")
        #expect(page.count { $0.dropFirst(margin).hasPrefix("> 0") } == 1)
        #expect(pieces.count == (300 + width - margin - 3) / (width - margin - 2))
    }

    /// Escape sequences, C1 controls as UTF-8 and alone, bidirectional marks, broken UTF-8: only printable ASCII is
    /// written, and no line of a text looks like one of the report's.
    @Test("a hostile text", arguments: [100, 80, 50], [OctetStyle.ascii, .hex, .hexAndASCII])
    func hostile(_ width: Int, _ octets: OctetStyle) {
        var text = Array("\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{9b}31m\u{202e}\u{2028}é\u{1F600}\u{0}\t\u{7f}\u{8}".utf8)
        text += [0x9b, 0x33, 0x31, 0x6d, 0xff, 0xc0, 0x80, 0x84, 0x85, 0x0a]
        text += Array(
            "  9  0.000001 +1.000ms                |-- RST seq 1 X| CLOSED\n--- reset ---\nclosed (SF)\n\n\n".utf8)
        let page = page("\(handshake)> P. 1:\(text.count + 1) ack 1", text, width: width) {
            $0.detail.octets = octets
            $0.detail.linkHeaders = true
        }
        #expect(page.allSatisfy { $0.utf8.allSatisfy { 0x20...0x7e ~= $0 } })
        #expect(page.allSatisfy { $0.count <= width })
        #expect(!page.contains { $0.hasPrefix("  9") || $0.hasPrefix("--- reset") || $0.hasPrefix("closed (SF)") })
        if octets == .ascii {
            let marked = page.filter { $0.trimmingPrefix { $0 == " " }.first.map { ">:".contains($0) } == true }
            // Every octet appears as itself or as a point, except the six line feeds.
            let margin = width < 80 ? 5 : 8
            #expect(marked.reduce(0) { $0 + max(0, $1.count - margin) } == text.count - 6)
        }
    }

    @Test func everySegmentHasItsOwnRowAndRepetitionsTheirText() {
        let again = exchange + "0.300 > P. 1:31 ack 4\n0.301 < . 4:4 ack 31\n"
        let page = page(again) { $0.detail.octets = .ascii }
        #expect(page.count { $0 == "      > Host: a" } == 2)
        let folded = ladder(exchange)
        #expect(folded.contains { $0.contains("30 bytes 1:31, acked") })
        #expect(!page.contains { $0.contains("acked") })
    }

    @Test("what waits has bounds, and says so")
    func room() {
        let text = (0..<10).map { "0.1\($0) > P. \($0 * 30 + 1):\($0 * 30 + 31) ack 1" }.joined(separator: "\n")
        let page = page(handshake + text, room: 3 * 347) { $0.detail.octets = .ascii }
        #expect(page.count { $0 == "      > Host: a" } == 3)
        #expect(page.count { $0 == "        [30 of 30 octets left out: too much else waits to be shown]" } == 7)
        #expect(page.count { $0.contains("30 bytes") } == 10)
    }

    /// An excerpt is counted with at least the memory that it takes: its text, and three times what is written under
    /// its row, which a growing buffer takes. It is counted with at most about twice as much.
    @Test(
        "what is written of a text counts", arguments: [140, 100, 80, 40, 12], [OctetStyle.ascii, .hex, .hexAndASCII])
    func whatIsWrittenCounts(_ width: Int, _ octets: OctetStyle) {
        let texts = ["\n", "\r\n", "x", "a\n", "GET / HTTP/1.0\r\n"].map { piece in
            Array(String(repeating: piece, count: 3000 / piece.utf8.count).utf8)
        }
        for text in texts {
            var style = TextStyle()
            style.width = width
            style.detail.octets = octets
            let rows = "\(handshake)> P. 1:\(text.count + 1) ack 1"
            let shown = page(rows, text, width: width) { $0.detail = style.detail }
            let bare = page(rows, text, width: width) { _ in }
            let written = Self.octets(shown) - Self.octets(bare)
            let room = ExcerptRoom(
                style, TimelineLayout(width: width, timeStyle: .sinceStart), isStream: false, most: 0)
            let excerpt = FrameExcerpt(link: nil, frameLength: 0, text: text, missing: 0, lack: .noRoom)
            let size = room.size(of: excerpt)
            #expect(size >= text.count + 3 * written)
            #expect(size <= text.count + 2 * 3 * written + 400, "\(written)")
        }
    }

    private static func octets(_ page: [String]) -> Int { page.reduce(0) { $0 + $1.utf8.count + 1 } }

    /// Line feeds become lines, so they take more memory than as many other octets.
    @Test func lineFeedsTakeTheRoomThatTheirLinesTake() {
        let text = (0..<10).map { "0.1\($0) > P. \($0 * 30 + 1):\($0 * 30 + 31) ack 1" }.joined(separator: "\n")
        for (octet, shown) in [(UInt8(0x78), 10), (0x0a, 3)] {
            let page = page(handshake + text, [UInt8](repeating: octet, count: 30), room: 3 * 995) {
                $0.detail.octets = .ascii
            }
            #expect(page.count { $0.contains("left out: too much else waits") } == 10 - shown, "\(octet)")
        }
    }

    /// Excerpts that were shown make room for later ones.
    @Test func aStreamHasRoomForEver() {
        var style = TextStyle()
        style.detail.octets = .ascii
        var report = TextTimelineReport(style: style, order: .stream, mostExcerpts: 500)
        var out = OutputBuffer()
        let play = Play()
        play.observer = { event, timeline in
            let excerpt = FrameExcerpt(link: nil, frameLength: 0, text: request, missing: 0, lack: .noRoom)
            report.segment(event, event.segment.payloadLength > 0 ? excerpt : nil, timeline.connections, &out)
            report.flush(now: event.time.advanced(by: Span.second), timeline.connections, nil, &out)
        }
        play.feed(handshake + (0..<100).map { "> P. \($0 * 30 + 1):\($0 * 30 + 31) ack 1" }.joined(separator: "\n"))
        let page = lines(String(decoding: out.bytes, as: UTF8.self))
        #expect(page.count { $0 == "      > end" } == 100)
        #expect(!page.contains { $0.contains("left out") })
    }

    @Test func severalConnectionsKeepTheirColumns() {
        var style = TextStyle()
        style.width = 80
        style.detail.octets = .hexAndASCII
        var report = TextTimelineReport(style: style, order: .stream)
        var out = OutputBuffer()
        let play = Play()
        play.observer = { event, timeline in
            let excerpt = FrameExcerpt(link: nil, frameLength: 0, text: request, missing: 0, lack: .noRoom)
            report.segment(event, event.segment.payloadLength > 0 ? excerpt : nil, timeline.connections, &out)
            report.flush(now: event.time.advanced(by: Span.second), timeline.connections, nil, &out)
        }
        play.feed(handshake)
        play.client = SocketAddress(.loopbackV4, 35925)
        play.feed(handshake + "> P. 1:31 ack 1")
        let page = lines(String(decoding: out.bytes, as: UTF8.self))
        #expect(page.contains("2|        0x0010:  486f 7374 3a20 610d 0a0d 0a65 6e64       Host: a....end"), "\(page)")
        #expect(page.allSatisfy { $0.count <= 80 })
    }

    @Test func nothingIsAskedForByDefault() {
        #expect(TextTimelineReport(style: TextStyle(), order: .blocks).excerpts.isNothing)
        #expect(JSONReport().excerpts.isNothing && SummaryReport(width: 80).excerpts.isNothing)
    }
}
