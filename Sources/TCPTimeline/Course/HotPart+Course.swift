// How a connection follows its usual course: whether a segment is on it, and what the segment then changes.

import TCPMachine
import TCPModel

extension HotPart {
    /// The row for a segment of this kind, if it is on the usual course: `follow` then does what `take` would do.
    ///
    /// Changes nothing, and is `mutating` so that nothing is copied.
    @inline(__always) mutating func usualRow(
        _ segment: borrowing Segment, _ kind: UsualKind, own: Int, time: Timestamp, _ course: borrowing UsualCourse
    ) -> Int? {
        guard sides[own].course != 0 else { return nil }
        let row = UsualCourse.row(sides[own].course, kind)
        guard course.rows[row].isKnown, isUsual(segment, kind, own: own),
            time.since(lastTime) <= Self.timestampLifetime
        else { return nil }
        return row
    }

    /// Whether all numbers of a segment meet, and nothing else about it is out of the ordinary. The segment must bring
    /// something, so that no copy of an older frame comes this way (`DuplicateFilter`), unless a four-tuple is reused
    /// with the same numbers. Changes nothing, and is `mutating` so that nothing is copied.
    @inline(__always) mutating func isUsual(_ segment: borrowing Segment, _ kind: UsualKind, own: Int) -> Bool {
        let peer = 1 &- own
        // The sender's numbers are passed one by one: the endpoint as a whole would be copied.
        guard segment.isOrdinary,
            endpoints[peer].meets(segment, sent: endpoints[own].sendNext, received: endpoints[own].receiveNext),
            endpoints[peer].isOrderly(), endpoints[own].isOrderly(),
            endpoints[peer].takesTimestampSteadily(segment)
        else { return false }
        guard kind == .ack else {
            if kind.hasFin { return endpoints[peer].hasRoomForFin(of: segment) }
            return true
        }
        let ack = segment.acknowledgment
        return ack.isAfter(endpoints[peer].sendUnacknowledged)
            && (ack != endpoints[own].acknowledged || !sides[own].hasPlainWindow)
    }

    /// Whether a place on the course means what it says, whichever way the connection got there.
    mutating func isWhereItSeems() -> Bool {
        !isSelfConnect && endpoints[0].isWhereItSeems && endpoints[1].isWhereItSeems
    }

    /// Applies a segment that is on the course: numbers change by their rules, everything else as the row says.
    mutating func follow(
        _ rows: borrowing [UsualCourse.Row], _ index: Int, _ segment: borrowing Segment, _ kind: UsualKind, own: Int,
        time: Timestamp
    ) {
        let isOriginator = own == 0
        if time > lastTime { lastTime = time }
        if rows[index].isLive && time > lastLiveTime { lastLiveTime = time }
        zeek = rows[index].zeek
        facts.formUnion(rows[index].facts)
        if isOriginator && kind != .syn { facts.insert(.originatorMoreThanSyn) }
        sides[own].packets &+= 1
        sides[own].addDatagram(segment.ipLength)
        sides[own].addUnique(segment.payloadLength, window: segment.window)
        if !kind.hasSyn { sides[own].notePlainWindow() }
        sides[0].standing = rows[index].originator
        sides[1].standing = rows[index].responder
        completeness.formUnion(kind.completeness)
        history.append(kind, originator: isOriginator)
        if kind == .synAck && handshake.synAck < 0 { handshake.synAck = time.since(firstTime) }
        // Times are tested first: which side sent a segment is harder for a processor to predict.
        if handshake.isHalfWay && isOriginator && !kind.hasSyn {
            let after = time.since(firstTime)
            let isFin = segment.flags.has(.fin)
            let isPrompt = handshake.isPrompt(after, text: segment.payloadLength)
            handshake.goOn(after: after, isAck: !isFin && isPrompt && endpoints[1].state == .synReceived)
        }
        endpoints[own].sentUsually(segment, rows[index].sender)
        endpoints[1 &- own].arrivesUsually(segment, rows[index].receiver)
    }

    /// The connection's state may have changed in some other way: it is no longer on the course.
    mutating func leaveCourse() {
        for side in 0..<2 { setCourse(side, 0) }
    }

    /// Sets where the connection is on the course for the segments of one side.
    mutating func setCourse(_ side: Int, _ course: UInt8) {
        sides[side].standing = HotSide.Standing(isSteady: sides[side].isSteady, course: course)
    }
}

extension Segment {
    /// Whether its receiver takes it in, its window is open, and it carries no MPTCP option.
    @inline(__always) var isOrdinary: Bool {
        window != 0 && remarks.isDisjoint(with: .dropped) && !options.present.contains(.multipath)
    }
}
