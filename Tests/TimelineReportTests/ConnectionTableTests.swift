// `-T zeek` and `-T csv`, compared with literal lines.

import Exchanges
import Foundation
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite struct ConnectionTableTests {
    static let start = Timestamp(nanoseconds: 1_795_363_634_454_475_001)
    static let tuple = FourTuple(
        source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))
    static let capture = CaptureDescription(
        file: "a.pcap", interfaces: [], snapshotLength: nil, filter: "tcp", tool: "tcptrace")

    /// The output of a report for a refused connection, with the kernel's view.
    func report<Report: TraceReport>(_ report: Report, refusal: Bool = true) -> String {
        var report = report
        var timeline = Timeline(seed: 1)
        var out = OutputBuffer()
        report.begin(Self.capture, at: nil, &out)
        var segments = [Segment(tuple: Self.tuple, sequence: SequenceNumber(1000), flags: .syn, window: 65535)]
        if refusal {
            segments.append(
                Segment(
                    tuple: Self.tuple.reversed, sequence: SequenceNumber(0), acknowledgment: SequenceNumber(1001),
                    flags: [.rst, .ack]))
        }
        var time = Self.start
        for (index, segment) in segments.enumerated() {
            time = Self.start.advanced(by: Int64(index) * 1_500_999)
            let event = timeline.observe(segment, time: time, frame: UInt64(index + 1))
            report.segment(event, timeline.connections, &out)
        }
        for id in timeline.remaining() { report.finish(id, timeline.connections, nil, &out) }
        report.end(Self.capture, CaptureCounts(), at: time, &out)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    @Test func zeekRow() throws {
        let lines = report(ZeekLog()).split(separator: "\n").map(String.init)
        #expect(lines.count == 10)
        #expect(lines[0] == "#separator \\x09")
        #expect(lines[5] == "#open\t2026-11-22-16-07-14")
        #expect(lines[6].split(separator: "\t").count == 23)
        #expect(lines[7].split(separator: "\t").count == 23)
        let row = lines[8].split(separator: "\t").map(String.init)
        #expect(row[0] == "1795363634.454475")
        #expect(
            Array(row[2...]) == [
                "127.0.0.1", "35924", "127.0.0.1", "9500", "tcp", "-", "0.001501", "0", "0", "REJ", "-", "-", "0", "Sr",
                "1", "40", "1", "40", "-", "6",
            ])
        #expect(lines[9] == "#close\t2026-11-22-16-07-14")
    }

    @Test func zeekLeavesOctetsUnsetWhereNothingLasted() throws {
        let lines = report(ZeekLog(), refusal: false).split(separator: "\n").map(String.init)
        #expect(lines[8].contains("\ttcp\t-\t-\t-\t-\tS0\t"))
    }

    @Test func csvRow() {
        let text = report(CSVReport())
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.count == 3 && lines[2].isEmpty)
        let names = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let values = lines[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        #expect(names.count == CSVReport.fields.count && values.count == names.count)
        let row = Dictionary(uniqueKeysWithValues: zip(names, values))
        #expect(row["ts"] == "1795363634.454475")
        #expect(row["duration"] == "0.001500999")
        #expect(row["outcome"] == "refused")
        #expect(row["closed_by"] == "resp")
        #expect(row["missed_bytes"] == "0")
        #expect(row["orig_process.comm"] == "")
        #expect(row["handshake.synack_s"] == "")
        #expect(row["retransmissions"] == "0")
    }

    @Test func csvWithoutHeaderAndEmpty() {
        #expect(!report(CSVReport(header: false)).hasPrefix("ts,"))
        var empty = CSVReport()
        var out = OutputBuffer()
        empty.begin(Self.capture, at: nil, &out)
        empty.end(Self.capture, CaptureCounts(), at: nil, &out)
        #expect(String(decoding: out.bytes, as: UTF8.self).split(separator: "\r\n").count == 1)
    }

    @Test(arguments: [
        ("lab-client", "\"lab-client\""), ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""), ("+1", "\"'+1\""),
        ("-1", "\"'-1\""), ("@SUM(A1)", "\"'@SUM(A1)\""), ("a\"b,c", "\"a\"\"b,c\""),
        ("\r\n=1", "\"\\x0d\\x0a=1\""), ("\u{1b}[2J", "\"\\x1b[2J\""),
    ])
    func csvText(_ text: String, _ expected: String) {
        var out = OutputBuffer()
        out.appendCSVField(text)
        #expect(String(decoding: out.bytes, as: UTF8.self) == expected)
    }
}
