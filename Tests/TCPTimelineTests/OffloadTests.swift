// Segmentation offload: a capture at the sender has frames of many segments, which the network card splits.
// Retransmissions and ACKs have other boundaries (CASES E11, X8).

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite("Statistics of frames that a network card cuts") struct OffloadTests {
    private func play(_ text: String) -> (play: Play, client: DirectionStatistics) {
        let play = Play(seed: 1, keepsStatistics: true)
        play.feed(text)
        guard let statistics = play.timeline.connections.statistics(of: play.last.connection) else {
            preconditionFailure("the timeline keeps statistics")
        }
        return (play, statistics[.originator])
    }

    private static let opened = """
        0.000 > S 0:0 sackOK ws 10
        0.0001 < S. 0:0 ack 1 sackOK ws 10
        0.0002 > . 1:1 ack 1

        """

    /// Ten segments of 1448 octets from `start` on, in one frame or in ten.
    private func ten(from start: Int, at time: Double, every step: Double = 1e-5, inOne: Bool) -> String {
        let cuts = Array(stride(from: start, through: start + 14480, by: inOne ? 14480 : 1448))
        return zip(cuts, cuts.dropFirst()).enumerated().map { index, ends in
            "\(time + Double(index) * step) > P. \(ends.0):\(ends.1) ack 1\n"
        }.joined()
    }

    @Test(
        "E11: what a frame was is sent again piece by piece after a timeout: each piece once", arguments: [true, false])
    func pieces(inOne: Bool) {
        let (played, client) = play(
            "> S 0:0\n0.02 < S. 0:0 ack 1\n0.0201 > . 1:1 ack 1\n0.03 > P. 1:1449 ack 1\n0.05 < . 1:1 ack 1449\n"
                + ten(from: 1449, at: 0.06, inOne: inOne) + ten(from: 1449, at: 0.36, every: 1e-4, inOne: false)
                + "0.38 < . 1:1 ack 15929\n")
        #expect(client.count(.timeout) == 1 && client.count(.timeoutRecovery) == 9 && client.retransmissions == 10)
        #expect(client.mostRetransmissions == 1 && client.repeatedBytes == 14480)
        let records = played.events.compactMap { $0.verdict.retransmission }
        #expect(records.map(\.previousFrame) == (0..<10).map { inOne ? 6 : 6 + $0 })
        // The time runs from the frame to each piece, not from piece to piece.
        #expect(client.retransmissionTime.minimum >= 300 * Span.millisecond)
    }

    @Test(
        "E11: a frame that is acknowledged piece by piece gives the round trips of its segments",
        arguments: [true, false])
    func roundTrips(inOne: Bool) {
        let acks = (1...9).map { "\(0.06 + 0.02 * Double($0)) < . 1:1 ack \(1 + 1448 * $0)\n" }.joined()
        let (played, client) = play(
            "> S 0:0 sackOK\n0.02 < S. 0:0 ack 1 sackOK\n0.0201 > . 1:1 ack 1\n" + ten(from: 1, at: 0.06, inOne: inOne)
                + acks + "0.49 > P. 13033:14481 ack 1\n0.51 < . 1:1 ack 14481\n")
        #expect(client.roundTrip.count == 10, "the SYN's, and nine")
        #expect(client.roundTrip.minimum == 20 * Span.millisecond)
        #expect(abs(client.roundTrip.maximum - 180 * Span.millisecond) < Span.millisecond)
        #expect(client.ambiguousRoundTrip.count == 1 && client.mostRetransmissions == 1)
        // The last segment is retransmitted 250 ms after an ACK of new octets, sooner than the timer would expire.
        #expect(client.count(.tailLossProbe) == 1 && client.retransmissions == 1)
        #expect(played.events.compactMap { $0.verdict.retransmission }.map(\.previousFrame) == [inOne ? 4 : 13])
    }

    @Test("E7, E11: a blackout of 0.6 s: two timeouts, and nothing fast, as the sender's kernel says")
    func blackout() {
        let (played, client) = play(Self.opened + Self.blackout)
        // nstat reported: TCPTimeouts 2, TCPSlowStartRetrans 210, TCPLossProbes 1 (of new text), no TCPFastRetrans.
        var octets: [RetransmissionKind: Int] = [:]
        for event in played.events {
            guard let record = event.verdict.retransmission else { continue }
            octets[record.kind, default: 0] += Int(event.segment.payloadLength)
            // The frame that a retransmission repeats contains some of its octets.
            let before = played.events[Int(record.previousFrame) - 1]
            let (start, end) = (event.relativeSequence, event.relativeSequence + event.segment.payloadLength)
            #expect(before.relativeSequence < end && start < before.relativeSequence + before.segment.payloadLength)
        }
        #expect(octets == [.timeout: 2 * 1448, .timeoutRecovery: 210 * 1448])
        #expect(client.count(.timeout) == 2 && client.count(.timeoutRecovery) == 14)
        #expect(client.mostRetransmissions == 2 && client.longestBackoff == 2)
    }

    /// Over veth with segmentation offload, captured at the sender; every packet was dropped for 0.6 s.
    private static let blackout = """
        0.004620 > P. 1:39097 ack 1 win 63 ts 849 327
        0.004667 < . 1:1 ack 39097 win 2635 ts 377 849
        0.015529 > P. 39097:104257 ack 1 win 63 ts 860 338
        0.021586 > P. 104257:140457 ack 1 win 63 ts 866 344
        0.032485 > P. 140457:205617 ack 1 win 63 ts 876 354
        0.037578 > P. 205617:236025 ack 1 win 63 ts 882 360
        0.048489 > P. 236025:301185 ack 1 win 63 ts 892 370
        0.048949 > P. 301185:304081 ack 1 win 63 ts 893 371
        0.055505 > P. 304081:343177 ack 1 win 63 ts 899 377
        0.108782 > . 343177:344625 ack 1 win 63 ts 1004 377
        0.364766 > . 39097:40545 ack 1 win 63 ts 1260 377
        0.876776 > . 39097:40545 ack 1 win 63 ts 1772 377
        0.876833 < . 1:1 ack 40545 win 2638 ts 1250 1772
        0.876846 > P. 344625:347521 ack 1 win 63 ts 1772 1250
        0.876861 < . 1:1 ack 40545 win 2644 ts 1250 1772 sack 344625:347521
        0.877260 > P. 40545:49233 ack 1 win 63 ts 1772 1250
        0.877279 < . 1:1 ack 49233 win 2639 ts 1250 1772 sack 344625:347521
        0.877529 > P. 49233:66609 ack 1 win 63 ts 1772 1250
        0.877545 < . 1:1 ack 66609 win 2632 ts 1250 1772 sack 344625:347521
        0.877963 > P. 66609:101361 ack 1 win 63 ts 1773 1250
        0.877980 < . 1:1 ack 101361 win 2617 ts 1251 1773 sack 344625:347521
        0.878403 > P. 101361:104257 ack 1 win 63 ts 1773 1251
        0.878446 < . 1:1 ack 104257 win 2645 ts 1251 1773 sack 344625:347521
        0.882771 > P. 104257:140457 ack 1 win 63 ts 1773 1251
        0.882791 < . 1:1 ack 140457 win 2615 ts 1256 1773 sack 344625:347521
        0.888818 > P. 140457:176657 ack 1 win 63 ts 1774 1251
        0.888843 < . 1:1 ack 176657 win 2615 ts 1262 1774 sack 344625:347521
        0.893672 > P. 176657:205617 ack 1 win 63 ts 1778 1256
        0.893710 < . 1:1 ack 205617 win 2622 ts 1266 1778 sack 344625:347521
        0.898757 > P. 205617:236025 ack 1 win 63 ts 1778 1256
        0.898783 < . 1:1 ack 236025 win 2620 ts 1272 1778 sack 344625:347521
        0.900929 > P. 236025:249057 ack 1 win 63 ts 1778 1256
        0.900944 < . 1:1 ack 249057 win 2636 ts 1274 1778 sack 344625:347521
        0.909668 > P. 249057:301185 ack 1 win 63 ts 1784 1262
        0.909689 < . 1:1 ack 301185 win 2601 ts 1282 1784 sack 344625:347521
        0.910130 > P. 301185:304081 ack 1 win 63 ts 1784 1262
        0.910139 < . 1:1 ack 304081 win 2645 ts 1283 1784 sack 344625:347521
        0.913045 > P. 304081:321457 ack 1 win 63 ts 1784 1262
        0.913060 < . 1:1 ack 321457 win 2632 ts 1286 1784 sack 344625:347521
        0.916689 > P. 321457:343177 ack 1 win 63 ts 1794 1272
        0.916703 < . 1:1 ack 343177 win 2628 ts 1289 1794 sack 344625:347521
        0.916919 > . 343177:344625 ack 1 win 63 ts 1794 1272
        0.916929 < . 1:1 ack 347521 win 2646 ts 1290 1794
        0.927838 > P. 347521:412681 ack 1 win 63 ts 1794 1272
        """

    @Test("E11: text that was acknowledged and comes again: its frame, or none if that is not known any more")
    func acknowledgedPieces() {
        let (played, client) = play(
            Self.opened
                + """
                0.1 > P. 1:101 ack 1
                0.1 > P. 101:201 ack 1
                0.1 > P. 201:301 ack 1
                0.101 < . 1:1 ack 301
                0.2 > P. 201:301 ack 1
                0.2001 > P. 101:201 ack 1
                0.2002 > P. 251:301 ack 1
                0.2003 > P. 51:301 ack 1
                """)
        #expect(client.count(.acknowledged) == 4)
        #expect(played.events.compactMap { $0.verdict.retransmission?.previousFrame } == [6, 0, 8, 10])
    }
}
