// Statistics of one direction by situation: what is measured, and how retransmissions are classified.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

/// An opening in 20 ms: the round trip is 10 ms on either side.
private let opened = """
    0.000 > S 0:0 mss 1460 ws 7 ts 100
    0.010 < S. 0:0 ack 1 mss 1400 ws 2 ts 900 100
    0.020 > . 1:1 ack 1 win 100 ts 110 900

    """

@Suite("Retransmissions by kind") struct RetransmissionKindTests {
    @Test("E7: the oldest octet after a silence is a timeout; the second one in a row says so; no sample comes of it")
    func timeouts() {
        let (play, statistics) = play(
            opened + """
                0.100 > P. 1:11 ack 1
                0.400 > P. 1:11 ack 1
                1.000 > P. 1:11 ack 1
                1.010 < . 1:1 ack 11
                """)
        let client = statistics[.originator]
        #expect(client.count(.timeout) == 2 && client.retransmissions == 2)
        #expect(client.longestBackoff == 2)
        #expect(play.last.frame == 7)
        #expect(play.events[4].verdict.retransmission?.timeouts == 1)
        #expect(play.events[5].verdict.retransmission?.timeouts == 2)
        #expect(play.events[5].verdict.retransmission?.previousFrame == 5)
        #expect(client.roundTrip.count == 1, "Karn: only the SYN was sent once")
        #expect(client.ambiguousRoundTrip.count == 1)
        #expect(client.losses == 2 && client.spurious == 0)
        #expect(client.mostRetransmissions == 2)
    }

    @Test("E7: after a timeout what follows is sent again too")
    func goBack() {
        let (play, statistics) = play(
            opened + """
                0.100 > . 1:101 ack 1
                0.101 > . 101:201 ack 1
                0.102 > . 201:301 ack 1
                0.450 > . 1:101 ack 1
                0.460 < . 1:1 ack 101
                0.461 > . 101:201 ack 1
                0.462 > . 201:301 ack 1
                """)
        #expect(statistics[.originator].count(.timeout) == 1)
        #expect(statistics[.originator].count(.timeoutRecovery) == 2)
        #expect(play.last.verdict.retransmission?.kind == .timeoutRecovery)
    }

    @Test("E6: after three duplicate ACKs, or below a SACK, it is fast")
    func fast() {
        let text =
            opened + """
                0.100 > . 1:101 ack 1
                0.101 > . 101:201 ack 1
                0.102 > . 201:301 ack 1
                0.103 > . 301:401 ack 1
                0.110 < . 1:1 ack 1 win 65535
                0.111 < . 1:1 ack 1 win 65535
                0.112 < . 1:1 ack 1 win 65535
                0.113 < . 1:1 ack 1 win 65535
                0.114 > . 1:101 ack 1
                """
        let (played, statistics) = play(text)
        #expect(played.last.verdict.retransmission?.kind == .fast)
        #expect(statistics[.originator].duplicateAcks >= 3)
        #expect(statistics[.originator].tripleDuplicateAcks == 1)
        #expect(statistics[.originator].losses == 1)
        let sacked = play(
            opened + """
                0.100 > . 1:101 ack 1
                0.101 > . 101:201 ack 1
                0.111 < . 1:1 ack 1 sack 101:201
                0.112 > . 1:101 ack 1
                """)
        #expect(sacked.play.last.verdict.retransmission?.kind == .fast)
    }

