// How a connection follows its usual course: whether a segment is on it, and what it changes then.

import TCPMachine
import TCPModel

extension HotPart {
    /// Takes in a segment that is on the usual course, and says which row it was; nil if it is not, and nothing has changed.
    ///
    /// Does what `take` does for such a segment.
    @inline(__always) mutating func takeUsually(
        _ segment: borrowing Segment, own: Int, time: Timestamp, _ course: borrowing UsualCourse
    ) -> Int? {
        guard sides[own].course != 0, let kind = UsualKind(segment) else { return nil }
        let row = UsualCourse.row(sides[own].course, kind)
        guard course.rows[row].isKnown, isUsual(segment, kind, own: own),
            time.since(lastTime) <= Self.timestampLifetime
        else { return nil }
        follow(course.rows[row], segment, kind, own: own, time: time)
        return row
    }

    /// Whether all numbers of a segment meet, and nothing else about it is out of the ordinary. A segment has to bring
    /// something, so that no copy of an older frame comes this way (`DuplicateFilter`), unless a four-tuple is used again with
    /// the same numbers. Changes nothing, and is `mutating` so that nothing is copied.
    @inline(__always) mutating func isUsual(_ segment: borrowing Segment, _ kind: UsualKind, own: Int) -> Bool {
        let peer = 1 &- own
        guard segment.isOrdinary, endpoints[peer].meets(segment, from: endpoints[own]),
            endpoints[peer].takesTimestampSteadily(segment)
        else { return false }
        guard kind == .ack else { return true }
        let ack = segment.acknowledgment
        return ack.isAfter(endpoints[peer].sendUnacknowledged)
            && (ack != endpoints[own].acknowledged || !sides[own].hasPlainWindow)
    }

    /// Whether a place on the course means what it says, whichever way the connection came there.
    mutating func isWhereItSeems() -> Bool {
        !isSelfConnect && endpoints[0].isWhereItSeems && endpoints[1].isWhereItSeems
    }

    /// Changes what a segment on the course changes: numbers by their rules, the rest as the row has it.
    @inline(__always) mutating func follow(
        _ row: borrowing UsualCourse.Row, _ segment: borrowing Segment, _ kind: UsualKind, own: Int, time: Timestamp
    ) {
        let isOriginator = own == 0
        endpoints[own].sentUsually(segment, row.sender)
        endpoints[1 &- own].arrivesUsually(segment, row.receiver)
        if time > lastTime { lastTime = time }
        if row.isLive && time > lastLiveTime { lastLiveTime = time }
        zeek = row.zeek
        facts.formUnion(row.facts)
        if isOriginator && kind != .syn { facts.insert(.originatorMoreThanSyn) }
        sides[own].packets &+= 1
        sides[own].addDatagram(segment.ipLength)
        sides[own].addUnique(UInt64(segment.payloadLength))
        sides[own].lastWindow = segment.window
        if !kind.hasSyn { sides[own].hasPlainWindow = true }
        sides[0].isSteady = row.originatorIsSteady
        sides[1].isSteady = row.responderIsSteady
        sides[0].course = row.originatorCourse
        sides[1].course = row.responderCourse
        completeness.formUnion(kind.completeness)
        history.append(kind, originator: isOriginator)
        if kind == .synAck && handshake.synAck < 0 { handshake.synAck = time.since(firstTime) }
        // The times first: who sent a segment is harder to guess.
        if handshake.isHalfWay && isOriginator && !kind.hasSyn { handshake.open = time.since(firstTime) }
    }

    /// The connection's state may have changed in some other way: it is on the course no more.
    mutating func leaveCourse() {
        sides[0].course = 0
        sides[1].course = 0
    }
}

extension Segment {
    /// Whether it is taken in by its receiver, its window is open, and MPTCP says nothing in it.
    @inline(__always) var isOrdinary: Bool {
        window != 0 && remarks.isDisjoint(with: .dropped) && !options.present.contains(.multipath)
    }
}
