// The text timeline: the samples of the contract, at every width.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

private let wideSample = """
    TCP 1  127.0.0.1:35924 > 127.0.0.1:9500   lo   2026-11-22 16:07:14.454475    1:mN3FYXVo3Y4vmQiQah...
      #      time    delta         client  127.0.0.1:35924               127.0.0.1:9500  server
    --- handshake --------------------------------------------------------------------------------------
                                   CLOSED |                                            | LISTEN
      1  0.000000                SYN_SENT |-- SYN seq 0 win 65495 mss 65495 ws 10 ---->| SYN_RECEIVED
      2  0.000022    +22us    ESTABLISHED |<-------------------- SYN,ACK seq 0 ack 1 --|
      3  0.000035    +13us                |-- ACK ack 1 ------------------------------>| ESTABLISHED
    --- data -------------------------------------------------------------------------------------------
    4+5  0.000334   +299us                |== 12 bytes 1:13, acked +9us ==============>|
    6+7  0.000362    +19us                |<============== 17 bytes 1:18, acked +9us ==|
    --- teardown (client closes first) -----------------------------------------------------------------
      8  0.000435    +64us     FIN_WAIT_1 |-- FIN,ACK seq 13 ack 18 ------------------>| CLOSE_WAIT
      9  0.040927 +40.49ms     FIN_WAIT_2 |<-------------- ACK ack 14  (delayed ACK) --|
                                          |     half-closed: server may still send     |
    10+  0.300640 +259.7ms                |<============= 3 bytes 18:21, acked +11us ==|
     12  0.300687    +36us      TIME_WAIT |<------------------ FIN,ACK seq 21 ack 14 --| LAST_ACK
     13  0.300698    +11us                |-- ACK ack 22 ----------------------------->| CLOSED
    closed (SF) by client, handshake 35us, lasted 300.7ms, 12 B > 20 B <, 7> 6< packets, ShADadFf

    """

private let narrowRows = """
      #   delta        client  127.0.0.1:35924        127.0.0.1:9500  server
    --- handshake at 0.000000s -----------------------------------------------------
                       CLOSED |                                     | LISTEN
      1              SYN_SENT |-- SYN seq 0 mss 65495 ws 10 ------->| SYN_RECEIVED
      2   +22us   ESTABLISHED |<------------- SYN,ACK seq 0 ack 1 --|
      3   +13us               |-- ACK ack 1 ----------------------->| ESTABLISHED
    """

private let lineRows = """
         CLOSED / LISTEN
    1 0.000000 > SYN seq 0 mss 65495  SYN_SENT / SYN_RECEIVED
    2 0.000022 < SYN,ACK seq 0 ack 1  ESTABLISHED / .
    3 0.000035 > ACK ack 1  . / ESTABLISHED
    4+5 0.000334 > 12 bytes 1:13, acked +9us
    6+7 0.000362 < 17 bytes 1:18, acked +9us
    8 0.000435 > FIN,ACK seq 13 ack 18  FIN_WAIT_1 / CLOSE_WAIT
    9 0.040927 < ACK ack 14  (delayed ACK)  FIN_WAIT_2 / .
       half-closed: server may still send
    """

@Suite struct LadderTests {
    // The time zone is the machine's, and goldens pin TZ. These tests compare everything after the heading's date.
    private func withoutHead(_ lines: [String]) -> [String] { Array(lines.dropFirst()) }

    @Test func theContractsSampleAt100() {
        #expect(withoutHead(ladder(sample)) == withoutHead(lines(wideSample)))
        #expect(ladder(sample)[0].hasPrefix("TCP 1  127.0.0.1:35924 > 127.0.0.1:9500   lo   "))
        #expect(ladder(sample)[0].hasSuffix("    1:mN3FYXVo3Y4vmQiQah..."))
    }

    @Test func theContractsSampleAt80() {
        #expect(ladder(sample, width: 80)[1...6].joined(separator: "\n") == narrowRows)
    }

    @Test func theContractsSampleAt60() {
        #expect(ladder(sample, width: 60)[1...9].joined(separator: "\n") == lineRows)
    }

    @Test(arguments: [100, 80, 60]) func findingsNameFramesThatCanBeFound(_ width: Int) {
        // Some frames of a long capture have large numbers.
        let run =
            handshake + (0..<1200).map { "> . 1:1 ack \($0 % 2 + 1)" }.joined(separator: "\n") + "\n> F. 1:1 ack 1"
        let all = ladder(run, width: width, verbosity: 1)
        let rows = all.compactMap { $0.split(whereSeparator: { $0 == " " || $0 == "+" }).first.flatMap { Int($0) } }
        #expect(Array(rows.prefix(1204)) == Array(1...1204))
        #expect(all.allSatisfy { $0.count <= max(width, 80) })
    }

