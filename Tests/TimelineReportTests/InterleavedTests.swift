// Several active connections in a live trace: rows appear in the order of time, and data is still folded with its ACK.

import Exchanges
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite struct InterleavedTests {
    private let play = Play()
    private let render: Render
    private let other = SocketAddress(.loopbackV4, 40000)

    init() { render = Render(play) }

    /// Opens connections 1 and 2.
    private func begin(_ report: inout TextTimelineReport) {
        feed("0 > S 0:0\n0.00001 < S. 0:0 ack 1\n0.00002 > . 1:1 ack 1", &report)
        second("0.001 > S 0:0\n0.00101 < S. 0:0 ack 1\n0.00102 > . 1:1 ack 1", &report)
    }

    private func feed(_ text: String, _ report: inout TextTimelineReport) {
        var events: [SegmentEvent] = []
        play.observer = { event, _ in events.append(event) }
        play.feed(text)
        play.observer = nil
        for event in events { report.segment(event, play.timeline.connections, &render.out) }
    }

    /// Feeds segments of the other client.
    private func second(_ text: String, _ report: inout TextTimelineReport) {
        let first = play.client
        play.client = other
        feed(text, &report)
        play.client = first
    }

    private func flush(_ report: inout TextTimelineReport, at milliseconds: Int64) {
        report.flush(
            now: epoch.advanced(by: milliseconds * Span.millisecond), play.timeline.connections, nil, &render.out)
    }

    /// The text before the time in each row: the numbers of the connection and of the first frame.
    private var rows: [String] {
        lines(String(decoding: render.out.bytes, as: UTF8.self)).filter { row in
            ["--|", "==|", "->|", "=>|"].contains { row.contains($0) }
        }.map { String($0.prefix { $0 != "." }.filter { $0 != " " }.dropLast()) }
    }

    @Test func aRowThatWaitsForItsAckStandsBeforeWhatCameMeanwhile() {
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        begin(&report)
        flush(&report, at: 300)
        // Connection 1 sends text, then connection 2 closes; the ACK for 1 comes 40 ms later.
        feed("0.400 > P. 1:11 ack 1", &report)
        second("0.410 > F. 1:1 ack 1\n0.41001 < . 1:1 ack 2", &report)
        flush(&report, at: 411)
        #expect(!rows.contains("2|8"), "it waits for 1's row: \(rows)")
        feed("0.440 < . 1:1 ack 11", &report)
        flush(&report, at: 445)
        flush(&report, at: 700)
        #expect(rows.suffix(3) == ["1|7+", "2|8", "2|9"], "\(rows)")
    }

    @Test func nobodyWaitsForLongerThanARowIsHeld() {
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        begin(&report)
        flush(&report, at: 300)
        // Connection 1 sends without pause, in one run; connection 2 closes.
        for step in 0..<30 {
            feed("\(0.4 + Double(step) / 100) > P. \(1 + step * 10):\(11 + step * 10) ack 1", &report)
        }
        second("0.691 > F. 1:1 ack 1", &report)
        flush(&report, at: 692)
        #expect(rows.suffix(2) == ["1|7+", "2|37"], "the run is cut: \(rows)")
    }

    @Test func oneTurnsRowsAreSortedWithinEachConnectionAndAmongAll() {
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        begin(&report)
        for step in 0..<5 {
            let time = 0.4 + Double(step) / 100
            feed("\(time) > P. \(1 + step * 10):\(11 + step * 10) ack \(1 + step)", &report)
            second("\(time + 0.0005) > P. \(1 + step):\(2 + step) ack 1", &report)
            feed("\(time + 0.001) < P. \(1 + step):\(2 + step) ack \(11 + step * 10)", &report)
            second("\(time + 0.0015) < . 1:1 ack \(2 + step)", &report)
        }
        flush(&report, at: 900)
        let frames = rows.compactMap { Int($0.split(separator: "|")[1].split(separator: "+")[0]) }
        #expect(rows.count > 15 && frames == frames.sorted(), "\(rows)")
    }

    @Test func aLoneConnectionsRunIsNotCut() {
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        feed("0 > S 0:0\n0.00001 < S. 0:0 ack 1\n0.00002 > . 1:1 ack 1", &report)
        for step in 0..<60 {
            feed("\(0.4 + Double(step) / 100) > P. \(1 + step * 10):\(11 + step * 10) ack 1", &report)
            flush(&report, at: 401 + Int64(step) * 10)
        }
        flush(&report, at: 2000)
        #expect(rows.count == 4 && rows.last == "4+", "\(rows)")
    }

    /// The number shifts the columns, so column heads are written once above the shifted rows.
    @Test func aConnectionThatWasAloneGetsColumnHeadsWithItsNumber() {
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        feed("0 > S 0:0\n0.00001 < S. 0:0 ack 1\n0.00002 > . 1:1 ack 1", &report)
        flush(&report, at: 300)
        second("0.301 > S 0:0\n0.30101 < S. 0:0 ack 1\n0.30102 > . 1:1 ack 1", &report)
        flush(&report, at: 600)
        feed("0.700 > P. 1:11 ack 1\n0.70001 < . 1:1 ack 11\n0.800 > F. 11:11 ack 1", &report)
        flush(&report, at: 1100)
        let text = lines(String(decoding: render.out.bytes, as: UTF8.self))
        let heads = text.indices.filter { text[$0].contains("#      time    delta") }
        #expect(heads.map { text[$0].prefix(2) } == ["  ", "2|", "1|"], "\(text)")
        #expect(heads.count == 3 && text[heads[2] - 1].isEmpty)
    }
}
