// The usual course of a connection, compared with the general path: equal stored state, and equal results.

import SeededRandom
import TCPMachine
import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct UsualCourseTests {
    private static let tuple = FourTuple(
        source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))

    @Test("What is learnt is all of one mind, and covers openings and closings in every order")
    func whatIsLearnt() {
        let course = UsualCourse(fromEveryExample: true)
        #expect(course.disputed.isEmpty)
        let learnt = UsualCourse.learnt
        #expect(learnt.rows.count == course.rows.count)
        for (one, other) in zip(learnt.rows, course.rows) {
            #expect(one.isKnown == other.isKnown && UsualExample.areSame(one, other))
        }
        let text: [Sent] = [(0, .text), (1, .ack), (1, .text), (0, .ack)]
        for first in 0..<2 {
            let second = 1 - first
            let closings: [[Sent]] = [
                [(first, .fin), (second, .ack), (second, .fin), (first, .ack)],
                [(first, .fin), (second, .fin), (first, .ack)],
                [(first, .finWithText), (second, .ack), (second, .finWithText), (first, .ack)],
                // A half-close: the other side continues.
                [(first, .fin), (second, .ack), (second, .text), (first, .ack), (second, .fin), (first, .ack)],
            ]
            for closing in closings {
                for opening in [[(1, .synAck), (0, .ack)], [(1, .synAck), (0, .text), (1, .ack)]] as [[Sent]] {
                    #expect(Self.isLearnt(opening + closing, course), "\(opening), \(closing)")
                    #expect(Self.isLearnt(opening + text + closing, course), "\(opening), text, \(closing)")
                }
            }
        }
    }

    /// The sender and kind of a segment; side 0 is the client.
    private typealias Sent = (side: Int, kind: UsualKind)

    /// Whether a whole exchange, including the SYN before it, follows the course.
    private static func isLearnt(_ exchange: [Sent], _ course: UsualCourse) -> Bool {
        var row = course.rows[UsualCourse.row(0, .syn)]
        for sent in exchange where row.isKnown {
            let standing = sent.side == 0 ? row.originator : row.responder
            row = course.rows[UsualCourse.row(standing.course, sent.kind)]
        }
        return row.isKnown
    }

    @Test("Each kind of segment is the one that its flags say, and adds what they say")
    func kinds() {
        for rawValue in UInt16(0)..<512 {
            let flags = TCPFlags(rawValue: rawValue)
            for hasText in [false, true] {
                let kind = UsualKind(flags: flags, hasText: hasText)
                let expected: UsualKind? =
                    switch (flags.intersection([.syn, .fin, .rst, .ack]), hasText) {
                    case (.syn, false): .syn
                    case ([.syn, .ack], false): .synAck
                    case (.ack, false): .ack
                    case (.ack, true): .text
                    case ([.fin, .ack], false): .fin
                    case ([.fin, .ack], true): .finWithText
                    default: nil
                    }
                #expect(kind == expected, "\(rawValue) \(hasText)")
                guard let kind else { continue }
                var segment = Segment(
                    tuple: Self.tuple, sequence: SequenceNumber(1), flags: flags, payloadLength: hasText ? 1 : 0)
                #expect(UsualKind(segment) == kind)
                // The completeness bits that the general path adds for every segment of this kind.
                var completeness = Completeness()
                completeness.note(segment, isFirst: kind == .syn)
                #expect(kind.completeness == completeness)
                segment.flags.insert(.psh)
                #expect(UsualKind(segment) == kind)
            }
        }
        let letters = UsualKind.allCases.map { kind in
            var history = ConnectionHistory()
            history.append(kind, originator: kind == .syn)
            history.append(kind, originator: kind == .syn)
            return String(decoding: (0..<history.count).map { history[$0] }, as: UTF8.self)
        }
        // ACKs and text are recorded only once.
        #expect(letters == ["SS", "hh", "a", "d", "ff", "ff"])
    }

    /// A random connection: its stored state, and the numbers that each side has reached.
    private struct Traffic {
        var kept: HotPart?
        var rare = RarePart()
        var next: [UInt32]
        var clocks: [UInt32]
        let hasClocks: Bool
        var step = 0

        init(_ random: inout SplitMix) {
            // Every fourth connection begins just before its numbers wrap.
            let isNearEnd = random.next() % 4 == 0
            next = (0..<2).map { _ in
                isNearEnd ? .max - UInt32(random.next() % 5) : UInt32(truncatingIfNeeded: random.next())
            }
            clocks = [.max - 100, UInt32(truncatingIfNeeded: random.next())]
            hasClocks = random.next() % 3 > 0
        }

        /// The next segment: mostly one that hosts really send, in every order that occurs; now and then something
        /// else.
        mutating func segment(_ random: inout SplitMix) -> Segment {
            defer { step += 1 }
            let own = step == 0 ? 0 : step == 1 ? 1 : Int(random.next() & 1)
            let oddity = random.next() % 60
            var flags: TCPFlags = step == 0 ? .syn : step == 1 ? [.syn, .ack] : .ack
            if step > 1 && random.next() % 5 == 0 { flags.insert(.fin) }
            if random.next() % 3 == 0 { flags.insert(.psh) }
            // Now and then the SYN has text (Fast Open), and occasionally a text is so long that numbers are far apart.
            let isBare = step == 0 ? random.next() % 8 > 0 : step < 3 || random.next() % 2 == 0
            let payload = isBare ? 0 : UInt32(random.next() % (random.next() % 20 == 0 ? 1 << 30 : 3000))
            var sequence = next[own]
            var acknowledged = step == 0 ? 0 : next[1 - own]
            switch oddity {
            case 0: flags = .rst
            case 1: sequence &-= UInt32(random.next() % 3000)
            case 2: sequence &+= UInt32(random.next() % 3000)
            case 3: acknowledged &-= UInt32(random.next() % 3000)
            case 4: acknowledged &+= UInt32(random.next() % 3000)
            case 5: flags = .syn
            case 6: flags = [.syn, .ack]
            case 7: flags.formUnion([.ece, .cwr])
            case 8: flags.insert(.urg)
            default: break
            }
            var segment = Segment(
                tuple: own == 0 ? UsualCourseTests.tuple : UsualCourseTests.tuple.reversed,
                sequence: SequenceNumber(sequence), acknowledgment: SequenceNumber(acknowledged), flags: flags,
                window: oddity == 9 ? 0 : UInt16(random.next() % 3 * 700 + 1), payloadLength: payload,
                ipLength: 40 + payload)
            if flags.has(.syn) && random.next() % 4 > 0 {
                segment.options.present = .windowScale
                segment.options.windowScale = UInt8(random.next() % 16)
            }
            if oddity == 10 { segment.options.present.insert(.multipath) }
            if oddity == 11 { segment.remarks = .badChecksum }
            if hasClocks && oddity != 12 {
                clocks[own] &+= UInt32(random.next() % 20)
                segment.options.present.formUnion(.timestamps)
                segment.options.timestampValue = clocks[own] &- (oddity == 13 ? UInt32(random.next() % 5000) : 0)
                segment.options.timestampEchoReply = step == 0 ? 0 : clocks[1 - own]
            }
            if oddity > 4 { next[own] = segment.sequenceEnd.rawValue }
            return segment
        }
    }

    @Test func thirtyThousandSegmentsBothWays() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("usual course seed \(seed)")
        var random = SplitMix(seed: seed)
        let course = UsualCourse.learnt
        var kinds: [UInt8: Int] = [:]
        var segments = 0
        while segments < 30_000 {
            var traffic = Traffic(&random)
            for _ in 0..<Int(random.next() % 30) + 4 {
                segments += 1
                // Now and then the clock steps back.
                let back = random.next() % 8 == 0 ? Int64(random.next() % 5_000_000) : 0
                let time = Timestamp(nanoseconds: Int64(segments) * 1_000_000 - back)
                let segment = traffic.segment(&random)
                let isFirst = traffic.kept == nil
                let before =
                    traffic.kept
                    ?? HotPart(number: 1, tuple: segment.orientedTuple, first: segment, time: time, interface: 0)
                var long = before
                var step = Connection.Step()
                long.take(segment, time: time, isFirst: isFirst, &traffic.rare, &step)
                // As the timeline does after the general path.
                if traffic.rare.needsGeneralPath {
                    long.facts.insert(.needsGeneralPath)
                } else {
                    long.facts.remove(.needsGeneralPath)
                }
                course.join(&long)
                var usual = before
                let own = segment.tuple.source == before.tuple.source ? 0 : 1
                let kind = UsualKind(segment)
                var row: Int?
                if isFirst {
                    if kind == .syn && segment.isOrdinary { row = UsualCourse.row(0, .syn) }
                } else if let kind {
                    row = usual.usualRow(segment, kind, own: own, time: time, course)
                }
                try #require(UsualExample.areSame(usual, before), "seed \(seed): changed when asked")
                if let row, let kind {
                    usual.follow(course.rows, row, segment, kind, own: isFirst ? 0 : own, time: time)
                    kinds[UInt8(row % 8), default: 0] += 1
                    #expect(course.steps[row] == step, "seed \(seed), segment \(segments): \(segment)")
                    try #require(
                        UsualExample.areSame(usual, long), "seed \(seed), segment \(segments): \(usual) \(long)")
                }
                // The next segment starts from the state that either path left.
                var next = row != nil && random.next() & 1 == 0 ? usual : long
                if random.next() % 8 == 0 {
                    let side = Int(random.next() & 1)
                    if next.endpoints[side].state != .unseen { next.endpoints[side].kernelConfirms() }
                    course.join(&next)
                }
                traffic.kept = next
            }
        }
        // Unless many segments of each kind take that path, nothing has been compared.
        for kind in UsualKind.allCases {
            #expect(kinds[kind.rawValue, default: 0] > 100, "\(kind): \(kinds)")
        }
    }

    // MARK: Where numbers seem to meet and are in no order

    private static func segment(
        _ own: Int, _ flags: TCPFlags, _ sequence: UInt32, _ ack: UInt32 = 0, _ length: UInt32 = 0, id: UInt16 = 0
    ) -> Segment {
        Segment(
            tuple: own == 0 ? tuple : tuple.reversed, sequence: SequenceNumber(sequence),
            acknowledgment: SequenceNumber(ack), flags: flags, window: 500, payloadLength: length,
            ipLength: 40 + length,
            ipIdentification: id)
    }

    /// Plays segments that are a millisecond apart.
    private static func played(_ segments: [Segment]) -> (Timeline.Tracked, Connection) {
        var timeline = Timeline(seed: 1)
        var last: Timeline.Tracked?
        for (index, segment) in segments.enumerated() {
            let time = Timestamp(nanoseconds: Int64(index) * Span.millisecond)
            last = timeline.trackOnce(
                segment, hash: timeline.flowHash.hash(segment.tuple), time: time, frame: UInt64(index + 1),
                interface: 0, vantage: 0)
        }
        guard let last else { preconditionFailure("no segments") }
        return (last, timeline[last.connection])
    }

    private static let opening = [
        segment(0, .syn, 99), segment(1, [.syn, .ack], 499, 100), segment(0, .ack, 100, 500),
    ]

    @Test("An ACK or RST is no copy of one that was dropped for its checksum")
    func copiesOfDroppedFrames() {
        var bad = Self.segment(0, .ack, 100, 500, id: 3)
        bad.remarks = .badChecksum
        let good = Self.segment(0, .ack, 100, 500, id: 3)
        let ack = Self.played(Array(Self.opening.prefix(2)) + [bad, good])
        #expect(ack.0.copyOf == 0)
        #expect(ack.1.responder.state == .established)

        var badReset = Self.segment(0, [.rst, .ack], 100, 500, id: 4)
        badReset.remarks = .badChecksum
        let reset = Self.played(Self.opening + [badReset, Self.segment(0, [.rst, .ack], 100, 500, id: 4)])
        #expect(reset.0.copyOf == 0)
        #expect(reset.1.responder.state == .closed)
        // Two copies of the bad RST are still copies of each other.
        #expect(Self.played(Self.opening + [badReset, badReset]).0.copyOf == 4)
    }

    @Test("Fast Open given up, but its text taken: a FIN from SYN-RECEIVED proves ESTABLISHED first")
    func textOfTheSynIsTaken() {
        let connection = Self.played([
            Self.segment(0, .syn, 99, 0, 50), Self.segment(0, .syn, 99), Self.segment(1, [.syn, .ack], 499, 150),
            Self.segment(1, [.fin, .ack], 500, 150),
        ]).1
        #expect(connection.responder.state == .finWait1)
        #expect(connection.responder.sendUnacknowledged == SequenceNumber(500))
    }

    @Test("More than 2^31 octets without a captured ACK")
    func moreThanCanBeInFlight() {
        let text: [Segment] = (0..<5).map { Self.segment(1, .ack, 500 &+ UInt32($0) << 29, 100, 1 << 29) }
        let end = 500 &+ UInt32(5) << 29
        let connection = Self.played(Self.opening + text + [Self.segment(0, .ack, 100, end, 10)]).1
        // An ACK half the sequence space ahead changes nothing.
        #expect(connection.responder.sendUnacknowledged == SequenceNumber(500))
    }

    @Test("A FIN that somebody made up half the circle away is not the one that the ACK covers")
    func madeUpFin() {
        let connection = Self.played(
            Self.opening + [
                Self.segment(1, [.fin, .ack], 500 &+ 1 << 31, 100), Self.segment(1, [.fin, .ack], 500, 100),
                Self.segment(0, .ack, 100, 501),
            ]
        ).1
        #expect(connection.responder.state == .finWait1)
    }

    @Test("The course is left where the kernel or an ICMP error says something, and with a hole")
    func leaving() {
        var hot = UsualExample.blank
        let course = UsualCourse.learnt
        let syn = UsualExample.segment(.syn, from: 0, in: hot)
        hot.follow(course.rows, UsualCourse.row(0, .syn), syn, .syn, own: 0, time: hot.firstTime)
        #expect(hot.sides[0].course != 0 && hot.sides[1].course != 0)
        hot.settle()
        #expect(hot.sides[0].course == 0 && hot.sides[1].course == 0)
        course.join(&hot)
        #expect(hot.sides[0].course != 0)
        hot.leaveCourse()
        hot.facts.insert(.needsGeneralPath)
        course.join(&hot)
        #expect(hot.sides[0].course == 0)
    }
}
