// The usual course of a connection, learnt from the general path:
// what each of its segments changes is looked up, not computed.
//
// SYN, SYN-ACK, ACK, text, FIN and their ACKs follow one another in nearly every connection, in a few orders. If all
// numbers meet and are in order (`HotPart.isUsual`), what such a segment does to states, facts and labels depends
// only on what these were before. So each of those situations is played once through the general path
// (`HotPart.take`), and the result is kept as a row. It is kept only if the row and the few rules for numbers
// (`HotPart.follow`) change the example exactly as the general path did; a test compares the two paths with random
// traffic. No rule of RFC 9293 is repeated here.

import TCPMachine
import TCPModel

/// Everything about a connection that is not a number: all that a row depends on.
struct UsualPlace: BitwiseCopyable, Equatable {
    let originator: EndpointShape
    let responder: EndpointShape
    let zeek: ZeekState
    let facts: Connection.Facts

    /// Facts that come and go independently of the course: `follow` and the timeline take care of them.
    static var factsAside: Connection.Facts { [.originatorMoreThanSyn, .queued, .reported] }

    init(_ hot: borrowing HotPart) {
        originator = hot.endpoints[0].shape
        responder = hot.endpoints[1].shape
        zeek = hot.zeek
        facts = hot.facts.subtracting(Self.factsAside)
    }

    /// Where a search for it begins, in a table with `count` seats (a power of two).
    @inline(__always) func home(in count: Int) -> Int {
        let ends = originator.word << 20 ^ responder.word
        let mixed = (ends ^ UInt64(facts.rawValue) << 44 ^ UInt64(zeek.word)) &* HashFactor.golden
        return Int(truncatingIfNeeded: mixed >> 40) & (count - 1)
    }
}

/// The table: the result for each place on the course, side and kind of segment.
struct UsualCourse: Sendable {
    /// What a segment of one kind from one side does at one place.
    struct Row: BitwiseCopyable, Sendable {
        /// Whether such a segment is on the usual course.
        var isKnown = false
        /// Whether it extends what Zeek calls the duration.
        let isLive: Bool
        /// How either side's segments may be taken in afterwards: whether they may take the fast path,
        /// and the place that this leads to.
        let originator: HotSide.Standing
        let responder: HotSide.Standing
        /// What has been seen by then, besides `factsAside`.
        let facts: Connection.Facts
        /// Zeek's view afterwards.
        let zeek: ZeekState
        /// The shapes of sender and receiver afterwards.
        let sender: EndpointShape
        let receiver: EndpointShape
        /// Whether the connection has ended by then, and what the caller of `track` is told.
        let isOver: Bool
        let marks: Timeline.Tracked.Marks

        /// A row for a segment that is not on the course.
        static var unknown: Row {
            Row(from: UsualExample.blank, to: UsualExample.blank, own: 0, Connection.Step())
        }

        /// The row for a segment from side `own` that led from one state of a connection on the course to another.
        init(from before: borrowing HotPart, to after: borrowing HotPart, own: Int, _ step: Connection.Step) {
            isLive = !before.zeek.isClosed
            originator = after.sides[0].standing
            responder = after.sides[1].standing
            facts = after.facts.subtracting(UsualPlace.factsAside)
            zeek = after.zeek
            sender = after.endpoints[own].shape
            receiver = after.endpoints[1 - own].shape
            isOver = step.isOver
            marks = Timeline.Tracked.Marks(step)
        }
    }

    /// The course, learnt once for all timelines.
    static let learnt = UsualCourse()

    private(set) var rows: [Row]
    /// What a segment means, by row: kept apart from the rows, because it is rarely requested.
    private(set) var steps: [Connection.Step]
    private var places: [UsualPlace] = []
    /// The number of each place in `places`, counted from 1, by its hash; 0 = free.
    /// At least twice as many as there can be places.
    private var seats: [UInt8] = Array(repeating: 0, count: 256)
    /// Rows for which two examples disagree: none, unless a number is missing among those that must meet.
    private(set) var disputed: Set<Int> = []

    /// Rows per course: one for each kind, and two unused, so that their number is a power of two.
    private static var stride: Int { 8 }

    /// The index of the row for a kind of segment from the side with this course; 0 is the course before the first SYN.
    @inline(__always) static func row(_ course: UInt8, _ kind: UsualKind) -> Int {
        Int(course) &* stride &+ Int(kind.rawValue)
    }

    /// The course of one side at a place.
    private static func course(_ side: Int, at place: Int) -> UInt8 { UInt8(1 + 2 * place + side) }

    /// A limit above the number of places there are; a course has to fit in an octet.
    private static let mostPlaces = 120

