// The laws of sequence number arithmetic, at seeded random points and at the edges where the numbers wrap.

import SeededRandom
import TCPModel
import Testing

/// The numbers around which 32-bit arithmetic goes wrong, and random ones.
private let points: [UInt32] = {
    let edges: [UInt32] = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff]
    var random = SplitMix(seed: 9293)
    return edges + (0..<120).map { _ in UInt32.random(in: 0...UInt32.max, using: &random) }
}()

@Suite("Sequence numbers") struct SequenceNumberTests {
    @Test("distance and offset undo advanced(by:)")
    func inverse() {
        for start in points.map(SequenceNumber.init) {
            for octets in points {
                let end = start.advanced(by: octets)
                #expect(end.offset(from: start) == octets)
                #expect(end.distance(from: start) == Int32(truncatingIfNeeded: octets))
                #expect(start.advanced(by: octets).advanced(by: 0 &- octets) == start)
            }
        }
    }

    @Test("advanced(by:) adds up in any order")
    func addition() {
        for start in points.prefix(24).map(SequenceNumber.init) {
            for first in points.prefix(24) {
                for second in points.prefix(24) {
                    let sum = start.advanced(by: first &+ second)
                    #expect(start.advanced(by: first).advanced(by: second) == sum)
                    #expect(start.advanced(by: second).advanced(by: first) == sum)
                }
            }
        }
    }

    @Test("before, after, and equal exclude each other")
    func trichotomy() {
        for left in points.map(SequenceNumber.init) {
            for right in points.map(SequenceNumber.init) {
                let isOpposite = left.rawValue &- right.rawValue == 0x8000_0000
                #expect(left.isAtOrBefore(right) == (left.isBefore(right) || left == right))
                #expect(left.isAtOrAfter(right) == (left.isAfter(right) || left == right))
                if isOpposite {
                    // Exactly half-way round: each number is before the other, and no caller may depend on it (RFC 1982
                    // 3.2).
                    #expect(left.isBefore(right) && right.isBefore(left))
                } else {
                    #expect(left.isBefore(right) == right.isAfter(left))
                    #expect([left.isBefore(right), left.isAfter(right), left == right].filter(\.self).count == 1)
                }
            }
        }
    }

    @Test("what is a little further is after, across the wrap too", arguments: [1, 2, 1460, 65535, 0x7fff_ffff])
    func littleFurther(octets: UInt32) {
        for start in points.map(SequenceNumber.init) {
            #expect(start.advanced(by: octets).isAfter(start))
            #expect(start.isBefore(start.advanced(by: octets)))
        }
    }

    @Test("a window holds its first and its last octet, not the one before or after")
    func window() {
        for start in points.map(SequenceNumber.init) {
            for length in [1, 2, 502, 65535, 1 << 30, 0x7fff_ffff, 0xffff_ffff] as [UInt32] {
                #expect(start.isWithin(start, length: length))
                #expect(start.advanced(by: length - 1).isWithin(start, length: length))
                #expect(!start.advanced(by: length).isWithin(start, length: length))
            }
            #expect(!start.isWithin(start, length: 0))
        }
    }

    @Test("SYN and FIN each take a sequence number", arguments: points.prefix(12))
    func segmentLength(start: UInt32) {
        let tuple = FourTuple(source: SocketAddress(.loopbackV4, 1), destination: SocketAddress(.loopbackV4, 2))
        let both = Segment(tuple: tuple, sequence: SequenceNumber(start), flags: [.syn, .fin], payloadLength: 10)
        #expect(both.sequenceLength == 12)
        #expect(both.sequenceEnd == SequenceNumber(start &+ 12))
        #expect(both.finSequence == SequenceNumber(start &+ 11))
        let jumbo = Segment(tuple: tuple, sequence: SequenceNumber(start), flags: .syn, payloadLength: .max)
        #expect(jumbo.sequenceLength == 0)
    }

    @Test func pureAck() {
        let tuple = FourTuple(source: SocketAddress(.loopbackV4, 1), destination: SocketAddress(.loopbackV4, 2))
        func segment(_ flags: TCPFlags, _ payload: UInt32 = 0) -> Segment {
            Segment(tuple: tuple, sequence: SequenceNumber(1), flags: flags, payloadLength: payload)
        }
        #expect(segment(.ack).isPureAck)
        #expect(segment([.ack, .psh, .ece]).isPureAck)
        #expect(!segment(.ack, 1).isPureAck)
        for flags: TCPFlags in [[], .psh, [.ack, .syn], [.ack, .fin], [.ack, .rst]] {
            #expect(!segment(flags).isPureAck)
        }
    }
}
