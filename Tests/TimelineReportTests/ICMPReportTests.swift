// ICMP errors in the reports: a row in the ladder, the closing line, the table, the NDJSON.

import Exchanges
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite("ICMP errors in reports") struct ICMPReportTests {
    /// The report of an exchange, an error about one of its segments, and the end of the capture.
    private func run(
        _ first: some TraceReport, after exchange: String = "> S 0:0", type: UInt8 = 3, code: UInt8 = 1,
        seq: UInt32 = 0,
        mtu: UInt32 = 0, from router: IPAddress = IPAddress(192, 0, 2, 1)
    ) -> String {
        var report = first
        var out = OutputBuffer()
        let play = Play()
        report.begin(Render.capture(), at: epoch, &out)
        play.observer = { event, timeline in report.segment(event, timeline.connections, &out) }
        play.feed(exchange)
        let error = ICMPError(
            sender: router, quoted: FourTuple(source: play.client, destination: play.server),
            sequence: SequenceNumber(play.clientISN &+ seq), type: type, code: code, nextHopMTU: mtu)
        if let event = play.timeline.observe(error, time: play.now.advanced(by: 2_000_000), frame: 2) {
            report.icmp(event, play.timeline.connections, &out)
        }
        for id in play.timeline.remaining() { report.finish(id, play.timeline.connections, nil, &out) }
        report.end(Render.capture(), CaptureCounts(), at: play.now, &out)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    private func ladder(_ width: Int) -> TextTimelineReport {
        var style = TextStyle()
        style.width = width
        return TextTimelineReport(style: style, order: .blocks)
    }

    @Test("H4: the ladder has a row with the state that it caused, and the closing line the reason")
    func H4_ladder() {
        let lines = run(ladder(120)).split(separator: "\n").map(String.init)
        let row = lines.first { $0.contains("ICMP host unreachable") } ?? ""
        #expect(row.contains("ICMP host unreachable from 192.0.2.1, quoting seq 0"))
        #expect(row.contains("CLOSED |"))
        #expect(row.contains("0.002000"))
        #expect(
            lines.last?.hasPrefix("=> no answer (S0): 1 SYN; ICMP host unreachable, connect() = EHOSTUNREACH") == true)
    }

    @Test("the row is broken between its parts, never wider than the page", arguments: [120, 100, 80, 60, 40])
    func width(_ width: Int) throws {
        let router = IPAddress(high: 0x2001_0db8_1111_2222, low: 0x3333_4444_5555_6666)
        let text = run(ladder(width), from: router)
        for part in ["ICMP host unreachable", "2001:db8:1111:2222:3333:4444:5555:6666", "quoting seq 0"]
        where width >= 100 {
            #expect(text.contains(part), "\(width): \(text)")
        }
        for line in text.split(separator: "\n") where width >= 60 { #expect(line.count <= width, "\(line)") }
        let page = run(HTMLReport(style: TextStyle()), from: router)
        #expect(page.contains(">ICMP host unreachable</text>"), "\(page)")
        #expect(page.contains(">from 2001:db8:1111:2222:3333:4444:5555:6666, quoting seq 0</text>"))
    }

    @Test("E20: packet too big shows the MTU; an error about nothing on its way says so")
    func E20() {
        let open = handshake + "> P. 1:1401 ack 1"
        let text = run(ladder(120), after: open, type: 3, code: 4, seq: 1, mtu: 1280)
        #expect(text.contains("ICMP packet too big, MTU 1280"))
        #expect(!text.contains("CLOSED |-"))
        #expect(run(ladder(120), after: open, seq: 5000).contains("(ignored)"))
    }

    @Test("NDJSON has an icmp record and the state that it caused")
    func json() throws {
        let lines = run(JSONReport()).split(separator: "\n").map(String.init)
        let record = try #require(lines.first { $0.contains(#""_path":"icmp""#) })
        for key in [
            #""frame":2"#, #""endpoint":"orig""#, #""from":"192.0.2.1""#, #""type":3"#, #""code":1"#,
            #""kind":"host_unreachable""#, #""seq":0"#, #""effect":"ends""#, #""errno":"EHOSTUNREACH""#,
        ] { #expect(record.contains(key), "\(key) in \(record)") }
        let state = try #require(lines.first { $0.contains(#""cause":"icmp""#) })
        #expect(state.contains(#""from":"syn_sent","to":"closed""#) && state.contains(#""certainty":"inferred""#))
        #expect(state.contains(#""rule":"3.9.2.2-icmp""#))
        let soft = run(JSONReport(), after: handshake + "> P. 1:11 ack 1", seq: 1)
        #expect(soft.contains(#""effect":"soft""#) && !soft.contains(#""cause":"icmp""#))
    }

    @Test("the table names the reason", arguments: [100, 60])
    func table(_ width: Int) {
        #expect(run(SummaryReport(width: width)).contains("ICMP host unreachable"))
    }
}