    @Test("E7: below a SACK, but unasked and after a silence: the timer")
    func timeoutBelowSACK() {
        let (played, statistics) = play(
            handshake + """
                0.1 > . 1:101 ack 1
                > P. 101:201 ack 1
                0.103 < . 1:1 ack 1 sack 101:201
                0.1031 > . 1:101 ack 1
                0.315 > . 1:101 ack 1
                0.730 > . 1:101 ack 1
                0.731 < . 1:1 ack 1 sack 101:201
                0.7311 > . 1:101 ack 1
                """)
        #expect(
            played.events.suffix(5).map { $0.verdict.retransmission?.kind } == [.fast, .timeout, .timeout, nil, .fast])
        #expect(statistics[.originator].count(.timeout) == 2 && statistics[.originator].longestBackoff == 2)
    }

    @Test("E8, T7: the last segment again after two round trips is a loss probe; a D-SACK says that nothing was lost")
    func lossProbe() {
        let (play, statistics) = play(
            opened + """
                0.100 > P. 1:11 ack 1
                0.105 > F. 11:11 ack 1
                0.135 > F. 11:11 ack 1
                0.145 < . 1:1 ack 12 sack 11:12
                """)
        let client = statistics[.originator]
        #expect(play.events[5].verdict.retransmission?.kind == .tailLossProbe)
        #expect(play.last.verdict.exposes?.frame == 6)
        #expect(play.last.verdict.exposes?.spurious == .duplicateSACK)
        #expect(client.count(.tailLossProbe) == 1 && client.harmlessProbes == 1 && client.losses == 0)
        #expect(statistics[.responder].duplicateSACKs == 1)
    }

    @Test("H26: text of a SYN that the server did not take is sent again, and not lost")
    func openingTextNotTaken() {
        let (play, statistics) = play(
            "> S 0:5\n0.01 < S. 0:0 ack 1\n0.0101 > P. 1:6 ack 1\n0.02 < . 1:1 ack 6\n0.3 > P. 6:9 ack 1\n0.6 > P. 6:9 ack 1"
        )
        #expect(play.events.compactMap { $0.verdict.retransmission?.kind } == [.fastOpen, .timeout])
        #expect(statistics[.originator].losses == 1 && statistics[.originator].count(.fastOpen) == 1)
    }

    @Test("H26: what a SYN-ACK left of a SYN's text comes again in as many segments as it takes")
    func openingTextTakenInPart() {
        let (play, statistics) = play(
            "> S 0:9 tfo 8\n0.01 < S. 0:0 ack 4\n0.0101 > P. 4:7 ack 1\n0.0102 > P. 7:10 ack 1\n0.02 < . 1:1 ack 10")
        #expect(play.events.compactMap { $0.verdict.retransmission?.kind } == [.fastOpen, .fastOpen])
        #expect(statistics[.originator].losses == 0)
    }

    @Test("H27: text of a SYN that got no answer is lost with it")
    func openingTextLost() {
        let (play, statistics) = play(
            "> S 0:5\n1.0 > S 0:0\n1.01 < S. 0:0 ack 1\n1.0101 > P. 1:6 ack 1\n1.02 < . 1:1 ack 6")
        #expect(play.events.compactMap { $0.verdict.retransmission?.kind } == [.opening, .timeoutRecovery])
        #expect(statistics[.originator].losses == 2)
    }

    @Test("a loss probe that nobody calls needless counts as a loss")
    func neededProbe() {
        let (_, statistics) = play(
            opened + """
                0.100 > P. 1:11 ack 1
                0.130 > P. 1:11 ack 1
                0.140 < . 1:1 ack 11
                """)
        #expect(statistics[.originator].count(.tailLossProbe) == 1)
        #expect(statistics[.originator].losses == 1)
    }

    @Test("RFC 3522: an ACK that echoes the first copy's time stamp")
    func eifel() {
        let (play, statistics) = play(
            opened + """
                0.100 > P. 1:11 ack 1 ts 200 900
                0.400 > P. 1:11 ack 1 ts 500 900
                0.405 < . 1:1 ack 11 ts 990 200
                """)
        #expect(play.last.verdict.exposes?.frame == 5)
        #expect(play.last.verdict.exposes?.spurious == .timestampEcho)
        #expect(statistics[.originator].losses == 0)
        let needed = TCPTimelineTests.play(
            opened + """
                0.100 > P. 1:11 ack 1 ts 200 900
                0.400 > P. 1:11 ack 1 ts 500 900
                0.405 < . 1:1 ack 11 ts 990 500
                """)
        #expect(needed.play.last.verdict.exposes == nil)
        #expect(needed.statistics[.originator].losses == 1)
        #expect(needed.statistics[.originator].resolvedRoundTrip.last == 5 * Span.millisecond)
    }

    @Test("octets that had been acknowledged are not needed, and nobody has to say so")
    func acknowledged() {
        let (play, statistics) = play(
            opened + """
                0.100 > P. 1:11 ack 1
                0.110 < . 1:1 ack 11
                0.500 > P. 1:11 ack 1
                """)
        #expect(play.last.verdict.retransmission?.kind == .acknowledged)
        #expect(play.last.verdict.retransmission?.spurious == .acknowledgedBefore)
        #expect(statistics[.originator].spurious == 1 && statistics[.originator].losses == 0)
    }

    @Test("E2, E4: a keep-alive and a window probe are no retransmissions")
    func probes() {
        let (_, statistics) = play(
            opened + """
                0.100 > P. 1:11 ack 1
                0.110 < . 1:1 ack 11
                2.000 > . 10:11 ack 1
                2.010 < . 1:1 ack 11
                3.000 < . 1:1 ack 11 win 0
                3.500 > . 10:10 ack 1
                3.510 < . 1:1 ack 11 win 0
                4.000 < . 1:1 ack 11 win 50
                """)
        #expect(statistics[.originator].retransmissions == 0 && statistics[.originator].repeatedBytes == 0)
        #expect(statistics[.originator].retransmittedPackets == 1, "classic tcptrace's")
        #expect(statistics[.originator].keepAlives == 1)
        #expect(statistics[.originator].emptyWindowProbes == 1)
        #expect(statistics[.responder].closedWindow.episodes == 1)
        #expect(statistics[.responder].closedWindow.total(until: epoch.advanced(by: 9 * Span.second)) == Span.second)
        #expect(statistics[.responder].zeroWindowAdvertisements == 2)
    }

    @Test(
        "E4: an octet that probes a closed window is text that the capture has, whoever takes it (Windows, BSD, lwIP)")
    func probesWithText() {
        let (played, statistics) = play(
            opened + """
                0.100 > P. 1:401 ack 1
                0.110 < . 1:1 ack 401 win 0
                5.000 > . 401:402 ack 1
                5.010 < . 1:1 ack 402 win 0
                10.00 > . 402:403 ack 1
                10.01 < . 1:1 ack 402 win 0
                15.00 > . 402:403 ack 1
                15.01 < . 1:1 ack 402 win 100
                15.02 > P. 402:502 ack 1
                15.03 < . 1:1 ack 502 win 100
                16.00 > F. 502:502 ack 1
                """)
        let client = statistics[.originator]
        #expect(played.events.filter { $0.notes.contains(.windowProbe) }.map(\.frame) == [6, 8, 10])
        #expect(client.windowProbes == 3 && client.emptyWindowProbes == 0 && client.windowProbePackets == 3)
        #expect(client.uniqueBytes == 501 && client.missedBytes == 0)
        #expect(played.connection.counters[0].uniqueBytes == 501)
        // For classic tcptrace, an octet that was sent only as a probe was not sent.
        #expect(client.classicUniqueBytes == 500 && client.classicMissedBytes == 1)
        #expect(client.retransmissions == 0 && client.losses == 0 && client.retransmittedPackets == 0)
    }

    @Test("E4: new text, segment by segment, shows that a window was opened: the capture lacks the update")
    func unseenUpdate() {
        let (_, statistics) = play(
            opened + """
                0.100 > P. 1:401 ack 1
                0.110 < . 1:1 ack 401 win 0
                0.400 > . 400:400 ack 1
                0.410 < . 1:1 ack 401 win 0
                2.000 > . 401:1401 ack 1
                2.001 > . 1401:2401 ack 1
                2.002 > . 2401:3401 ack 1
                2.003 > . 3401:4401 ack 1
                2.010 < . 1:1 ack 4401 win 50
                """)
        #expect(statistics[.originator].uniqueBytes == 4400)
        #expect(statistics[.originator].windowProbes == 1)
        #expect(
            statistics[.originator].windowProbePackets == 1, "the first of them may have been one, to classic tcptrace")
        #expect(statistics[.responder].closedWindow.episodes == 1)
        let closed = statistics[.responder].closedWindow.total(until: epoch.advanced(by: 9 * Span.second))
        #expect(closed < 1900 * Span.millisecond)
    }

    @Test("H5, H12: a SYN again is of its own kind, and its handshake is no sample; a crossed SYN's answer is nothing")
    func openings() {
        let (_, statistics) = play(
            """
            0.000 > S 0:0
            1.000 > S 0:0
            1.010 < S. 0:0 ack 1
            1.020 > . 1:1 ack 1
            """)
        #expect(statistics[.originator].count(.opening) == 1)
        #expect(statistics[.originator].roundTrip.count == 0)
        #expect(statistics[.responder].roundTrip.count == 1)
        let crossed = play(
            """
            0.000 > S 0:0
            0.001 < S 0:0
            0.010 > S. 0:0 ack 1
            0.011 < S. 0:0 ack 1
            """)
        #expect(crossed.statistics[.originator].retransmissions == 0)
    }
}

