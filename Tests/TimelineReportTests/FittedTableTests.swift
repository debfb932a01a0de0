// `-q` on a terminal: every row fits the page, whatever its addresses are; in a file or a pipe nothing is cut.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

@Suite struct FittedTableTests {
    private static let long = (
        client: SocketAddress(IPAddress(192, 168, 100, 100), 35924),
        server: SocketAddress(IPAddress(203, 0, 113, 200), 44321)
    )
    private static let long6 = (
        client: SocketAddress(IPAddress(high: 0x2001_0db8_85a3_1234, low: 0x5678_8a2e_0370_7334), 35924),
        server: SocketAddress(IPAddress(high: 0x2001_0db8_85a3_1234, low: 0xfedc_ba98_7654_3210), 44321)
    )

    private func table(
        _ ends: (client: SocketAddress, server: SocketAddress), width: Int, fits: Bool = true
    ) -> [String] {
        let play = Play()
        (play.client, play.server) = ends
        return Array(lines(Render(play).run(sample, SummaryReport(width: width, fits: fits))).prefix(2))
    }

    @Test func shortAddressesLeaveRoomForAll() {
        let near = (SocketAddress(.loopbackV4, 35924), SocketAddress(.loopbackV4, 9500))
        for width in [80, 100] {
            #expect(table(near, width: width) == table(near, width: width, fits: false))
        }
    }

