// CASES X1, X8: a frame of many segments at one place, and its segments at another, are the same text.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite("Copies of text in frames of other sizes (X1, X8)") struct CutFrameTests {
    private static let tuple = FourTuple(
        source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))

    /// The octets of a segment.
    private static let size = 1228

    /// One frame with the client's text.
    private struct Frame {
        /// In segments.
        var start: Int
        var count: Int
        var flags: TCPFlags = .ack
        var octets: UInt32?
        /// nil: the sender counts its segments from 500.
        var id: Int?
        var stamp: UInt32? = 7
        var ack: UInt32 = 5001
        var window: UInt16 = 502
        var interface: UInt16 = 0
        var hops: UInt8 = 64
        var vantage: UInt32 = 0
        /// Microseconds.
        var time: Int64 = 1000

        /// The same, behind the router.
        var routed: Frame {
            var frame = self
            (frame.interface, frame.hops) = (1, 63)
            frame.time += 20
            return frame
        }

        /// The frames of one segment each that a card makes of it, behind the router.
        var pieces: [Frame] {
            (0..<count).map { index in
                var piece = routed
                (piece.start, piece.count) = (start + index, 1)
                if let id { piece.id = id == 0 ? 0 : id + index }
                piece.octets = nil
                if index < count - 1 {
                    piece.flags.subtract([.psh, .fin])
                } else if let octets {
                    piece.octets = octets - UInt32(CutFrameTests.size * index)
                }
                if index > 0 { piece.flags.subtract(.cwr) }
                piece.time += Int64(index)
                return piece
            }
        }

        func with(_ change: (inout Frame) -> Void) -> Frame {
            var frame = self
            change(&frame)
            return frame
        }

        var segment: Segment {
            let size = CutFrameTests.size
            let length = octets ?? UInt32(size * count)
            var segment = Segment(
                tuple: CutFrameTests.tuple, sequence: SequenceNumber(1001 + UInt32(size * start)),
                acknowledgment: SequenceNumber(ack), flags: flags, window: window, payloadLength: length,
                ipLength: 40 + length, ipIdentification: UInt16(truncatingIfNeeded: id ?? 500 + start), hopLimit: hops)
            if let stamp {
                segment.options.present = .timestamps
                segment.options.timestampValue = stamp
            }
            return segment
        }
    }

    /// What became of frames after a handshake, whose segments were `captured` as often.
    private struct Capture: ~Copyable {
        var timeline = Timeline(seed: 1)
        var number: UInt64 = 0
        var last: SegmentEvent?

        init(opened: Bool = true, copies: Int = 2) {
            guard opened else { return }
            for (index, flags) in [TCPFlags.syn, [.syn, .ack], .ack].enumerated() {
                for copy in 0..<copies {
                    var segment = Segment(
                        tuple: index == 1 ? CutFrameTests.tuple.reversed : CutFrameTests.tuple,
                        sequence: SequenceNumber(index == 1 ? 5000 : index == 0 ? 1000 : 1001),
                        acknowledgment: SequenceNumber(index == 0 ? 0 : index == 1 ? 1001 : 5001), flags: flags,
                        window: 502, ipIdentification: UInt16(1 + index), hopLimit: 64 - UInt8(copy))
                    segment.options.present = .timestamps
                    segment.options.timestampValue = 1
                    see(segment, at: Int64(10 * index + copy), interface: UInt16(copy), vantage: 0)
                }
            }
        }

        private mutating func see(_ segment: Segment, at time: Int64, interface: UInt16, vantage: UInt32) {
            number += 1
            last = timeline.observeOnce(
                segment, time: Timestamp(nanoseconds: time * 1000), frame: number, interface: interface,
                vantage: vantage)
        }

        /// For each frame: the frame that it is a copy of, 0 if it is none.
        mutating func originals(_ frames: [Frame]) -> [UInt64] {
            frames.map {
                see($0.segment, at: $0.time, interface: $0.interface, vantage: $0.vantage)
                return last?.originalFrame ?? 0
            }
        }

        /// The client's segments and retransmissions, and Zeek's letters.
        var result: String {
            guard let last else { return "" }
            let connection = timeline[last.connection]
            let counters = connection.counters[0]
            return "\(counters.packets) \(counters.retransmissions) \(counters.uniqueBytes) \(connection.historyText)"
        }
    }

    private static let whole = Frame(start: 0, count: 3, flags: [.ack, .psh])

    @Test("X8: a frame of three segments enters a router, which sends them one by one", arguments: [nil, 0])
    func cut(id: Int?) {
        var capture = Capture()
        let frame = Self.whole.with { $0.id = id }
        let next = Frame(start: 3, count: 2, flags: [.ack, .psh, .fin], octets: 1300, id: id, time: 1005)
        #expect(capture.originals([frame, next] + frame.pieces + next.pieces) == [0, 0, 7, 7, 7, 8, 8])
        #expect(capture.result == "4 0 4984 ShADF")
        #expect(capture.timeline.connections.duplicateFrames(of: ConnectionID(slot: 0)) == 8)
    }

    @Test("X8: segments come one by one, and go on as one frame", arguments: [nil, 0]) func merged(id: Int?) {
        var capture = Capture()
        let frame = Frame(start: 0, count: 4, flags: [.ack, .psh, .fin], octets: 3700, id: id, time: 1050)
        let pieces = frame.with { $0.time = 1000 }.pieces
        #expect(capture.originals(pieces + [frame]) == [0, 0, 0, 0, 7])
        #expect(capture.result == "6 0 3700 ShADF")
        // Only three of the four were seen: it brings something new.
        var other = Capture()
        #expect(other.originals(Array(pieces.dropLast()) + [frame]) == [0, 0, 0, 0])
        var hole = Capture()
        #expect(hole.originals([pieces[0], pieces[1], pieces[3], frame]) == [0, 0, 0, 0])
        #expect(hole.result.hasPrefix("6 1 3700 "))
    }

    @Test("X8: two hosts merge the same segments in different ways") func mergedTwice() {
        var capture = Capture()
        let sent = [Frame(start: 0, count: 3), Frame(start: 3, count: 3, time: 1001)]
        let received = [Frame(start: 0, count: 2), Frame(start: 2, count: 3), Frame(start: 5, count: 1)].map(\.routed)
        #expect(capture.originals(sent + received) == [0, 0, 7, 7, 8])
    }

    @Test("X1: a host's interfaces, told apart by the link header alone") func vantage() {
        var capture = Capture()
        let pieces = Self.whole.pieces.map { $0.with { ($0.interface, $0.hops, $0.vantage) = (0, 64, 9) } }
        #expect(capture.originals([Self.whole] + pieces) == [0, 7, 7, 7])
    }

    @Test("E7: a piece that is sent again is a retransmission")
    func sentAgain() {
        func isCopy(_ change: (inout Frame) -> Void) -> Bool {
            var capture = Capture()
            let piece = Self.whole.pieces[1].with(change)
            let originals = capture.originals([Self.whole, piece])
            #expect(capture.result.hasPrefix(originals[1] == 0 ? "4 1 3684 ShADT" : "3 0 3684 ShAD"))
            return originals[1] > 0
        }
        #expect(isCopy { _ in })
        #expect(!isCopy { ($0.interface, $0.hops) = (0, 64) }, "the same place")
        #expect(!isCopy { $0.stamp = 8 })
        #expect(!isCopy { $0.window = 503 })
        #expect(!isCopy { $0.flags = [.ack, .psh] }, "only the last segment has PSH")
        #expect(!isCopy { $0.flags = [.ack, .cwr] }, "only the first one has CWR")
        #expect(!isCopy { $0.octets = 1227 }, "not the end of a segment")
        for id in [0, 500, 502, 503, 505, 500 + 1228] {
            #expect(!isCopy { $0.id = id }, "the second of three is 501, not \(id)")
        }
        #expect(isCopy { $0.time = 100_999 } && !isCopy { $0.time = 101_001 })
    }

    @Test("E7: so is one without identification: at the same place, later, or with another clock")
    func sentAgainWithoutIdentification() {
        func isCopy(stamp: UInt32? = 7, _ change: (inout Frame) -> Void = { _ in }) -> Bool {
            var capture = Capture()
            let frame = Self.whole.with { ($0.id, $0.stamp) = (0, stamp) }
            return capture.originals([frame, frame.pieces[2].with(change)])[1] > 0
        }
        #expect(isCopy() && isCopy(stamp: nil))
        #expect(!isCopy { ($0.interface, $0.hops) = (0, 64) })
        #expect(!isCopy { $0.stamp = 8 })
        #expect(!isCopy { $0.flags = .ack }, "the last segment has PSH")
        #expect(isCopy { $0.time = 100_999 } && !isCopy { $0.time = 101_001 })
        #expect(isCopy(stamp: nil) { $0.time = 10_999 } && !isCopy(stamp: nil) { $0.time = 11_001 })
    }

    @Test("E7: what is sent again is captured at both places, too: it counts once")
    func repetitionOfARepetition() {
        var capture = Capture()
        // IPv6, and so soon that the clock has not ticked.
        let frame = Self.whole.with { $0.id = 0 }
        let again = frame.with { $0.time = 2500 }
        #expect(capture.originals([frame] + frame.pieces + [again] + again.pieces) == [0, 7, 7, 7, 0, 11, 11, 11])
        #expect(capture.result == "4 1 3684 ShADT")
        let piece = frame.pieces[1].with { ($0.interface, $0.hops, $0.time) = (0, 64, 4000) }
        #expect(capture.originals([piece, piece.routed]) == [0, 15])
        #expect(capture.result == "5 2 3684 ShADT")
    }

    @Test("X4, X8: a connection that was open before: its copies are known from the first frame on")
    func unopened() {
        var capture = Capture(opened: false)
        #expect(capture.originals([Self.whole] + Self.whole.pieces) == [0, 1, 1, 1])
        #expect(capture.result.hasPrefix("1 0 3684 "))
    }

    @Test("where nothing else was captured twice, text in other pieces is sent again") func noCopies() {
        var capture = Capture(copies: 1)
        #expect(capture.originals([Self.whole] + Self.whole.pieces) == [0, 0, 0, 0])
        #expect(capture.result.hasPrefix("6 3 3684 "))
    }
}
