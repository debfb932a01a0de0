// The fast path for segments that change nothing, compared with the general path: all stored state must be equal.

import SeededRandom
import TCPMachine
import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct SteadyTests {
    private static let client = SocketAddress(.loopbackV4, 35924)
    private static let server = SocketAddress(.loopbackV4, 9500)

    /// All stored state of a connection, as text.
    private static func description(_ hot: HotPart) -> String {
        let letters = (0..<hot.history.count).map { hot.history[$0] }
        let sides = "\(hot.sides[0]) \(hot.sides[1])"
        let endpoints = "\(hot.endpoints[0]) \(hot.endpoints[1])"
        let marks = "\(hot.facts.rawValue) \(hot.zeek) \(hot.completeness.rawValue) \(letters)"
        return "\(sides) \(endpoints) \(marks) \(hot.lastTime) \(hot.lastLiveTime) \(hot.handshake)"
    }

    @Test func twentyThousandSegmentsBothWays() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("steady seed \(seed)")
        var random = SplitMix(seed: seed)
        var short = 0
        var segments = 0
        while segments < 20_000 {
            var next: [UInt32] = [UInt32(truncatingIfNeeded: random.next()), UInt32(truncatingIfNeeded: random.next())]
            var kept: HotPart?
            var rare = RarePart()
            // The clock of each side. Every third connection has no timestamps.
            let hasClocks = random.next() % 3 > 0
            var clocks: [UInt32] = [.max - 100, UInt32(truncatingIfNeeded: random.next())]
            for step in 0..<Int(random.next() % 60) + 4 {
                segments += 1
                let own = step == 0 || step == 2 ? 0 : step == 1 ? 1 : Int(random.next() & 1)
                let oddity = random.next() % 40
                var flags: TCPFlags = step == 0 ? .syn : step == 1 ? [.syn, .ack] : .ack
                var sequence = next[own]
                var acknowledged = next[1 - own]
                let payload = step < 3 || random.next() & 1 == 0 ? 0 : UInt32(random.next() % 3000)
                if step > 2 {
                    switch oddity {
                    case 0: flags.insert(.fin)
                    case 1: flags = .rst
                    case 2: sequence &-= UInt32(random.next() % 3000)
                    case 3: sequence &+= UInt32(random.next() % 3000)
                    case 4: acknowledged &-= UInt32(random.next() % 3000)
                    case 5: acknowledged &+= UInt32(random.next() % 3000)
                    case 6: flags.insert(.urg)
                    case 7: flags = [.syn, .ack]
                    case 8: flags = []
                    default: if oddity & 1 == 0 { flags.insert(.psh) }
                    }
                }
                let tuple = FourTuple(source: Self.client, destination: Self.server)
                var segment = Segment(
                    tuple: own == 0 ? tuple : tuple.reversed, sequence: SequenceNumber(sequence),
                    acknowledgment: SequenceNumber(acknowledged), flags: flags,
                    window: oddity == 9 ? 0 : UInt16(random.next() % 3 * 700 + 1), payloadLength: payload,
                    ipLength: 40 + payload)
                if flags.has(.syn) {
                    segment.options.present = .windowScale
                    segment.options.windowScale = 7
                }
                if hasClocks && oddity != 12 {
                    clocks[own] &+= UInt32(random.next() % 20)
                    segment.options.present.formUnion(.timestamps)
                    segment.options.timestampValue = clocks[own] &- (oddity == 10 ? UInt32(random.next() % 5000) : 0)
                    segment.options.timestampEchoReply = step == 0 ? 0 : clocks[1 - own]
                }
                if oddity > 5 || step < 3 {
                    next[own] = segment.sequenceEnd.rawValue
                }
                let time = Timestamp(nanoseconds: Int64(segments) * 1_000_000)
                let isFirst = kept == nil
                let before =
                    kept ?? HotPart(number: 1, tuple: segment.orientedTuple, first: segment, time: time, interface: 0)
                var step = Connection.Step()
                var long = before
                long.take(segment, time: time, isFirst: isFirst, &rare, &step)
                var steady = before
                if !isFirst, steady.takeSteadily(segment, own: own, time: time) {
                    short += 1
                    #expect(Self.description(steady) == Self.description(long), "seed \(seed), segment \(segments)")
                    #expect(step.notes.isEmpty && step.sent.count + step.arrived.count == 0 && !step.ended)
                    #expect(step.sent.anomalies.isEmpty && step.arrived.anomalies.isEmpty)
                    if Self.description(steady) != Self.description(long) { return }
                } else if !isFirst {
                    #expect(Self.description(steady) == Self.description(before), "seed \(seed): changed and refused")
                }
                if rare.needsGeneralPath {
                    long.facts.insert(.needsGeneralPath)
                } else {
                    long.facts.remove(.needsGeneralPath)
                }
                kept = long
            }
        }
        // Unless many segments take the fast path, nothing has been compared. About one in ten does, by the seed.
        #expect(short > segments / 20, "\(short) of \(segments)")
    }

    @Test("PAWS: an old timestamp stops a segment, but not after 2147 s of silence (RFC 7323 5.5, TCP_PAWS_WRAP)")
    func oldTimestamps() {
        let tuple = FourTuple(source: Self.client, destination: Self.server)
        func segment(_ sequence: UInt32, _ length: UInt32, from own: Int, value: UInt32, echo: UInt32) -> Segment {
            var segment = Segment(
                tuple: own == 0 ? tuple : tuple.reversed, sequence: SequenceNumber(sequence),
                acknowledgment: SequenceNumber(own == 0 ? 5000 : 1000), flags: .ack, window: 500, payloadLength: length,
                ipLength: 40 + length)
            segment.options.present = .timestamps
            segment.options.timestampValue = value
            segment.options.timestampEchoReply = echo
            return segment
        }
        func played(after seconds: Int64) -> (event: SegmentEvent, octets: UInt64) {
            var timeline = Timeline(seed: 1)
            _ = timeline.observe(
                segment(1000, 0, from: 0, value: 9000, echo: 70), time: Timestamp(nanoseconds: 0), frame: 1)
            _ = timeline.observe(
                segment(5000, 0, from: 1, value: 71, echo: 9000), time: Timestamp(nanoseconds: 1000), frame: 2)
            let event = timeline.observe(
                segment(1000, 100, from: 0, value: 8000, echo: 71),
                time: Timestamp(nanoseconds: 2000 + seconds * Span.second), frame: 3)
            return (event, timeline[event.connection].counters[0].uniqueBytes)
        }
        #expect(played(after: 0).event.arrived.anomalies == .oldTimestamp)
        #expect(played(after: 2140).octets == 0)
        #expect(played(after: 2150).event.arrived.anomalies == [])
        #expect(played(after: 2150).octets == 100)
    }

    @Test("An ACK a largest window ahead is somebody else's (RFC 5961 5), on the fast path too")
    func blindAcknowledgment() {
        let tuple = FourTuple(source: Self.client, destination: Self.server)
        func segment(_ own: Int, _ flags: TCPFlags, _ sequence: UInt32, _ ack: UInt32, _ length: UInt32) -> Segment {
            Segment(
                tuple: own == 0 ? tuple : tuple.reversed, sequence: SequenceNumber(sequence),
                acknowledgment: SequenceNumber(ack), flags: flags, window: 500, payloadLength: length,
                ipLength: 40 + length)
        }
        // The capture lacks the octets that the responder sent before it continues from `far`.
        let far: UInt32 = 510 &+ 3 << 29
        var timeline = Timeline(seed: 1)
        var connection: ConnectionID?
        let segments = [
            segment(0, .syn, 99, 0, 0), segment(1, [.syn, .ack], 499, 100, 0), segment(0, .ack, 100, 500, 0),
            segment(1, .ack, 500, 100, 10), segment(0, .ack, 100, 510, 10), segment(1, .ack, far, 110, 10),
            segment(0, .ack, 110, far &+ 10, 10),
        ]
        for (index, segment) in segments.enumerated() {
            connection =
                timeline.observe(
                    segment, time: Timestamp(nanoseconds: Int64(index) * 1000), frame: UInt64(index + 1)
                ).connection
        }
        guard let connection else { return }
        #expect(timeline[connection].originator.acknowledged == SequenceNumber(510))
    }

    @Test func aConnectionTakes256Octets() {
        #expect(MemoryLayout<HotPart>.stride == 256)
    }
}