    @Test func theOctetsAreGivenUpFirst() {
        #expect(
            table(Self.long, width: 80) == [
                "  # CLIENT                SERVER              OUTCOME          SETUP DURATION",
                "  1 192.168.100.100:35924 203.0.113.200:44321 closed SF         35us  300.7ms",
            ])
        #expect(table(Self.long, width: 91)[0].hasSuffix(">B     <B"))
        // The closer stays, and the processes after it.
        let wide = table(Self.long, width: 100)
        #expect(wide[0].hasSuffix("OUTCOME          SETUP DURATION CLOSER PROCESS"))
        #expect(wide[1].hasSuffix("closed SF         35us  300.7ms client"))
    }

    @Test func thenTheDurationThenTheHandshake() {
        let ends = (
            SocketAddress(IPAddress(high: 0xfe80_0000_0000_0000, low: 0x1234), 35924),
            SocketAddress(IPAddress(high: 0xfe80_0000_0000_0000, low: 0x1234_5678_9abc), 44321)
        )
        // The endpoints take 18 and 28 columns, six lie between and before them, and the outcome takes 16; then the
        // handshake takes 6 and the duration 9.
        #expect(table(ends, width: 83)[0].hasSuffix("SETUP DURATION"))
        #expect(table(ends, width: 82)[0].hasSuffix("OUTCOME          SETUP"))
        #expect(table(ends, width: 80)[0].hasSuffix("OUTCOME          SETUP"))
        #expect(table((ends.1, ends.1), width: 80)[0].hasSuffix("OUTCOME         "))
    }

    @Test func lastBothEndsLoseTheirMiddles() {
        let rows = table(Self.long6, width: 80)
        #expect(
            rows == [
                "  # CLIENT                        SERVER                        OUTCOME         ",
                "  1 [2001:db8:85a3~70:7334]:35924 [2001:db8:85a3~54:3210]:44321 closed SF       ",
            ], "\(rows)")
        // An endpoint that needs less than half leaves the rest to the other.
        let near = table((SocketAddress(.loopbackV6, 35924), Self.long6.server), width: 80)
        #expect(near[1].contains("[::1]:35924 "), "\(near)")
        #expect(near[1].split(separator: " ")[2].count == 80 - 4 - 15 - 2 - 16, "\(near)")
    }

    @Test func noRowLeavesThePage() {
        for ends in [
            Self.long, Self.long6, (Self.long.client, Self.long6.server), (Self.long6.client, Self.long.server),
        ] {
            for width in 80...160 {
                let rows = table(ends, width: width)
                #expect(rows.allSatisfy { $0.utf8.count <= width }, "\(rows)")
                #expect(rows[1].contains(":35924") && rows[1].contains(":44321"), "\(rows)")
            }
        }
    }

    @Test func filesAndPipesKeepEverything() {
        for ends in [Self.long, Self.long6] {
            let rows = table(ends, width: 80, fits: false)
            #expect(rows[0].hasSuffix("SETUP DURATION     >B     <B") && rows[1].hasSuffix("300.7ms     12     20"))
            #expect(rows[1].contains("\(ends.client)") && rows[1].contains("\(ends.server)"))
        }
    }

    /// If a row needs more room than earlier ones, another heading precedes it and the rows that follow.
    @Test func anotherHeadingSaysThatColumnsAreGone() {
        var timeline = Timeline(seed: 1)
        var report = SummaryReport(width: 80, fits: true)
        var out = OutputBuffer()
        let near = (client: SocketAddress(.loopbackV4, 40000), server: SocketAddress(.loopbackV4, 80))
        for (index, ends) in [near, Self.long, near, Self.long6, near].enumerated() {
            var client = ends.client
            client.port += UInt16(index)
            _ = timeline.observe(
                Segment(
                    tuple: FourTuple(source: client, destination: ends.server), sequence: SequenceNumber(1),
                    flags: .syn,
                    window: 1), time: Timestamp(nanoseconds: Int64(index)), frame: UInt64(index + 1))
        }
        for id in timeline.remaining() { report.finish(id, timeline.connections, nil, &out) }
        let all = lines(String(decoding: out.bytes, as: UTF8.self)).filter { !$0.isEmpty }
        #expect(all.map { $0.hasPrefix("  #") } == [true, false, true, false, false, true, false, false], "\(all)")
        #expect(all.allSatisfy { $0.utf8.count <= 80 }, "\(all)")
        func place(_ line: Int) -> Int? {
            let text = all[line]
            let range = text.firstRange(of: "OUTCOME") ?? text.firstRange(of: "no answer")
            return range.map { text.distance(from: text.startIndex, to: $0.lowerBound) }
        }
        #expect(place(2) == place(3) && place(3) == place(4), "\(all)")
        #expect(place(5) == place(6) && place(6) == place(7), "\(all)")
    }

    /// The room is taken from the space after the outcome, so that the columns stay under their titles.
    @Test func aNumberOfFourDigitsMovesNothing() {
        let render = Render()
        var report = SummaryReport(width: 80, fits: true)
        var part = report.part(of: 1)
        render.play.feed(sample)
        var said = OutputBuffer()
        for id in render.play.timeline.remaining() { part.finish(id, render.play.timeline.connections, nil, &said) }
        var out = OutputBuffer()
        for number: UInt64 in [999, 1000, 123_456] { report.merge(said, 0..<said.count, number: number, &out) }
        let rows = lines(String(decoding: out.bytes, as: UTF8.self)).dropFirst().prefix(3)
        #expect(rows.allSatisfy { $0.count == 80 && $0.hasSuffix("35us  300.7ms     12     20") }, "\(rows)")
        #expect(rows.last?.hasPrefix("123456 127.0.0.1:35924 127.0.0.1:9500 closed SF ") == true, "\(rows)")
    }

    @Test(arguments: [
        (0, "     0"), (999_999, "999999"), (1_000_000, " 1000k"), (99_999_999, "99999k"), (100_000_000, "  100M"),
        (123_456_789_012, "  123G"), (.max, "18446P"),
    ]) func octetsOfAnyNumberHaveRoom(_ count: UInt64, _ shown: String) {
        var buffer = OutputBuffer()
        ShortText.append(to: &buffer) { $0.append(octets: count, in: 6) }
        #expect(String(decoding: buffer.bytes, as: UTF8.self) == shown)
    }
}
