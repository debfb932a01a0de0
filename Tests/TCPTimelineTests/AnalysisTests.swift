// Wireshark's tcp.analysis.* flags, with a short exchange for each; tshark flags the same segments.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

/// An exchange and the flags of its segments by position, counted from 1; segments not listed have none.
struct AnalysedExchange: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var text: String
    var flags: [Int: String]
    var isn: UInt32 = 1000

    static let all: [AnalysedExchange] = [
        .init(
            testDescription: "nothing to remark",
            text: handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> F. 11:11 ack 1\n< F. 1:1 ack 12\n> . 12:12 ack 2",
            flags: [:]),
        .init(
            testDescription: "retransmission", text: handshake + "0.1 > P. 1:11 ack 1\n0.4 > P. 1:11 ack 1",
            flags: [5: "retransmission"]),
        .init(
            testDescription: "SYN again", text: "> S 0:0\n1 > S 0:0\n1.001 < S. 0:0 ack 1", flags: [2: "retransmission"]
        ),
        .init(
            testDescription: "out of order", text: handshake + "> P. 11:21 ack 1\n> P. 1:11 ack 1",
            flags: [4: "lost_segment", 5: "out_of_order"]),
        .init(
            testDescription: "fast retransmission",
            text: handshake + "> P. 1:11 ack 1\n> P. 11:21 ack 1\n< . 1:1 ack 1\n< . 1:1 ack 1\n0.02 > P. 1:11 ack 1",
            flags: [6: "duplicate_ack", 7: "duplicate_ack", 8: "retransmission fast_retransmission"]),
        .init(
            testDescription: "spurious retransmission",
            text: handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> P. 1:11 ack 1",
            flags: [6: "retransmission spurious_retransmission"]),
        .init(
            testDescription: "ACK of what was not captured", text: handshake + "< . 1:1 ack 100",
            flags: [4: "ack_lost_segment"]),
        .init(
            testDescription: "keep-alive", text: handshake + "60 > . 0:0 ack 1\n< . 1:1 ack 1",
            flags: [4: "keep_alive", 5: "keep_alive_ack"]),
        .init(
            testDescription: "zero window",
            text: handshake + """
                > P. 1:11 ack 1
                < . 1:1 ack 11 win 0
                > . 11:12 ack 1
                < . 1:1 ack 11 win 0
                < . 1:1 ack 11 win 100
                """,
            flags: [
                5: "zero_window", 6: "zero_window_probe", 7: "zero_window zero_window_probe_ack", 8: "window_update",
            ]),
        .init(
            testDescription: "window full",
            text: "> S 0:0\n< S. 0:0 ack 1 win 10\n> . 1:1 ack 1\n> P. 1:11 ack 1", flags: [4: "window_full"]),
        .init(
            testDescription: "window scaled",
            text: """
                > S 0:0 ws 3
                < S. 0:0 ack 1 ws 1
                > . 1:1 ack 1
                < . 1:1 ack 1 win 10
                > P. 1:11 ack 1
                > P. 11:21 ack 1
                """, flags: [4: "window_update", 6: "window_full"]),
        .init(
            testDescription: "another ISN begins anew",
            text: handshake + "> P. 1:11 ack 1\n1 > S 9000:9000\n< S. 7000:7000 ack 9001\n> . 9001:9001 ack 7001",
            flags: [5: "reused_ports"]),
        .init(
            testDescription: "across 2^32",
            text: handshake + "> P. 1:101 ack 1\n< . 1:1 ack 101\n0.5 > P. 51:101 ack 1",
            flags: [6: "retransmission spurious_retransmission"], isn: 0xffff_fff0),
    ]
}

@Suite("Wireshark's analysis") struct AnalysisTests {
    @Test("flags of a short exchange", arguments: AnalysedExchange.all)
    func exchange(_ exchange: AnalysedExchange) {
        let events = Play(exchange.text, clientISN: exchange.isn).events
        var analysis = WiresharkAnalysis(first: events[0].segment)
        for (index, event) in events.enumerated() {
            let names = analysis.analyse(event.segment, time: event.time).names.map { "\($0)" }
            #expect(names.joined(separator: " ") == exchange.flags[index + 1, default: ""], "segment \(index + 1)")
        }
    }

    @Test("every flag has a bit and a name of its own")
    func names() {
        #expect(Set(AnalysisFlags.all.map { $0.flag }).count == AnalysisFlags.all.count)
        #expect(Set(AnalysisFlags.all.map { "\($0.name)" }).count == AnalysisFlags.all.count)
    }
}