    @Test(arguments: [100, 80, 60, 120, 200, 99], [0, 1, 2, 3])
    func noRowIsWiderThanThePage(_ width: Int, _ verbosity: Int) {
        let exchanges = [
            sample, "> S 0:0\n< R. 0:0 ack 1", "0 > S 0:0\n1.01 > S 0:0\n3 > S 0:0",
            handshake + "> P. 1:4000000000 ack 1\n< R. 1:1 ack 11", "> P. 500:510 ack 300\n60 > F. 510:510 ack 300",
            handshake + "> . 0:0 ack 1\n< . 1:1 ack 1 win 0\n> S 44:44\n< . 1:1 ack 2000000000\n> SF 0:0",
        ]
        for exchange in exchanges {
            for (raw, ascii) in [(false, true), (true, false)] {
                let all = ladder(exchange, width: width, verbosity: verbosity) {
                    $0.rawSequence(raw)
                    $0.ascii = ascii
                }
                // Two addresses and a time may need more than 60 columns.
                for line in width < 80 ? all.dropFirst() : all[...] { #expect(line.count <= width, "\(line)") }
            }
        }
    }

    @Test func H3_refused() {
        let all = ladder("0 > S 0:0\n0.00002 < R. 0:0 ack 1")
        #expect(all[3].hasSuffix("| (no socket)"))
        #expect(all[5].contains("CLOSED |X---"))
        #expect(all[6] == "=> refused (REJ)  connect() = ECONNREFUSED, 1> 1< packets, Sr")
    }

    @Test func aResetThatChangesNothingBeginsNoPart() {
        let again = "\n< F. 1:1 ack 1\n> R 1:1"
        let all = ladder(handshake + "> P. 1:6 ack 1\n< F. 1:1 ack 1\n> R 1:1" + again + again)
        #expect(all.filter { $0.hasPrefix("--- reset") }.count == 1, "\(all)")
        #expect(all.filter { $0.contains("RST seq 1  (ignored)") }.count == 3, "\(all)")
    }

    @Test func H3_aRefusalWithoutItsSyn() {
        let all = ladder("< R. -5000:-5000 ack 1")
        #expect(all.contains { $0.hasPrefix("--- handshake ---") })
        #expect(all.contains { $0.hasPrefix("=> refused (RSTRH)  connect() = ECONNREFUSED") })
    }

    @Test func H2_everySynRetryWithItsTimer() {
        let all = ladder("0 > S 0:0\n1.01 > S 0:0\n3.02 > S 0:0")
        #expect(all.contains { $0.contains("SYN seq 0  retransmit 1 (after 1.01s)") })
        #expect(all.contains { $0.contains("SYN seq 0  retransmit 2 (after 2.01s)") })
        #expect(all.contains { $0.hasPrefix("=> no answer (S0): 3 SYNs") })
    }

    /// A retry counts from the previous one of its own side. Segments in between are the other side's: the server's
    /// timer mostly fires just before the client's.
    @Test func H15_aRetryCountsFromTheOneBeforeIt() {
        let all = ladder(
            "0 > S 0:0\n0.001 < S. 0:0 ack 1\n1.003 < S. 0:0 ack 1\n1.01 > S 0:0\n1.011 < S. 0:0 ack 1", width: 140)
        #expect(all.contains { $0.contains("SYN seq 0  retransmit 1 (after 1.01s)") }, "\(all)")
        #expect(all.contains { $0.contains("retransmit 1 (after 1.00s)") }, "\(all)")
        #expect(all.contains { $0.contains("retransmit 2 (after 8.000ms)") }, "\(all)")
    }

    @Test func resetsAreCrossed() {
        let server = ladder(handshake + "> P. 1:11 ack 1\n< R. 1:1 ack 11")
        #expect(server.contains { $0.contains("CLOSED |X---") && $0.hasSuffix("--| CLOSED") })
        #expect(server.contains { $0.hasPrefix("--- reset (by server) ---") })
        #expect(server.contains { $0.hasPrefix("=> reset (RSTR) by server after 4.000ms") })
        let client = ladder(handshake + "> R. 1:1 ack 1")
        #expect(client.contains { $0.contains("|-- RST,ACK") && $0.hasSuffix("X| CLOSED") })
    }

    @Test func foldingAndUnfolding() {
        let run =
            handshake + (0..<6).map { "> P. \(1 + $0 * 10):\(11 + $0 * 10) ack 1" }.joined(separator: "\n")
            + "\n< . 1:1 ack 61"
        let folded = ladder(run).filter { $0.contains("bytes") }
        #expect(folded.count == 1)
        #expect(folded[0].hasPrefix(" 4+ ") && folded[0].contains("60 bytes 1:61, acked +1.000ms"))
        #expect(ladder(run, verbosity: 1).filter { $0.contains("bytes") }.count == 6)
        let third = run + "\n" + (6..<12).map { "> P. \(1 + $0 * 10):\(11 + $0 * 10) ack 1" }.joined(separator: "\n")
        #expect(ladder(third).filter { $0.contains("bytes") }.count == 1)
        // Two segments whose numbers have three or more digits leave no room for the second number.
        let play =
            handshake
            + (0..<120).map { "> P. \(1 + $0):\(2 + $0) ack 1\n< P. \(1 + $0):\(2 + $0) ack \(2 + $0)" }
            .joined(separator: "\n")
        #expect(ladder(play).allSatisfy { $0.count <= 100 })
    }

    /// T5: the ACKs of text before a FIN come after the FIN. An ACK that says more than that has its own row.
    @Test func acksBehindAFinAreARun() {
        let text =
            handshake + (0..<8).map { "0.01 < P. \(1 + $0 * 10):\(11 + $0 * 10) ack 1" }.joined(separator: "\n")
            + "\n0.01 < F. 81:81 ack 1\n"
        let acks = (0..<8).map { "0.011 > . 1:1 ack \(11 + $0 * 10)" }.joined(separator: "\n")
        func rows(_ more: String, verbosity: Int = 0) -> [String] {
            ladder(text + more, verbosity: verbosity).filter { $0.contains("ACK") && $0.contains("|--") }
        }
        let last = "\n0.0111 > . 1:1 ack 82"
        let run = rows(acks + last).dropFirst()
        #expect(run.count == 2 && run.allSatisfy { $0.count <= 100 }, "\(run)")
        #expect(run.first?.contains("|-- 8 ACKs, ack 81 ---") == true && run.first?.hasPrefix("13+ ") == true, "\(run)")
        #expect(run.last?.contains("ACK ack 82 ") == true && run.last?.hasSuffix("FIN_WAIT_2") == true)
        #expect(rows(acks + last, verbosity: 1).count == 10)
        // A duplicate ACK, an ACK after a pause, and a delayed ACK.
        #expect(rows("0.011 > . 1:1 ack 11\n0.0111 > . 1:1 ack 11\n0.0112 > . 1:1 ack 21").count == 4)
        #expect(rows("0.011 > . 1:1 ack 11\n0.03 > . 1:1 ack 21").count == 3)
        #expect(rows("0.011 > . 1:1 ack 11\n0.06 > . 1:1 ack 21").last?.contains("(delayed ACK)") == true)
    }

    /// An ACK of only a part, or a window update, does not acknowledge the row.
    @Test func ackedIsWhatIsAllAcknowledged() {
        let text = handshake + "0.1 > P. 1:11 ack 1\n> P. 11:21 ack 1\n"
        func row(_ more: String) -> String { ladder(text + more).first { $0.contains("20 bytes") } ?? "" }
        #expect(!row("0.15 < . 1:1 ack 11").contains("acked"))
        #expect(!row("0.15 < . 1:1 ack 1 win 9000").contains("acked"))
        #expect(row("0.15 < . 1:1 ack 21").contains(" acked +49.00ms (delayed)"))
        let both = row("0.11 < . 1:1 ack 11\n0.15 < . 1:1 ack 21\n0.19 < . 1:1 ack 21 win 9000")
        #expect(both.contains(" acked +49.00ms"), "\(both)")
    }

    @Test func halfClosedIsSaidOnce() {
        let all = ladder(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n0.2 < P. 1:11 ack 2\n> . 2:2 ack 11")
        #expect(all.filter { $0.contains("half-closed: server may still send") }.count == 1, "\(all)")
    }

    /// After close() the peer's text is answered with a RST; after shutdown() it is read.
    @Test func whoHasClosedAndWhoHasShutDown() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2"
        func note(isOwned: Bool) -> String? {
            let scene = KernelScene(client: .finWait2, server: .closeWait, clientIsOwned: isOwned)
            return ladder(text, scene: scene).first { $0.contains("half-closed: ") }
        }
        #expect(note(isOwned: true)?.contains("half-closed: server may still send") == true)
        #expect(note(isOwned: false)?.contains("half-closed: client's socket has no owner") == true)
    }

    /// The classic 40 ms: a small write waits for the ACK of the previous one (Nagle), which the receiver delays.
    @Test func foldingHidesNoPause() {
        let all = ladder(
            handshake + "0.010 > P. 1:9 ack 1\n0.050 < . 1:1 ack 9\n0.0501 > P. 9:17 ack 1\n0.0502 < . 1:1 ack 17")
        let rows = all.filter { $0.contains("bytes") }
        #expect(rows.count == 2, "\(rows)")
        #expect(
            rows.first?.contains("acked +40.00ms") == true && rows.last?.contains("acked +100us") == true, "\(rows)")
        // Nor does it if the first SYN was lost, since that reveals nothing about the round trip.
        let late = ladder(
            "> S 0:0\n1.0 > S 0:0\n1.001 < S. 0:0 ack 1\n1.002 > . 1:1 ack 1\n1.1 > P. 1:9 ack 1\n1.14 < . 1:1 ack 9\n1.1401 > P. 9:17 ack 1"
        )
        #expect(late.filter { $0.contains("bytes") }.count == 2)
        // The clock steps back by more than a hundred years.
        #expect(ladder("> S 0:0\n-4000000000 > . 1:1 ack 1").contains { $0.contains("ACK ack 1") })
        // If the round trip takes as long, nothing waits.
        let far = ladder(
            "> S 0:0\n0.040 < S. 0:0 ack 1\n0.0401 > . 1:1 ack 1\n0.050 > P. 1:9 ack 1\n0.090 < . 1:1 ack 9\n0.0901 > P. 9:17 ack 1"
        )
        #expect(far.filter { $0.contains("bytes") }.count == 1)
    }

