// The table of connections: compared with a model, with similar tuples, reused places, and the order in which
// connections end.

import Exchanges
import SeededRandom
import TCPModel
import TCPTimeline
import Testing

func syn(_ source: SocketAddress, _ destination: SocketAddress, _ sequence: UInt32 = 7) -> Segment {
    Segment(
        tuple: FourTuple(source: source, destination: destination), sequence: SequenceNumber(sequence), flags: .syn,
        window: 1000)
}

@Suite struct TableTests {
    /// A flow from a small, dense set, so that flows repeat and neighbours look alike.
    private static func tuple(_ bits: UInt64) -> FourTuple {
        let isV6 = bits & 1 == 1
        let a = UInt64(bits >> 1 & 15)
        let b = UInt64(bits >> 5 & 15)
        func address(_ n: UInt64) -> IPAddress {
            isV6 ? IPAddress(high: 0x2001_0db8 << 32, low: n) : IPAddress(v4: 0x0a00_0000 | UInt32(n))
        }
        return FourTuple(
            source: SocketAddress(address(a), UInt16(40000 + bits >> 9 & 31)),
            destination: SocketAddress(address(b), UInt16(80 + bits >> 14 & 7)))
    }

    @Test func aMillionRandomStepsAgainstADictionary() {
        let seed = UInt64.random(in: .min ... .max)
        print("table model seed \(seed)")
        var random = SplitMix(seed: seed)
        var timeline = Timeline(seed: seed)
        var model: [FlowKey: (id: ConnectionID, number: UInt64)] = [:]
        var number: UInt64 = 0
        var wrong = 0
        for step in 0..<1_000_000 {
            let bits = random.next()
            let tuple = Self.tuple(bits >> 8 & 0x1ffff)
            let key = FlowKey(tuple)
            // Grow for a while, then shrink, so that gaps are closed in both full and sparse tables.
            let removes = bits & 7 < (step / 100_000 % 2 == 0 ? 2 : 5)
            if removes {
                guard let known = model.removeValue(forKey: key) else { continue }
                timeline.retire(known.id)
            } else {
                let event = timeline.observe(
                    syn(tuple.source, tuple.destination), time: Timestamp(nanoseconds: Int64(step)), frame: UInt64(step)
                )
                if let known = model[key] {
                    // The SYN of the other end, if it is also in this set, belongs to the same flow too.
                    if event.isFirst || event.connection != known.id { wrong += 1 }
                } else {
                    number += 1
                    if !event.isFirst || timeline[event.connection].number != number { wrong += 1 }
                    model[key] = (event.connection, number)
                }
            }
        }
        #expect(wrong == 0, "seed \(seed)")
        #expect(timeline.trackedCount == model.count, "seed \(seed)")
        #expect(timeline.connectionCount == number)
        let lost = model.filter { !timeline.connections.contains($0.value.id, number: $0.value.number) }
        #expect(lost.isEmpty, "seed \(seed)")
        let numbers = timeline.remaining().map { timeline[$0].number }
        #expect(numbers == model.values.map { $0.number }.sorted(), "oldest first; seed \(seed)")
    }

    @Test(arguments: [0, 1, .max] as [UInt64])
    func tuplesThatLookAlikeStayApart(_ seed: UInt64) {
        var timeline = Timeline(seed: seed)
        var keys: Set<FlowKey> = []
        var flows: [FourTuple] = []
        func add(_ a: SocketAddress, _ b: SocketAddress) {
            let tuple = FourTuple(source: a, destination: b)
            if keys.insert(FlowKey(tuple)).inserted { flows.append(tuple) }
        }
        let x = IPAddress(10, 0, 0, 1)
        let y = IPAddress(10, 0, 0, 2)
        for port in UInt16(0)..<2000 {
            add(SocketAddress(x, port), SocketAddress(y, 80))
            add(SocketAddress(x, 80), SocketAddress(y, port))
            add(SocketAddress(x, port), SocketAddress(x, port))
            add(SocketAddress(x, port), SocketAddress(x, port ^ 1))
            add(SocketAddress(x, port), SocketAddress(y, port))
            add(
                SocketAddress(IPAddress(high: UInt64(port), low: 1), 1),
                SocketAddress(IPAddress(high: 1, low: UInt64(port)), 1))
            add(
                SocketAddress(IPAddress(high: UInt64(port) << 48, low: 0), 1),
                SocketAddress(IPAddress(high: 0, low: UInt64(port) << 48), 1))
        }
        for tuple in flows {
            #expect(timeline.observe(syn(tuple.source, tuple.destination), time: epoch, frame: 1).isFirst)
        }
        #expect(timeline.trackedCount == flows.count)
        for (index, tuple) in flows.enumerated() {
            let event = timeline.observe(syn(tuple.source, tuple.destination), time: epoch, frame: 1)
            #expect(!event.isFirst && timeline[event.connection].number == UInt64(index + 1))
        }
    }