@Suite("Late segments") struct LateSegmentTests {
    @Test("E9: an older time stamp below the highest octet is reordering, a newer one a loss before the capture")
    func timestamps() {
        func kind(_ stamp: Int) -> LateKind? {
            play(
                opened + """
                    0.100 > . 101:201 ack 1 ts 300 900
                    0.101 > . 1:101 ack 1 ts \(stamp) ecr 900
                    """
            ).play.last.verdict.late
        }
        #expect(kind(299) == .reordered)
        #expect(kind(305) == .lostBeforeCapture)
    }

    @Test("E9: without time stamps the wait tells: at once is reordering, a round trip later is not")
    func waits() {
        func kind(_ time: String) -> LateKind? {
            play(
                opened + """
                    0.100 > . 101:201 ack 1
                    \(time) > . 1:101 ack 1
                    """
            ).play.last.verdict.late
        }
        #expect(kind("0.101") == .reordered)
        #expect(kind("0.200") == .lostBeforeCapture)
    }

    @Test("E10: text that comes after its own ACK is late in the capture only")
    func inCapture() {
        let (play, statistics) = play(
            opened + """
                0.100 > . 101:201 ack 1
                0.101 < . 1:1 ack 201
                0.102 > . 1:101 ack 1
                """)
        #expect(play.last.verdict.late == .reorderedInCapture)
        #expect(statistics[.originator].count(.reorderedInCapture) == 1)
        #expect(statistics[.originator].retransmissions == 0)
    }
}