    @Test func foldingStopsAtARetransmission() {
        let all = ladder(handshake + "> P. 1:11 ack 1\n> P. 1:11 ack 1\n< . 1:1 ack 11")
        #expect(all.contains { $0.contains("(retransmission)") })
        #expect(all.filter { $0.contains("bytes") }.count == 2)
    }

    @Test("E4: text that is sent again into a closed window is called a probe, as it counts")
    func textAgainIntoAClosedWindow() {
        let shut = handshake + "> P. 1:11 ack 1\n> P. 11:21 ack 1\n< . 1:1 ack 11 win 0\n"
        func rows(_ text: String) -> [String] {
            let report = TextTimelineReport(style: TextStyle(), order: .blocks)
            return lines(Render(Play(keepsStatistics: true)).run(shut + text, report))
        }
        let probed = rows("0.5 > P. 11:21 ack 1\n< . 1:1 ack 11 win 0")
        #expect(probed.contains { $0.contains("11:21") && $0.contains("(window probe)") })
        #expect(!probed.contains { $0.contains("(retransmission)") })
        #expect(probed.contains { $0.contains("(answer)") })
        #expect(!rows("0.05 > P. 11:21 ack 1").contains { $0.contains("(window probe)") })
    }

    @Test("E4: a window that opens long after a probe does not answer it")
    func opensLongAfterAProbe() {
        let probed = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0\n0.5 > . 10:10 ack 1\n"
        func isAnswer(_ text: String) -> Bool { ladder(probed + text).contains { $0.contains("(answer)") } }
        #expect(isAnswer("0.9 < . 1:1 ack 11 win 0"))
        #expect(isAnswer("0.501 < . 1:1 ack 11 win 500"))
        #expect(!isAnswer("0.9 < . 1:1 ack 11 win 500"))
    }

