// The short way of segments that change nothing, against the long way: the same octets of everything that is kept.

import TCPMachine
import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct SteadyTests {
    private static let client = SocketAddress(.loopbackV4, 35924)
    private static let server = SocketAddress(.loopbackV4, 9500)

    /// Everything that is kept of a connection, as text.
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
                if !isFirst, steady.takeSteadily(segment, time: time) {
                    short += 1
                    #expect(Self.description(steady) == Self.description(long), "seed \(seed), segment \(segments)")
                    #expect(step.notes.isEmpty && step.sent.count + step.arrived.count == 0 && !step.ended)
                    #expect(step.sent.anomalies.isEmpty && step.arrived.anomalies.isEmpty)
                    if Self.description(steady) != Self.description(long) { return }
                } else if !isFirst {
                    #expect(Self.description(steady) == Self.description(before), "seed \(seed): changed and refused")
                }
                if rare.gaps.isEmpty { long.facts.remove(.hasHoles) } else { long.facts.insert(.hasHoles) }
                kept = long
            }
        }
        // If hardly any goes the short way, nothing has been compared.
        #expect(short > segments / 10, "\(short) of \(segments)")
    }

    @Test func aConnectionTakes248Octets() {
        #expect(MemoryLayout<HotPart>.stride == 248)
    }
}
