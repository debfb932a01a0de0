// `-q`: the positions of its columns.

import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite struct SummaryColumnTests {
    @Test("the titles stand over the first row, however long its addresses are", arguments: [80, 100])
    func titles(_ width: Int) throws {
        let tuple = FourTuple(
            source: SocketAddress(IPAddress(high: 0xfe80_0000_0000_0000, low: 0x1234_5678_9abc_def0), 65_535),
            destination: SocketAddress(IPAddress(high: 0xfe80_0000_0000_0000, low: 0xfedc_ba98_7654_3210), 65_534))
        var report = SummaryReport(width: width, reserving: 15)
        var timeline = Timeline(seed: 1)
        var out = OutputBuffer()
        _ = timeline.observe(
            Segment(tuple: tuple, sequence: SequenceNumber(7), flags: .syn), time: Timestamp(nanoseconds: 1), frame: 1)
        for id in timeline.remaining() { report.finish(id, timeline.connections, nil, &out) }
        let lines = String(decoding: out.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        try #require(lines.count == 2)
        let (titles, row) = (lines[0], lines[1])
        func column(_ word: String, in line: String) -> Int? {
            line.firstRange(of: word).map { line.distance(from: line.startIndex, to: $0.lowerBound) }
        }
        #expect(column("CLIENT", in: titles) == column("[fe80::1234:5678:9abc:def0]:65535", in: row))
        #expect(column("SERVER", in: titles) == column("[fe80::fedc:ba98:7654:3210]:65534", in: row))
        #expect(column("OUTCOME", in: titles) == column("no answer S0", in: row), "\(lines)")
        if width < 100 { #expect(titles.count == row.count, "\(lines)") }
    }
}
