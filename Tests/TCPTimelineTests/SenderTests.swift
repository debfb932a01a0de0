// Which side sent a segment: comparing all numbers at once gives the same result as comparing one by one.

import Exchanges
import SeededRandom
import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct SenderTests {
    private static func hot(_ tuple: FourTuple) -> HotPart {
        HotPart(
            number: 1, tuple: tuple, first: Segment(tuple: tuple, sequence: SequenceNumber(0), flags: .syn),
            time: Timestamp(nanoseconds: 0), interface: 0)
    }

    @Test("Ends whose bits lie within one another, as those of 49232 and 80 do, are not taken for one another")
    func nestedEnds() {
        var random = SplitMix(seed: 18)
        func address() -> IPAddress {
            switch UInt8.random(in: 0..<3, using: &random) {
            case 0: .loopbackV4
            // Few bits differ, so that one address often contains the bits of another.
            case 1: IPAddress(v4: 0x0a00_0000 | UInt32.random(in: 0..<16, using: &random))
            default: IPAddress(high: 0xfe80_0000_0000_000f, low: UInt64.random(in: 0..<16, using: &random))
            }
        }
        let ports: [UInt16] = [22, 80, 443, 8080, 9500, 49232]
        for _ in 0..<50_000 {
            func end() -> SocketAddress {
                let port = Bool.random(using: &random) ? ports.randomElement(using: &random) : nil
                return SocketAddress(address(), port ?? UInt16.random(in: 32768...60999, using: &random))
            }
            let tuple = FourTuple(source: end(), destination: end())
            let hot = Self.hot(tuple)
            #expect(hot.sender(tuple) == 0)
            #expect(hot.sender(tuple.reversed) == (tuple == tuple.reversed ? 0 : 1), "\(tuple)")
            let other = FourTuple(source: end(), destination: end())
            let expected: Int? = other == tuple ? 0 : other == tuple.reversed ? 1 : nil
            #expect(hot.sender(other) == expected, "\(tuple) \(other)")
            for mixed in [
                FourTuple(source: tuple.source, destination: other.destination),
                FourTuple(source: other.source, destination: tuple.destination),
            ] where mixed != tuple && mixed != tuple.reversed {
                #expect(hot.sender(mixed) == nil, "\(tuple) \(mixed)")
            }
        }
    }

    @Test("The answer's text is the server's, whatever the client's port is")
    func textOfBothSides() {
        for port in [UInt16(49231), 49232, 49233, 0xffff] {
            let tuple = FourTuple(
                source: SocketAddress(.loopbackV4, port), destination: SocketAddress(.loopbackV4, 80))
            var timeline = Timeline(seed: 1)
            var frame: UInt64 = 0
            func see(_ flags: TCPFlags, _ sequence: UInt32, _ ack: UInt32, _ length: UInt32, back: Bool) -> SegmentEvent
            {
                frame += 1
                return timeline.observeOnce(
                    Segment(
                        tuple: back ? tuple.reversed : tuple, sequence: SequenceNumber(sequence),
                        acknowledgment: SequenceNumber(ack), flags: flags, window: 500, payloadLength: length,
                        ipLength: 40 + length, ipIdentification: UInt16(frame)),
                    time: Timestamp(nanoseconds: Int64(frame) * 1000), frame: frame, vantage: 0)
            }
            _ = see(.syn, 1000, 0, 0, back: false)
            _ = see([.syn, .ack], 1100, 1001, 0, back: true)
            _ = see(.ack, 1001, 1101, 0, back: false)
            _ = see(.ack, 1001, 1101, 100, back: false)
            // By its numbers this could be the client's next text.
            let answer = see(.ack, 1101, 1101, 300, back: true)
            let copy = timeline.observeOnce(
                answer.segment, time: answer.time.advanced(by: 5000), frame: 99, vantage: 0)
            #expect(copy.originalFrame == answer.frame, "port \(port)")
            let connection = timeline[answer.connection]
            #expect(connection.counters[0].uniqueBytes == 100 && connection.counters[1].uniqueBytes == 300)
            #expect(connection.missedBytes == 0)
        }
    }
}