@Suite("Counts of a direction") struct DirectionCountTests {
    @Test("E11: a repetition cut differently counts its octets, not its segments")
    func overlap() {
        let (_, statistics) = play(
            opened + """
                0.100 > . 1:101 ack 1
                0.101 > . 101:201 ack 1
                0.500 > . 51:251 ack 1
                """)
        let client = statistics[.originator]
        #expect(client.dataBytes == 400 && client.uniqueBytes == 250)
        #expect(client.retransmittedBytes == 150 && client.retransmittedPackets == 1)
    }

    @Test("E12: numbers that wrap at 2^32")
    func wrap() {
        let (_, statistics) = play(
            opened + """
                0.100 > P. 1:101 ack 1
                0.110 < . 1:1 ack 101
                0.120 > P. 101:201 ack 1
                0.130 < . 1:1 ack 201
                """, clientISN: .max - 50)
        #expect(statistics[.originator].uniqueBytes == 200)
        #expect(statistics[.originator].retransmissions == 0)
        #expect(statistics[.originator].roundTrip.count == 3)
        #expect(statistics[.originator].roundTrip.average == Double(10 * Span.millisecond))
    }

    @Test(
        "E12: a stream of 5 GiB, whole and with text that the capture lacks",
        arguments: [0..<0, 60..<70, 60..<260, 0..<320])
    func longStreams(missing: Range<Int>) {
        let played = Play(seed: 1, keepsStatistics: true)
        played.feed("> S 0:0 ws 14\n< S. 0:0 ack 1 ws 14\n> . 1:1 ack 1")
        let (piece, count) = (16 << 20, 320)
        for index in 0..<count {
            let end = (index + 1) * piece + 1
            if !missing.contains(index) { played.feed("> . \(end - piece):\(end) ack 1") }
            played.feed("< . 1:1 ack \(end)")
        }
        played.feed("> F. \(count * piece + 1):\(count * piece + 1) ack 1")
        let client = played.timeline.connections.statistics(of: played.last.connection)?[.originator]
        #expect(client?.streamLength == 5 << 30)
        #expect(client?.uniqueBytes == UInt64((count - missing.count) * piece))
        #expect(client?.missedBytes == Int64(missing.count * piece))
    }

    @Test("H1: the handshake's two halves, windows scaled after it, options of both sides, the states' times")
    func handshake() {
        let (played, statistics) = play(
            opened + """
                0.120 < P. 1:6 ack 1 win 8
                0.130 > . 1:1 ack 6 win 100
                """)
        let (client, server) = (statistics[.originator], statistics[.responder])
        #expect(client.handshakeRoundTrip == 10 * Span.millisecond)
        #expect(server.handshakeRoundTrip == 10 * Span.millisecond)
        #expect(client.maximumSegmentSize == 1460 && server.maximumSegmentSize == 1400)
        #expect(client.largestWindow == 12_800 && server.largestWindow == 32)
        #expect(client.offersTimestamps && server.windowScale == 2)
        #expect(server.initialWindowBytes == 5 && server.largestFlight == 5)
        #expect(statistics.time(of: .originator, in: .synSent, at: played.now) == 10 * Span.millisecond)
        #expect(statistics.time(of: .responder, in: .synReceived, at: played.now) == 10 * Span.millisecond)
        #expect(statistics.time(of: .originator, in: .established, at: played.now) == 120 * Span.millisecond)
    }

