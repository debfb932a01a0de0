// Verdicts of "dropped" that the receiver's own ACK disproves: a connection whose opening was not captured, and clocks
// that step back.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("Verdicts of dropped, taken back") struct DiscardedTests {
    /// Requests and answers, each acknowledged by the other side, then both FINs. The timestamps count milliseconds
    /// from these clocks; 0 means no timestamps.
    private static func requests(_ count: Int, from start: Double, clocks: (client: Int, server: Int)) -> String {
        func stamp(_ own: Int, _ other: Int, _ time: Double) -> String {
            own == 0 ? "" : " ts \(own + Int(time * 1000)) \(other + Int(time * 1000))"
        }
        var lines: [String] = []
        var (sent, received, time) = (1, 1, start)
        for _ in 0..<count {
            let (client, server) = (
                stamp(clocks.client, clocks.server, time), stamp(clocks.server, clocks.client, time)
            )
            lines.append("\(time) > P. \(sent):\(sent + 100) ack \(received)\(client)")
            sent += 100
            lines.append("\(time + 0.02) < P. \(received):\(received + 200) ack \(sent)\(server)")
            received += 200
            lines.append("\(time + 0.021) > . \(sent):\(sent) ack \(received)\(client)")
            time += 0.1
        }
        let (client, server) = (stamp(clocks.client, clocks.server, time), stamp(clocks.server, clocks.client, time))
        lines.append("\(time) > F. \(sent):\(sent) ack \(received)\(client)")
        lines.append("\(time + 0.02) < F. \(received):\(received) ack \(sent + 1)\(server)")
        lines.append("\(time + 0.021) > . \(sent + 1):\(sent + 1) ack \(received + 1)\(client)")
        return lines.joined(separator: "\n")
    }

    /// A connection whose end was not captured.
    private static func open(_ clocks: (client: Int, server: Int)?) -> Play {
        func stamp(_ own: Int?, _ other: Int?) -> String { own.map { " ts \($0) \(other ?? 0)" } ?? "" }
        let (client, server) = (stamp(clocks?.client, clocks?.server), stamp(clocks?.server, clocks?.client))
        return Play(
            """
            > S 0:0\(stamp(clocks?.client, 0))
            < S. 0:0 ack 1\(server)
            > . 1:1 ack 1\(client)
            > P. 1:101 ack 1\(client)
            < P. 1:201 ack 101\(server)
            > . 101:101 ack 201\(client)
            """)
    }

    private static func check(_ play: Play, _ text: [UInt64]) {
        #expect(play.count == 2)
        let old = play.timeline[play.events[0].connection]
        let new = play.connection
        #expect(old.counters[0].uniqueBytes == 100 && old.counters[1].uniqueBytes == 200)
        #expect(old.facts.contains(.replaced) && old.statesText == "ESTABLISHED ESTABLISHED")
        #expect(new.outcome == .closed && new.closer == .originator && new.tuple == old.tuple)
        #expect([new.counters[0].uniqueBytes, new.counters[1].uniqueBytes] == text && new.missedBytes == 0)
        let packets = [old, new].map { $0.counters[0].packets + $0.counters[1].packets }
        #expect(packets.reduce(0, +) == UInt32(play.events.count), "each frame counts once")
        #expect(play.events.dropFirst(8).allSatisfy { $0.anomalies.isEmpty })
    }

    @Test("X7, E17: the next connection, whose SYNs the capture lacks, has clocks that are behind")
    func nextConnectionWithOlderClocks() {
        let play = Self.open((3_000_000_000, 2_900_000_000))
        (play.clientISN, play.serverISN) = (700_001_000, 800_005_000)
        play.feed(Self.requests(20, from: 10, clocks: (1_000_000_000, 1_100_000_000)), retire: false)
        #expect(play.events[6].anomalies == .oldTimestamp)
        // The first request is the exception: only its ACK shows that it was taken.
        Self.check(play, [1900, 4000])
    }

    @Test("X7, H19b: the next connection, whose SYNs the capture lacks, has numbers that are before the old ones")
    func nextConnectionWithEarlierNumbers() {
        let play = Self.open(nil)
        (play.clientISN, play.serverISN) = (1000 &- 500_000_000, 5000 &- 600_000_000)
        play.feed(Self.requests(20, from: 240, clocks: (0, 0)), retire: false)
        #expect(play.events[6].anomalies == .staleSegment)
        Self.check(play, [1900, 4000])
    }

    @Test("E17: a receiver that does not go by time stamps takes what is old by them")
    func receiverWithoutProtection() {
        let play = Self.open((3_000_000_000, 2_900_000_000))
        play.feed(
            """
            1 > P. 101:201 ack 201 ts 2000000000 2900000000
            < P. 201:401 ack 201 ts 2900001000 2000000000
            > . 201:201 ack 401 ts 2000000020 2900001000
            < F. 401:401 ack 201 ts 2900001030 2000000020
            > F. 201:201 ack 402 ts 2000000030 2900001030
            < . 402:402 ack 202 ts 2900001040 2000000030
            """)
        #expect(play.count == 1 && play.connection.outcome == .closed && play.connection.closer == .responder)
        #expect(play.connection.counters[0].uniqueBytes == 200 && play.connection.counters[1].uniqueBytes == 400)
        #expect(play.connection.missedBytes == 0 && play.connection.counters[0].packets == 7)
        #expect(play.events.filter { $0.anomalies.contains(.oldTimestamp) }.map { $0.frame } == [7])
    }

    @Test("E17: text with an old stamp is in no number, unless something shows that it was sent")
    func textThatIsDropped() {
        let open = """
            > S 0:0 ts 1000 0
            < S. 0:0 ack 1 ts 90000 1000
            > . 1:1 ack 1 ts 1001 90000
            0.1 > P. 1:101 ack 1 ts 1100 90000
            < . 1:1 ack 101 ts 90100 1100

            """
        func octets(_ text: String) -> [UInt64] {
            let (play, statistics) = play(open + text)
            #expect(statistics[.originator].beyondWindowBytes == 0)
            return [play.connection.counters[0].uniqueBytes, statistics[.originator].uniqueBytes]
        }
        let old = "0.2 > P. 101:201 ack 1 ts 500 90100\n"
        #expect(octets(old) == [100, 100])
        #expect(octets(old + "> P. 201:301 ack 1 ts 500 90100") == [100, 100])
        #expect(octets("0.2 > P. 5101:5201 ack 1 ts 500 90100\n") == [100, 100])
        // Other text takes its place, it is acknowledged, or its sender goes on behind it.
        #expect(octets(old + "0.3 > P. 101:111 ack 1 ts 1300 90100\n< . 1:1 ack 111 ts 90300 1300") == [110, 110])
        #expect(octets(old + "0.3 < . 1:1 ack 201 ts 90300 500") == [200, 200])
        #expect(octets(old + "0.3 > P. 201:301 ack 1 ts 1300 90100") == [300, 300])
        // It is sent again.
        let (again, statistics) = play(open + old + "0.4 > P. 101:201 ack 1 ts 1400 90100")
        #expect(again.connection.counters[0].uniqueBytes == 200 && statistics[.originator].uniqueBytes == 200)
        #expect(again.connection.counters[0].retransmissions == 0 && statistics[.originator].retransmissions == 0)
    }

    @Test("E17: after 2147 s of silence a stamp of microseconds may have gone half round: it is not compared")
    func clockOfMicroseconds() {
        for (silence, isTaken) in [(2450.0, true), (2140, false)] {
            let later = 1_000_000 + UInt32(truncatingIfNeeded: UInt64(2450) * 1_000_000)
            let play = Self.open((1_000_000, 1_000_000))
            play.feed("\(silence) > P. 101:201 ack 201 ts \(later) 1000000")
            #expect(play.last.anomalies.isEmpty == isTaken)
        }
    }

    @Test(
        "H19b, E17: what is answered with the connection's own numbers was dropped",
        arguments: [
            "1 < P. -6000:-5000 ack -300\n> . 101:101 ack 201",
            "1 < P. -6000:-5000 ack -300\n< P. 201:205 ack 101\n> . 101:101 ack 205",
            "1 > P. 90000000:90000100 ack 201 ts 2000000000 2000000000\n< . 201:201 ack 101",
            // The ACK comes too soon after the opening, too late, or after a segment that belongs to the connection.
            "0.01 < P. -6000:-5000 ack -300\n> . -300:-300 ack -5000",
            "1 < P. -6000:-5000 ack -300\n200 > . -300:-300 ack -5000",
            "1 < P. -6000:-5000 ack -300\n> P. 101:105 ack 201\n> . -300:-300 ack -5000",
            // The segment's own sender sends the ACK, or it comes with a RST.
            "1 < P. -6000:-5000 ack -300\n< . -5000:-5000 ack -300",
            "1 < P. -6000:-5000 ack -300\n> R. -300:-300 ack -5000",
        ])
    func isDropped(_ rest: String) {
        let play = Self.open(rest.contains("ts") ? (3_000_000_000, 2_900_000_000) : nil)
        play.feed(rest)
        #expect(play.count == 1 && play.connection.statesText == "ESTABLISHED ESTABLISHED", "\(rest)")
        #expect(play.connection.counters[0].uniqueBytes <= 104)
    }
}