    @Test func resultsDoNotDependOnTheSeed() {
        let texts = (0..<3).map { seed in
            let play = Play(seed: UInt64(seed) &* 0x1234_5678_9abc_def1)
            for port in UInt16(1000)..<1200 {
                play.client = SocketAddress(.loopbackV4, port)
                play.feed(handshake + IncarnationTests.closing)
            }
            return play.timeline.remaining().map { "\(play.timeline[$0].number) \(play.timeline[$0].historyText)" }
        }
        #expect(texts[0] == texts[1] && texts[1] == texts[2])
    }

    @Test func remainingIsOldestFirstAlsoAfterPlacesWereUsedAgain() {
        let play = Play("> S 0:0")
        play.clientISN = 2_000_000
        play.feed("> S 0:0")  // Takes the four-tuple over; the first one's place is free now.
        play.client = SocketAddress(.loopbackV4, 40000)
        play.feed("> S 0:0")
        #expect(play.timeline.remaining().map { play.timeline[$0].number } == [2, 3])
    }
}

@Suite struct ExpiryTests {
    /// Connections from ports 1001, 1002 ... that close at these times (seconds).
    private func closed(at times: [Double]) -> Play {
        let play = Play()
        for (index, time) in times.enumerated() {
            play.client = SocketAddress(.loopbackV4, UInt16(1001 + index))
            play.feed("\(time) > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n" + IncarnationTests.closing)
        }
        return play
    }

    private func expired(_ play: Play, at seconds: Double, linger: Int64 = Span.second) -> [UInt64] {
        var numbers: [UInt64] = []
        let now = epoch.advanced(by: Int64(seconds * 1e9))
        while let id = play.timeline.nextExpired(at: now, linger: linger) {
            numbers.append(play.timeline[id].number)
            play.timeline.retire(id)
        }
        return numbers
    }

    @Test func inTheOrderOfTheirEnds() {
        let play = closed(at: [0, 10, 20])
        #expect(expired(play, at: 0.5) == [])
        #expect(expired(play, at: 15) == [1, 2])
        #expect(expired(play, at: 15) == [])
        #expect(expired(play, at: 30) == [3])
        #expect(play.timeline.trackedCount == 0)
    }

    @Test func openOnesDoNotExpire() {
        let play = Play(handshake)
        #expect(expired(play, at: 100_000) == [])
    }

    @Test func lateSegmentsPutItOffOnlyForTheirOwnConnection() {
        let play = closed(at: [0, 0.1])
        // The server of connection 1 retransmits for a long time; connection 2 is over and silent.
        play.client = SocketAddress(.loopbackV4, 1001)
        for second in 1...10 { play.feed("\(second) < F. 1:1 ack 2\n> . 2:2 ack 2") }
        #expect(expired(play, at: 10.5) == [2])
        #expect(expired(play, at: 12) == [1])
    }

    @Test func replacedOnesAreNotReportedTwice() {
        let play = closed(at: [0])
        play.client = SocketAddress(.loopbackV4, 1001)
        play.clientISN = 90_000_000
        play.feed("0.5 > S 0:0")
        #expect(expired(play, at: 10) == [])
        #expect(play.timeline.trackedCount == 1)
    }
}
