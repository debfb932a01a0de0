// CASES X1, X2: a frame captured twice counts once; a retransmitted segment counts again.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("Copies of frames (X1, X2)") struct CopyTests {
    private static let tuple = FourTuple(
        source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))

    /// A timeline fed with frames, each captured at some place on the path.
    private struct Capture: ~Copyable {
        var timeline = Timeline(seed: 1)
        var frame: UInt64 = 0

        mutating func see(_ segment: Segment, at microseconds: Int64, place: UInt32 = 1, interface: UInt16 = 0)
            -> SegmentEvent
        {
            frame += 1
            return timeline.observeOnce(
                segment, time: Timestamp(nanoseconds: microseconds * 1000), frame: frame, interface: interface,
                vantage: place)
        }

        /// The three segments that open the connection.
        mutating func open() {
            _ = see(CopyTests.segment(.syn, 1000, id: 1), at: 0)
            var answer = CopyTests.segment([.syn, .ack], 5000, ack: 1001, id: 0)
            answer.tuple = CopyTests.tuple.reversed
            _ = see(answer, at: 10)
            _ = see(CopyTests.segment(.ack, 1001, ack: 5001, id: 2), at: 20)
        }
    }

    private static func segment(
        _ flags: TCPFlags, _ sequence: UInt32, ack: UInt32 = 0, length: UInt32 = 0, id: UInt16, hops: UInt8 = 64,
        stamp: UInt32? = nil
    ) -> Segment {
        var segment = Segment(
            tuple: tuple, sequence: SequenceNumber(sequence), acknowledgment: SequenceNumber(ack), flags: flags,
            window: 502, payloadLength: length, ipLength: 40 + length, ipIdentification: id, hopLimit: hops)
        if let stamp {
            segment.options.present = .timestamps
            segment.options.timestampValue = stamp
        }
        return segment
    }

    @Test("X1: of a side's first segment, too, where its ACK is blind")
    func firstSegmentWithBlindAck() {
        var capture = Capture()
        _ = capture.see(Self.segment(.ack, 1000, ack: 5000, length: 12, id: 1), at: 0)
        var answer = Self.segment(.ack, 3_000_000_000, ack: 1_500_000_000, length: 209, id: 7)
        answer.tuple = Self.tuple.reversed
        #expect(capture.see(answer, at: 10_000_000).anomalies.contains(.blindAck))
        answer.hopLimit -= 1
        #expect(capture.see(answer, at: 10_000_020).notes == .duplicateFrame)
    }

    @Test("H5: a SYN-ACK by its timer, and one that a SYN sent again has asked for, look alike and are two")
    func answerToARepeatedSyn() {
        var capture = Capture()
        _ = capture.see(Self.segment(.syn, 1000, id: 1, stamp: 1), at: 0)
        var answer = Self.segment([.syn, .ack], 5000, ack: 1001, id: 0, stamp: 7)
        answer.tuple = Self.tuple.reversed
        _ = capture.see(answer, at: 10)
        #expect(capture.see(answer, at: 11).notes == .duplicateFrame, "nobody has asked again")
        answer.options.timestampValue = 1007
        #expect(capture.see(answer, at: 1_000_000).notes == .retransmission)
        // A copy of a SYN requests no other SYN-ACK.
        #expect(
            capture.see(Self.segment(.syn, 1000, id: 1, stamp: 1), at: 1_000_001, place: 2).notes == .retransmission)
        #expect(capture.see(Self.segment(.syn, 1000, id: 2, stamp: 1001), at: 1_000_010).notes == .retransmission)
        #expect(capture.see(answer, at: 1_000_020, place: 2).notes == .duplicateFrame, "seen elsewhere")
        #expect(capture.see(answer, at: 1_000_030).notes == .retransmission)
        #expect(capture.see(answer, at: 1_000_031).notes == .duplicateFrame)
    }

    @Test("X1: the same IPv4 identification, behind a router: a copy, which moves nothing and counts for nothing")
    func routed() {
        var capture = Capture()
        capture.open()
        let data = Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 77)
        let first = capture.see(data, at: 1000)
        var second = data
        second.hopLimit = 63
        let copy = capture.see(second, at: 1020, place: 2, interface: 1)
        #expect(!first.notes.contains(.duplicateFrame))
        #expect(copy.notes == .duplicateFrame)
        #expect(copy.originalFrame == first.frame)
        #expect(copy.connection == first.connection && copy.relativeSequence == 1)
        let connection = capture.timeline[first.connection]
        #expect(connection.counters[0].packets == 3)
        #expect(connection.counters[0].retransmissions == 0)
        #expect(connection.counters[0].uniqueBytes == 100)
        #expect(capture.timeline.connections.duplicateFrames(of: first.connection) == 1)
    }

    @Test("the network delivers a packet twice, past one place: it was sent once, and counts once")
    func deliveredTwice() {
        var capture = Capture()
        capture.open()
        let data = Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 77)
        let first = capture.see(data, at: 1000)
        let again = capture.see(data, at: 31_000)
        #expect(again.notes == .duplicateFrame && again.originalFrame == first.frame)
        #expect(capture.timeline[first.connection].counters[0].retransmissions == 0)
        #expect(capture.timeline.connections.duplicateFrames(of: first.connection) == 1)
        // No network delays a copy longer than that, so this is a retransmission.
        #expect(capture.see(data, at: 102_000).notes == .retransmission)
    }

    @Test("one interface's frames are read before the other's: copies of a segment and of its repetition find theirs")
    func batches() {
        var capture = Capture()
        capture.open()
        let data = Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 0)
        let first = capture.see(data, at: 1000)
        let again = capture.see(data, at: 201_000)
        #expect(again.notes == .retransmission)
        let firstCopy = capture.see(data, at: 1010, place: 2, interface: 1)
        let secondCopy = capture.see(data, at: 201_010, place: 2, interface: 1)
        #expect(firstCopy.notes == .duplicateFrame && firstCopy.originalFrame == first.frame)
        #expect(secondCopy.notes == .duplicateFrame && secondCopy.originalFrame == again.frame)
        #expect(capture.timeline[first.connection].counters[0].retransmissions == 1)
    }

    @Test("the copy of a SYN opens nothing, the copy of a FIN closes nothing")
    func controls() {
        var capture = Capture()
        let syn = Self.segment(.syn, 1000, id: 9)
        let opened = capture.see(syn, at: 0)
        #expect(opened.isFirst)
        let copy = capture.see(syn, at: 3, place: 2)
        #expect(!copy.isFirst && !copy.hasTransitions && copy.notes == .duplicateFrame)
        #expect(capture.timeline.connectionCount == 1)
        let fin = Self.segment([.fin, .ack], 1001, ack: 5001, id: 10)
        _ = capture.see(fin, at: 100)
        #expect(!capture.see(fin, at: 103, place: 2).hasTransitions)
    }

    @Test("E7: sent again, with a new identification: a retransmission")
    func retransmission() {
        var capture = Capture()
        capture.open()
        _ = capture.see(Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 77), at: 1000)
        let again = capture.see(Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 78), at: 1020)
        #expect(again.notes.contains(.retransmission))
        #expect(capture.timeline.connections.duplicateFrames(of: again.connection) == 0)
    }

    @Test("the same identification, but too late, or with another length, ACK, window or TSval: sent again")
    func tooLate() {
        let data = Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 77, stamp: 5)
        func isCopy(after microseconds: Int64, _ change: (inout Segment) -> Void = { _ in }) -> Bool {
            var capture = Capture()
            capture.open()
            _ = capture.see(data, at: 1000)
            var other = data
            change(&other)
            return capture.see(other, at: 1000 + microseconds).notes.contains(.duplicateFrame)
        }
        #expect(isCopy(after: 99_000))
        #expect(!isCopy(after: 101_000))
        #expect(isCopy(after: -500), "copies of one frame may come in the wrong order")
        #expect(!isCopy(after: 20) { $0.payloadLength = 99 })
        #expect(!isCopy(after: 20) { $0.acknowledgment = SequenceNumber(5002) })
        #expect(!isCopy(after: 20) { $0.window = 501 })
        #expect(!isCopy(after: 20) { $0.options.timestampValue = 6 })
        #expect(!isCopy(after: 20) { $0.tuple = $0.tuple.reversed })
    }

    @Test("without identification (IPv6, Linux's SYN-ACK): a copy if it was seen at another place, within 10 or 100 ms")
    func withoutIdentification() {
        func isCopy(_ segment: Segment, after microseconds: Int64, place: UInt32 = 1, hops: UInt8 = 64) -> Bool {
            var capture = Capture()
            capture.open()
            _ = capture.see(segment, at: 1000)
            var other = segment
            other.hopLimit = hops
            return capture.see(other, at: 1000 + microseconds, place: place).notes.contains(.duplicateFrame)
        }
        let ack = Self.segment(.ack, 1001, ack: 5001, id: 0, stamp: 5)
        #expect(!isCopy(ack, after: 20), "duplicate ACKs of one round are the same to the last bit")
        #expect(isCopy(ack, after: 20, place: 2))
        #expect(isCopy(ack, after: 20, hops: 63))
        // By the time of a retransmission, the clock behind the timestamps has advanced.
        #expect(isCopy(ack, after: 99_000, place: 2) && !isCopy(ack, after: 101_000, place: 2))
        var timeless = ack
        timeless.options.present = []
        #expect(isCopy(timeless, after: 9000, place: 2) && !isCopy(timeless, after: 11_000, place: 2))
        var inside = ack
        inside.tunnel = .vxlan
        #expect(isCopy(inside, after: 20, place: 2), "X16: the inner frame and the one on the wire")
        let data = Self.segment([.ack, .psh], 1001, ack: 5001, length: 100, id: 0, stamp: 5)
        #expect(isCopy(data, after: 900), "X1: a mirror port of both directions")
        #expect(!isCopy(data, after: 1100))
        var plain = data
        plain.options.present = []
        #expect(!isCopy(plain, after: 20), "nothing tells it from a retransmission")
    }

    @Test("a burst of one interface before its copies on the other: every one is found")
    func burst() {
        var capture = Capture()
        capture.open()
        let frames = (0..<600).map { index in
            Self.segment(.ack, 1001 + UInt32(index) * 100, ack: 5001, length: 100, id: UInt16(100 + index))
        }
        for (index, frame) in frames.enumerated() { _ = capture.see(frame, at: 1000 + Int64(index)) }
        let copies = frames.enumerated().filter {
            capture.see($0.element, at: 2000 + Int64($0.offset), place: 2).notes.contains(.duplicateFrame)
        }
        #expect(copies.count == 600)
    }

    @Test("X1: a SYN captured before and after NAT links the two connections; other SYNs do not")
    func translated() {
        func source(_ change: (inout Segment) -> Void, after microseconds: Int64 = 40) -> UInt64? {
            var capture = Capture()
            let syn = Self.segment(.syn, 123_456, id: 5, stamp: 99)
            _ = capture.see(syn, at: 0)
            var other = syn
            other.tuple = FourTuple(
                source: SocketAddress(IPAddress(v4: 0xc0a8_0001), 6000), destination: Self.tuple.destination)
            other.hopLimit = 63
            change(&other)
            let event = capture.see(other, at: microseconds)
            return capture.timeline.connections.translated(from: event.connection)?.number
        }
        #expect(source { _ in } == 1)
        #expect(source { $0.sequence = SequenceNumber(123_457) } == nil)
        #expect(source { $0.options.timestampValue = 98 } == nil)
        #expect(source({ _ in }, after: 200_000) == nil)
        #expect(source { $0.window = 7 } == nil)
    }

    @Test(
        "X1: of a long burst on two interfaces every frame has its copy, up to 4095 frames behind",
        arguments: [4095, 4096])
    func burst(distance: Int) {
        var capture = Capture()
        capture.open()
        var sequence: UInt32 = 1001
        for place in [1, 2] as [UInt32] {
            for index in 0..<distance {
                let isCopy = place == 2
                if isCopy && index == 0 { sequence = 1001 }
                let text = Self.segment([.ack, .psh], sequence, ack: 5001, length: 10, id: UInt16(index + 1))
                let event = capture.see(text, at: 1000 + Int64(index), place: place, interface: UInt16(place))
                sequence += 10
                let isFound = event.notes.contains(.duplicateFrame)
                if isFound != (isCopy && distance < 4096) {
                    Issue.record("\(index) of \(distance), place \(place): \(isFound)")
                    return
                }
            }
        }
    }

    @Test(
        "what is sent again and again is no chain to be walked: the eighth like frame is the last one looked at",
        arguments: [7, 8])
    func repetitions(between: Int) {
        var capture = Capture()
        capture.open()
        let again = Self.segment(.ack, 1001, ack: 5001, id: 0)
        _ = capture.see(again, at: 1000, place: 2)
        // These come too late to be copies of the first frame, and are not copies of each other: all were captured at
        // the same place.
        for index in 0..<between { _ = capture.see(again, at: 20_000 + Int64(index), place: 1) }
        // By a clock that stepped back, this one is close enough to the first.
        let last = capture.see(again, at: 5000, place: 1)
        #expect(last.notes.contains(.duplicateFrame) == (between < 8))
    }

    /// In an earlier fingerprint, a sender could choose timestamps that multiplied SEQ and ACK by 0. The RST that
    /// closes then passed for a copy of one that is ignored.
    @Test func noTimestampHidesTheNumbers() throws {
        var capture = Capture()
        capture.open()
        func reset(_ sequence: UInt32) -> Segment {
            var segment = Self.segment([.rst, .ack], sequence, ack: 5001, id: 9)
            segment.options.present.insert(.timestamps)
            segment.options.timestampValue = 0x7f4a_7c15
            segment.options.timestampEchoReply = 0x9e37_79b9
            return segment
        }
        #expect(capture.see(reset(900_000), at: 500).originalFrame == 0)
        let event = capture.see(reset(1001), at: 510)
        #expect(event.originalFrame == 0 && capture.timeline[event.connection].facts.contains(.reset))
    }
}