    /// Puts a connection that arrived there some other way on the course, if it is at one of its places.
    @inline(__always) func join(_ hot: inout HotPart) {
        guard let place = index(of: UsualPlace(hot)), hot.isWhereItSeems() else { return hot.leaveCourse() }
        Self.enter(place, &hot)
    }

    /// Puts a connection on the course at a place.
    @inline(__always) private static func enter(_ place: Int, _ hot: inout HotPart) {
        for side in 0..<2 { hot.setCourse(side, course(side, at: place)) }
    }

    /// The index of a place in `places`.
    private func index(of place: UsualPlace) -> Int? {
        var seat = place.home(in: seats.count)
        // At least half of the seats are free.
        while seats[seat] != 0 {
            let index = Int(seats[seat]) - 1
            if places[index] == place { return index }
            seat = (seat + 1) & (seats.count - 1)
        }
        return nil
    }

    // MARK: Learning

    /// The course, learnt anew.
    ///
    /// - Parameter fromEveryExample: whether situations are played again if another example has already shown their
    ///   result: it takes longer, and can only reveal a contradiction (`disputed`).
    init(fromEveryExample: Bool = false) {
        rows = Array(repeating: .unknown, count: Self.stride)
        steps = Array(repeating: Connection.Step(), count: Self.stride)
        var examples: [HotPart] = []
        var seen: Set<Int> = []
        func add(_ example: HotPart?) {
            guard let example, seen.insert(UsualExample.number(of: example)).inserted else { return }
            examples.append(example)
        }
        add(learn(.syn, from: 0, UsualExample.blank))
        var next = 0
        while next < examples.count {
            let example = examples[next]
            next += 1
            for side in 0..<2 {
                for kind in UsualKind.allCases where kind != .syn {
                    let row = rows[Self.row(example.sides[side].course, kind)]
                    let number = UsualExample.number(after: kind, from: side, by: row, example)
                    if fromEveryExample || !row.isKnown || !seen.contains(number) {
                        add(learn(kind, from: side, example))
                    }
                }
                add(confirmed(example, side))
            }
        }
    }

    /// The same example as if, in a live trace, the kernel had confirmed one side's state meanwhile.
    private mutating func confirmed(_ example: HotPart, _ side: Int) -> HotPart? {
        guard example.endpoints[side].state != .unseen else { return nil }
        var confirmed = example
        confirmed.endpoints[side].kernelConfirms()
        guard let place = place(of: confirmed) else { return nil }
        Self.enter(place, &confirmed)
        return confirmed
    }

    /// Plays one segment through the general path and keeps the result; nil if the segment is not usual there.
    private mutating func learn(_ kind: UsualKind, from own: Int, _ before: HotPart) -> HotPart? {
        var before = before
        let segment = UsualExample.segment(kind, from: own, in: before)
        guard UsualExample.knowsNumbers(for: kind, from: own, in: before),
            kind == .syn || before.isUsual(segment, kind, own: own)
        else { return nil }
        let time = before.lastTime.advanced(by: Span.millisecond)
        var after = before
        var rare = RarePart()
        var step = Connection.Step()
        after.take(segment, time: time, isFirst: kind == .syn, &rare, &step)
        guard rare.isEmpty, step.notes.isEmpty, step.sent.anomalies.union(step.arrived.anomalies).isEmpty,
            let place = place(of: after)
        else { return nil }
        Self.enter(place, &after)
        var row = Row(from: before, to: after, own: own, step)
        row.isKnown = true
        var short = before
        short.follow([row], 0, segment, kind, own: own, time: time)
        guard UsualExample.areSame(short, after) else { return nil }
        keep(row, step, at: Self.row(before.sides[own].course, kind))
        return after
    }

    /// The number of a connection's place, which is added if it is new.
    private mutating func place(of hot: HotPart) -> Int? {
        let place = UsualPlace(hot)
        if let known = index(of: place) { return known }
        guard places.count < Self.mostPlaces else { return nil }
        places.append(place)
        var seat = place.home(in: seats.count)
        while seats[seat] != 0 { seat = (seat + 1) & (seats.count - 1) }
        seats[seat] = UInt8(places.count)
        // For the originator's course and the responder's.
        rows.append(contentsOf: repeatElement(.unknown, count: 2 * Self.stride))
        steps.append(contentsOf: repeatElement(Connection.Step(), count: 2 * Self.stride))
        return places.count - 1
    }

    private mutating func keep(_ row: Row, _ step: Connection.Step, at index: Int) {
        if rows[index].isKnown && !(UsualExample.areSame(rows[index], row) && steps[index] == step) {
            disputed.insert(index)
        }
        rows[index] = row
        steps[index] = step
        if disputed.contains(index) { rows[index].isKnown = false }
    }
}
