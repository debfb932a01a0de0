// `packet` records: their content, and that each precedes the states that its segment causes.

import Exchanges
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite("Packet records") struct PacketRecordTests {
    private let tuple = FourTuple(
        source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))

    /// The records of segments 1 ms apart, without the keys common to all records.
    private func records(_ segments: [Segment], packets: Bool = true) -> [String] {
        var timeline = Timeline(seed: 1)
        var report = JSONReport(packets: packets)
        var out = OutputBuffer()
        for (index, segment) in segments.enumerated() {
            let time = Timestamp(nanoseconds: Int64(index) * Span.millisecond)
            report.segment(timeline.observe(segment, time: time, frame: UInt64(index + 1)), timeline.connections, &out)
        }
        return String(decoding: out.bytes, as: UTF8.self).split(separator: "\n").map { line in
            let path = line.hasPrefix(#"{"_path":"packet""#) ? "packet " : "state "
            return path + line[(line.firstRange(of: #""id.resp_p":9500,"#)?.upperBound ?? line.startIndex)...]
        }
    }

    @Test("a SYN with its options, before its states")
    func syn() {
        var segment = Segment(tuple: tuple, sequence: SequenceNumber(1000), flags: .syn, window: 65495)
        segment.options.present = [.maximumSegmentSize, .windowScale, .sackPermitted, .timestamps, .fastOpen]
        segment.options.maximumSegmentSize = 65495
        segment.options.windowScale = 10
        segment.options.timestampValue = 7
        let lines = records([segment])
        #expect(
            lines.first == """
                packet "frame":1,"dir":"orig","flags":"S","seq":0,"win":65495,"len":0,"opts":{"mss":65495,"wscale":10,\
                "sack_permitted":true,"ts":[7,0],"tfo":0},"analysis":[]}
                """)
        #expect(lines.dropFirst().first?.hasPrefix("state ") == true)
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("state ") })
        #expect(records([segment], packets: false).allSatisfy { $0.hasPrefix("state ") })
    }

    @Test("numbers are relative, those of SACK too, and flags come in their order")
    func relativeNumbers() {
        let syn = Segment(tuple: tuple, sequence: SequenceNumber(1000), flags: .syn)
        let answer = Segment(
            tuple: tuple.reversed, sequence: SequenceNumber(5000), acknowledgment: SequenceNumber(1001),
            flags: [.syn, .ack], window: 100)
        var sack = Segment(
            tuple: tuple.reversed, sequence: SequenceNumber(5001), acknowledgment: SequenceNumber(1001),
            flags: [.ack, .psh, .ece], window: 90)
        sack.options.present = .sack
        sack.options.sackBlockCount = 1
        sack.options.sackBlocks[0] = SACKBlock(left: SequenceNumber(1011), right: SequenceNumber(1021))
        #expect(
            records([syn, answer, sack]).last == """
                packet "frame":3,"dir":"resp","flags":"PAE","seq":1,"ack":1,"win":90,"len":0,\
                "opts":{"sack":[[11,21]]},"analysis":["window_update"]}
                """)
    }

    @Test("a segment put together from fragments is analysed like any other")
    func fragment() {
        let segment = Segment(
            tuple: tuple, sequence: SequenceNumber(1000), flags: .syn, remarks: .reassembled)
        #expect(records([segment]).first?.hasSuffix(#""win":0,"len":0,"analysis":[]}"#) == true)
    }
}

@Suite("Statistics records") struct StatisticsRecordTests {
    @Test("E2: a keep-alive of one octet is counted as one, and as no retransmission")
    func keepAlive() {
        let exchange = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n5 > . 10:11 ack 1\n< . 1:1 ack 11"
        func record(_ text: String) -> String {
            Render(Play(keepsStatistics: true)).run(text, JSONReport(packets: false)).split(separator: "\n")
                .first { $0.hasPrefix(#"{"_path":"conn""#) }.map(String.init) ?? ""
        }
        let kept = record(exchange)
        #expect(kept.contains(#""retransmissions":0,"#) && kept.contains(#""keep_alives":1"#))
        #expect(!kept.contains(#""rexmit""#), "\(kept)")
        let repeated = record(exchange + "\n> P. 1:11 ack 1")
        #expect(repeated.contains(#""rexmit":{"pkts":1,"bytes":10,"#), "\(repeated)")
    }
}