    @Test("nothing is kept for nobody, and a place that is used again starts anew")
    func storage() {
        let idle = Play(opened)
        #expect(idle.timeline.connections.statistics(of: idle.last.connection) == nil)
        #expect(idle.last.verdict.retransmission == nil)
        let (played, _) = play(opened)
        let old = played.last.connection
        played.timeline.retire(old)
        played.client = SocketAddress(.loopbackV4, 40000)
        played.feed("5.0 > S 0:0")
        #expect(played.last.connection == old)
        #expect(played.timeline.connections.statistics(of: old)?[.originator].packets == 1)
    }

    /// A file may contain any 64-bit value as a time.
    @Test("hostile: an ACK that comes centuries later", arguments: ["9223372036", "4611686018", "1300000000"])
    func centuries(_ late: String) throws {
        let text =
            (1...6).map { "0.1 > P. \($0 * 10 - 9):\($0 * 10 + 1) ack 1\n\(late) < . 1:1 ack \($0 * 10 + 1)" }.joined(
                separator: "\n")
        let (_, statistics) = play(opened + text)
        #expect(statistics[.originator].roundTrip.count == 7)
        #expect(statistics[.originator].roundTrip.maximum > 1_200_000_000 * Span.second)
    }

    @Test("H13: a socket that is connected to itself acknowledges its own octets, and has one place in states")
    func selfConnect() throws {
        let played = Play(seed: 1, keepsStatistics: true)
        (played.server, played.serverISN) = (played.client, played.clientISN)
        played.feed(
            """
            > S 0:0 win 65535 ws 10
            0.001 > S. 0:0 ack 1 win 65535 ws 10
            0.001 > . 1:1 ack 1 win 64
            0.1 > P. 1:11 ack 1 win 64
            0.102 > . 11:11 ack 11 win 64
            0.2 > F. 11:11 ack 11 win 64
            0.203 > . 12:12 ack 12 win 64
            """)
        let kept = played.timeline.connections.statistics(of: played.last.connection)
        let own = try #require(kept)[.originator]
        #expect(own.roundTrip.count == 3 && own.roundTrip.maximum == 3 * Span.millisecond)
        #expect(own.largestFlight == 10 && own.mostRetransmissions == 0 && own.retransmissions == 0)
        #expect(own.smallestWindow == 65536)
        #expect(kept?.time(of: .originator, in: .established, at: played.now) == 199 * Span.millisecond)
        #expect(kept?.time(of: .originator, in: .synSent, at: played.now) == 0)
        for state in [TCPState.established, .synReceived, .closing] {
            #expect(kept?.time(of: .responder, in: state, at: played.now) == 0)
        }
    }

    @Test("hostile: numbers all over the place neither trap nor grow without bound", arguments: [1, 2, 3])
    func hostile(_ seed: UInt64) {
        var generator = seed &* 0x9e37_79b9_7f4a_7c15
        func next() -> UInt64 {
            generator ^= generator << 13
            generator ^= generator >> 7
            generator ^= generator << 17
            return generator
        }
        let played = Play(seed: 1, keepsStatistics: true)
        played.feed(opened)
        for _ in 0..<20_000 {
            played.clock += Int64(bitPattern: next()) >> 40
            var segment = Segment(
                tuple: FourTuple(source: played.client, destination: played.server),
                sequence: SequenceNumber(UInt32(truncatingIfNeeded: next())),
                acknowledgment: SequenceNumber(UInt32(truncatingIfNeeded: next())),
                flags: TCPFlags(rawValue: UInt16(truncatingIfNeeded: next()) & 0x1fd),
                window: UInt16(truncatingIfNeeded: next()), payloadLength: UInt32(truncatingIfNeeded: next()) & 0xffff)
            if next() & 1 == 0 { segment.tuple = segment.tuple.reversed }
            segment.options.present = [.sack, .timestamps]
            segment.options.sackBlockCount = UInt8(truncatingIfNeeded: next())
            segment.options.sackBlocks[0] = SACKBlock(
                left: SequenceNumber(UInt32(truncatingIfNeeded: next())), right: segment.acknowledgment)
            played.observe(segment)
        }
        let statistics = played.timeline.connections.statistics(of: played.events[0].connection)
        #expect((statistics?[.originator].packets ?? 0) > 9000)
    }
}