    @Test func verboseShowsMoreEachTime() {
        let counts = (0...3).map { ladder(sample, verbosity: $0).count }
        #expect(counts[0] < counts[1] && counts[1] < counts[2] && counts[2] < counts[3])
        #expect(ladder(sample, verbosity: 1).contains { $0.contains("12 bytes 1:13 ack 1") })
        #expect(
            ladder(sample, verbosity: 2).contains {
                $0.contains("SYN,ACK seq 0 ack 1 win 65483 mss 65495 ws 10")
                    || $0.contains("SYN,ACK seq 0 ack 1 mss 65495 ws 10")
            })
        #expect(ladder(sample, verbosity: 3).contains { $0.contains("client observed: 3.10.4-close") })
    }

    @Test func rawSequenceNumbers() {
        let all = ladder(sample) { $0.rawSequence(true) }
        #expect(all.contains { $0.contains("SYN seq 1000 ") })
        #expect(all.contains { $0.contains("SYN,ACK seq 5000 ack 1001 ") })
        #expect(all.contains { $0.contains("12 bytes 1001:1013, acked") })
    }

    @Test func timeStyles() {
        #expect(!ladder(sample) { $0.time = .none }[4].contains("0.000000"))
        #expect(ladder(sample, width: 110) { $0.time = .epoch }[4].hasPrefix("  1  1795363634.454475 "))
        let date = ladder(sample, width: 120) { $0.time = .date }[4]
        #expect(date.wholeMatch(of: #/  1  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.454475 .*/#) != nil)
        #expect(ladder(sample) { $0.nanoseconds = true }.contains { $0.contains("0.000022000") })
        // The narrow ladder has times where a phase begins, and so has a page too narrow for a wide ladder with such a
        // column.
        #expect(ladder(sample, width: 80)[2].hasPrefix("--- handshake at 0.000000s ---"))
        #expect(ladder(sample, width: 80) { $0.time = .none }[2].hasPrefix("--- handshake ---"))
        #expect(ladder(sample, width: 100) { $0.time = .epoch }[2].hasPrefix("--- handshake at 1795363634.454475 ---"))
        let rule = ladder(sample, width: 80) { $0.time = .date }[2]
        #expect(
            rule.prefixMatch(of: #/--- handshake at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.454475 ---/#) != nil
                && rule.count <= 80)
    }

    @Test func unicodeHasTheSameColumns() {
        let ascii = ladder(sample)
        let unicode = ladder(sample) { $0.ascii = false }
        #expect(ascii.map { $0.count } == unicode.map { $0.count })
        #expect(unicode.contains { $0.contains("│◀─") } && unicode.contains { $0.contains("═▶│") })
        #expect(ladder(handshake + "> R. 1:1 ack 1") { $0.ascii = false }.contains { $0.contains("╳│") })
    }

    @Test func coloursSayNothingNew() {
        let plain = ladder(sample)
        let coloured = ladder(sample) { $0.color = true }
        #expect(coloured.contains { $0.contains("\u{1b}[") })
        #expect(coloured.map { $0.replacing(#/\x1b\[[0-9;]*m/#, with: "") } == plain)
        #expect(
            coloured.allSatisfy { !$0.contains("\u{1b}") || $0.contains("\u{1b}[0m") }, "every line ends its colours")
    }

    @Test func X4_midstreamIsSaid() {
        let all = ladder("> P. 500:510 ack 300")
        #expect(all[0].contains("127.0.0.1:35924 > 127.0.0.1:9500 ?"))
        #expect(all.contains { $0.contains("began before the capture: states assumed") })
        #expect(all[1].contains("client?") && all[1].contains("server?"))
    }

    @Test func H13_selfConnectHasOneLane() {
        let play = Play()
        play.server = play.client
        play.serverISN = play.clientISN
        let all = lines(
            Render(play).run(
                "> S 0:0\n> S. 0:0 ack 1\n> . 1:1 ack 1\n> F. 1:1 ack 1\n> . 2:2 ack 2",
                TextTimelineReport(style: TextStyle(), order: .blocks)))
        #expect(all[1].contains("(one socket, connected to itself)"))
        #expect(all[1].count <= 100)
        #expect(all.contains { $0.hasPrefix("closed (") })
    }

    @Test func idleTimeIsNamed() {
        #expect(
            ladder(handshake + "62 > P. 1:11 ack 1").contains {
                $0.contains("idle for 61.9s") || $0.contains("idle for 62.0s")
            })
    }

    @Test func theMiddleOfALongConnectionIsLeftOutAndCounted() {
        // Each exchange has two rows: data in each direction.
        let text =
            handshake
            + (0..<1000).map { "> P. \(1 + $0):\(2 + $0) ack \(1 + $0)\n< P. \(1 + $0):\(2 + $0) ack \(2 + $0)" }
            .joined(separator: "\n") + "\n> R. 1001:1001 ack 1001"
        let all = ladder(text)
        #expect(all.count < 1020)
        let elided = all.filter { $0.contains("... ") && $0.contains("rows") }
        #expect(elided.count == 1)
        let rows = all.filter { $0.contains("|--") || $0.contains("|==") || $0.contains("|<") || $0.contains("|X") }
            .count
        #expect(elided[0].contains("\(2004 - rows) rows"), "\(elided[0]); \(rows) rows shown")
        #expect(all.contains { $0.contains("RST,ACK") }, "the end is kept")
        #expect(all[4].contains("SYN seq 0"), "the beginning is kept")
        #expect(ladder(text, verbosity: 1).filter { $0.contains(" rows") }.isEmpty)
    }

    /// Memory is limited to this many rows in all, whichever connections they belong to; a finished connection frees
    /// its rows.
    @Test func withMoreRowsThanMemoryThoseOfEachAreFew() {
        func conversation(_ from: Int, _ count: Int = 100) -> String {
            (from..<from + count).map {
                "> P. \(1 + $0):\(2 + $0) ack \(1 + $0)\n< P. \(1 + $0):\(2 + $0) ack \(2 + $0)"
            }
            .joined(separator: "\n")
        }
        let play = Play()
        let render = Render(play)
        var report = TextTimelineReport(style: TextStyle(), order: .blocks, mostRows: 150)
        play.observer = { event, timeline in report.segment(event, timeline.connections, &render.out) }
        let first = play.client
        play.feed(handshake + conversation(0))
        // The first connection has 200 rows by now, so the next one begins when memory is short.
        play.client = SocketAddress(.loopbackV4, 40000)
        play.feed(handshake + conversation(0))
        play.client = first
        play.feed(conversation(100))
        for id in play.timeline.remaining() { report.finish(id, play.timeline.connections, nil, &render.out) }
        // Nothing is left in memory, so there is room for all rows again.
        play.client = SocketAddress(.loopbackV4, 40001)
        play.feed(handshake + conversation(0, 50))
        play.observer = nil
        for id in play.timeline.remaining().suffix(1) { report.finish(id, play.timeline.connections, nil, &render.out) }
        let blocks = String(decoding: render.out.bytes, as: UTF8.self).split(separator: "TCP ").map {
            lines(String($0))
        }
        #expect(blocks.count == 3)
        let shown = blocks.map { $0.filter { $0.contains(" 1 byte ") }.count }
        let elided = blocks.map { $0.filter { $0.contains("rows, ") } }
        #expect(elided[0].count == 1 && elided[1].count == 1 && elided[2].isEmpty)
        #expect(shown[0] < 200 && shown[1] < 45 && shown[2] == 100, "\(shown)")
    }

    @Test func kernelMarksAndProcesses() {
        let all = ladder(handshake, scene: KernelScene(client: .established, server: .established))
        #expect(all[2].contains("lab-client[7511]") && all[2].contains("lab-server[7410]"))
        #expect(all[4].hasSuffix("| LISTEN*"))
        #expect(all[6].contains("ESTABLISHED* |<"))
        #expect(all[7].hasSuffix("| ESTABLISHED*"))
        #expect(all.contains("* = confirmed by the kernel"))
        let corrected = ladder(
            "> S 0:0\n< S. 0:0 ack 1", scene: KernelScene(client: .synSent, server: .synReceived, isSteady: true))
        #expect(corrected.contains { $0.contains(" SYN_SENT* |kernel: client is SYN_SENT, not ESTABLISHED |") })
        #expect(corrected.contains { $0.hasPrefix("half-open (S1): client SYN_SENT, server SYN_RECEIVED") })
        #expect(!corrected.contains { $0.contains("!") })
        let disagreeing = ladder(handshake, scene: KernelScene(client: .finWait1, server: .established))
        #expect(!disagreeing.contains { $0.contains("ESTABLISHED* |") })
    }

    /// The text is dropped, and counted.
    @Test func H30_textBeyondTheWindow() {
        let lines = lines(
            Render(Play(keepsStatistics: true)).run(
                handshake + "> P. 1:4 ack 1\n< . 1:1 ack 4\n> P. 66004:66104 ack 1",
                TextTimelineReport(style: TextStyle(), order: .blocks)))
        #expect(lines.contains { $0.hasSuffix("client sent 100 B beyond the window, dropped") }, "\(lines)")
    }

    /// The kernel has closed a socket whose FIN is not sent yet: the row says what the FIN waits for.
    @Test func T21_aFinThatIsStillToCome() {
        func row(_ queue: UInt32) -> String {
            let scene = KernelScene(client: .finWait1, server: .established, clientQueue: queue, isSteady: true)
            let lines = ladder(handshake + "\n> P. 1:101 ack 1", width: 140, scene: scene)
            return lines.first { $0.contains("kernel says") } ?? ""
        }
        #expect(
            row(5001).contains(" ESTABLISHED! |")
                && row(5001).contains("client: FIN_WAIT_1, its FIN comes behind 5000 B "))
        #expect(row(1).contains("client: FIN_WAIT_1, FIN not seen yet "))
    }

    /// The server's socket was gone before its owner was looked up; the listener has only one holder.
    @Test(arguments: [true, false]) func whoAnsweredHasAccepted(isAnswered: Bool) {
        let play = Play()
        let render = Render(play)
        var report = TextTimelineReport(style: TextStyle(), order: .blocks)
        play.observer = { event, timeline in
            if event.isFirst { render.join.watch(event.connection, timeline) }
            report.segment(event, timeline.connections, &render.out)
        }
        play.feed(handshake + (isAnswered ? "< P. 1:4 ack 1\n" : "") + "> R 1:1")
        play.observer = nil
        let id = play.last.connection
        let listener = KernelSocket(local: play.server, remote: SocketAddress(.anyV4, 0), state: .listen, inode: 9)
        let time = play.now.advanced(by: Span.millisecond)
        _ = render.join.reconcile(Reading(begin: time, end: time, sockets: [listener]), &play.timeline)
        _ = render.join.assign([9: ProcessIdentity(pid: 7410, command: "lab-server", uid: 0)], time: time)
        if isAnswered { render.join.noteAnswer(id, play.now) }
        report.finish(id, play.timeline.connections, render.join.view(id), &render.out)
        let text = String(decoding: render.out.bytes, as: UTF8.self)
        #expect(text.contains(isAnswered ? "lab-server[7410] accepted" : "lab-server[7410] listens"), "\(text)")
    }

    /// A firewall rule answers with a RST on behalf of a server that listens.
    @Test func H3_aRejectedServerStillListens() {
        for reason in [KernelWord.netfilterDrop, "SOCKET_FILTER"] {
            let play = Play()
            let render = Render(play)
            var report = TextTimelineReport(style: TextStyle(), order: .blocks)
            play.observer = { event, timeline in
                if event.isFirst { render.join.watch(event.connection, timeline) }
                report.segment(event, timeline.connections, &render.out)
            }
            play.feed("> S 0:0\n< R. -5000:-5000 ack 1")
            play.observer = nil
            var said: [KernelEvent] = []
            let drop = SocketEvent(
                time: play.now, kind: .dropped(reason: reason), local: play.server, remote: play.client)
            render.join.take([drop], now: play.now, &play.timeline, &said, tellsAll: true)
            let listener = KernelSocket(local: play.server, remote: SocketAddress(.anyV4, 0), state: .listen, inode: 9)
            let time = play.now.advanced(by: Span.millisecond)
            _ = render.join.reconcile(Reading(begin: time, end: time, sockets: [listener]), &play.timeline)
            let id = play.last.connection
            report.finish(id, play.timeline.connections, render.join.view(id), &render.out)
            let all = lines(String(decoding: render.out.bytes, as: UTF8.self))
            let isRejected = reason == .netfilterDrop
            #expect(all.contains { $0.hasSuffix("| LISTEN*") } == isRejected, "\(all)")
            #expect(all.contains { $0.contains("(no socket)") } != isRejected, "\(all)")
        }
    }

    /// MP_FASTCLOSE ends the whole MPTCP connection; the reason next to it adds nothing.
    @Test func E22_whatEndsAnMPTCPConnectionIsShown() throws {
        let reset = try #require(ladder(handshake + "> R. 1:1 ack 1 mptcp 7 mptcp 8").first { $0.contains("RST") })
        #expect(reset.contains("MP_FASTCLOSE") && !reset.contains("MP_TCPRST"), "\(reset)")
        let other = try #require(ladder(handshake + "> R. 1:1 ack 1 mptcp 8").first { $0.contains("RST") })
        #expect(other.contains("MP_TCPRST unspecified"), "\(other)")
    }

    @Test func severalConnectionsAtWorkCarryTheirNumbers() {
        let play = Play()
        let render = Render(play)
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        play.observer = { event, timeline in report.segment(event, timeline.connections, &render.out) }
        play.feed("0 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        let first = play.client
        play.client = SocketAddress(.loopbackV4, 40000)
        play.feed("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        play.client = first
        play.feed("> P. 1:11 ack 1")
        play.observer = nil
        report.flush(now: play.now.advanced(by: Span.second), play.timeline.connections, nil, &render.out)
        for id in play.timeline.remaining() { report.finish(id, play.timeline.connections, nil, &render.out) }
        let all = lines(String(decoding: render.out.bytes, as: UTF8.self))
        #expect(all.contains { $0.hasPrefix("1|  1  0.000000") })
        #expect(all.contains { $0.hasPrefix("2|  4  0.000000") })
        #expect(all.filter { $0.hasPrefix("TCP ") }.count == 2)
        #expect(all.filter { $0.contains("open (S1)") }.count == 2)
    }

    /// The connection's number precedes the columns of a row, which take the room from the ladder.
    @Test(arguments: [80, 81, 99, 100, 140, 200]) func numbersBesideTheLadderFitThePage(_ width: Int) throws {
        for columns in 2...6 {
            let layout = TimelineLayout(width: width, timeStyle: .sinceStart)
            let beside = layout.beside(columns)
            #expect(columns + beside.rightBar + 2 + TimelineLayout.stateWidth <= width, "\(columns)")
            #expect(beside.lane >= layout.lane - columns && (width < 200 || beside.lane == layout.lane))
        }
        var style = TextStyle()
        style.width = width
        let play = Play()
        let render = Render(play)
        var report = TextTimelineReport(style: style, order: .stream)
        play.observer = { event, timeline in report.segment(event, timeline.connections, &render.out) }
        for port in 0..<UInt16(110) {
            play.client = SocketAddress(.loopbackV4, 40000 + port)
            play.feed("> S 0:0 win 65495 mss 65495 ws 10\n< S. 0:0 ack 1\n> . 1:1 ack 1\n> P. 1:4000000 ack 1")
        }
        play.observer = nil
        for id in play.timeline.remaining() { report.finish(id, play.timeline.connections, nil, &render.out) }
        let all = lines(String(decoding: render.out.bytes, as: UTF8.self))
        for line in all { #expect(line.count <= width, "\(line)") }
        // A connection's bars stay in one column each.
        let rows = all.filter { $0.hasPrefix("110|") && ($0.contains("-->|") || $0.contains("|<--")) }
        let bars = Set(
            rows.map { row in row.indices.filter { row[$0] == "|" }.map { row.distance(from: row.startIndex, to: $0) } }
        )
        #expect(rows.count == 3 && bars.count == 1, "\(rows)")
    }

    @Test func H16_replacedIncarnationIsABlockOfItsOwn() {
        let play = Play()
        let render = Render(play)
        let text = render.run("> S 0:0", TextTimelineReport(style: TextStyle(), order: .blocks))
        #expect(text.contains("no answer in this capture (S0): 1 SYN;"))
    }
}

extension TextStyle {
    fileprivate mutating func rawSequence(_ raw: Bool) { detail.rawSequence = raw }
}

extension FourTuple {
    /// The same ports on loopback.
    fileprivate var near: FourTuple {
        FourTuple(
            source: SocketAddress(.loopbackV4, source.port), destination: SocketAddress(.loopbackV4, 80))
    }
}

@Suite struct SummaryTests {
    @Test func at100() {
        let all = lines(Render().run(sample, SummaryReport(width: 100)))
        #expect(
            all[0]
                == "  # CLIENT          SERVER         OUTCOME          SETUP DURATION       >B       <B CLOSER PROCESS"
        )
        #expect(
            all[1] == "  1 127.0.0.1:35924 127.0.0.1:9500 closed SF         35us  300.7ms       12       20 client")
    }

    @Test func at100WithProcesses() {
        let all = lines(Render().run(handshake, SummaryReport(width: 100), scene: KernelScene()))
        #expect(all[1].hasSuffix(" -      lab-client[7511] > lab-server[7410]"))
    }

    @Test func at80() {
        let all = lines(Render().run(sample, SummaryReport(width: 80)))
        #expect(all[0].hasSuffix("<B") && all[0].count <= 80)
        #expect(all[1] == "  1 127.0.0.1:35924 127.0.0.1:9500 closed SF         35us  300.7ms     12     20")
    }

    /// In a live trace, the columns have room for the next address, too; a page of 80 columns has none to spare.
    @Test func liveColumnsStayWhereTheyAre() {
        let far = FourTuple(
            source: SocketAddress(IPAddress(v4: 0xc0a8_6464), 54321),
            destination: SocketAddress(IPAddress(v4: 0xc0a8_64c8), 44321))
        for (width, columns) in [(80, 29), (90, 39), (100, 42), (140, 42)] {
            var report = SummaryReport(width: width, reserving: 21)
            let render = Render()
            var timeline = Timeline(seed: 1)
            for (index, tuple) in [far.near, far].enumerated() {
                let segment = Segment(tuple: tuple, sequence: SequenceNumber(1), flags: .syn, window: 1)
                _ = timeline.observe(segment, time: Timestamp(nanoseconds: 0), frame: UInt64(index + 1))
            }
            for id in timeline.remaining() { report.finish(id, timeline.connections, nil, &render.out) }
            let all = lines(String(decoding: render.out.bytes, as: UTF8.self))
            let places = all.map { line in
                line.distance(
                    from: line.startIndex,
                    to: (line.firstRange(of: "OUTCOME") ?? line.firstRange(of: "no answer"))?.lowerBound
                        ?? line.endIndex)
            }
            #expect(places[0] == places[1] && places[0] == 4 + columns + 2, "\(width): \(all)")
            #expect((places[2] == places[1]) == (width >= 100), "\(width): \(all)")
            #expect(width >= 100 || all[1].count <= width)
        }
    }

    @Test func oneLineUnder80() {
        let all = lines(Render().run(sample, SummaryReport(width: 60)))
        #expect(
            all[0].hasSuffix(" closed SF 127.0.0.1:35924 > 127.0.0.1:9500 setup 35us dur 300.7ms 12/20 B by client"))
        #expect(all.count == 2)
    }

    @Test func anEmptyTableStillHasItsHeading() {
        let render = Render()
        var report = SummaryReport(width: 100)
        report.end(Render.capture(), CaptureCounts(), at: nil, &render.out)
        #expect(String(decoding: render.out.bytes, as: UTF8.self).hasPrefix("  # CLIENT"))
    }

    @Test(arguments: [100, 80])
    func everyOutcomeKeepsItsColumns(_ width: Int) {
        for exchange in [
            sample, "> S 0:0", "> S 0:0\n< R. 0:0 ack 1", "> S 0:0\n< S. 0:0 ack 1", "> P. 500:510 ack 300",
        ] {
            let all = lines(Render().run(exchange, SummaryReport(width: width)))
            let column = all[0].distance(
                from: all[0].startIndex, to: all[0].firstRange(of: "OUTCOME")?.lowerBound ?? all[0].startIndex)
            #expect(all[1].dropFirst(column - 1).first == " ")
            // Guessed roles take a column more than these addresses.
            let mark = all[1].contains("127.0.0.1:9500? ") ? 1 : 0
            #expect(mark == (exchange.contains("S 0:0") ? 0 : 1))
            #expect(all[1].count <= width + mark && all[1].dropFirst(column).first?.isLetter == true)
        }
    }
}
