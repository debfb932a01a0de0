// How a segment changes its connection: both endpoints, the handshake, the ending;
// counters and labels have their own files.

import TCPMachine
import TCPModel

extension Connection {
    /// What one segment did, for the event.
    struct Step: BitwiseCopyable, Sendable, Equatable {
        var notes: SegmentNotes = []
        var sent = Reaction()
        var arrived = Reaction()
        var ended = false
        /// Whether the connection has ended, with this segment or earlier.
        var isOver = false
        /// Why its receiver is thought to have dropped it, if that may prove to be wrong.
        var discarded: DiscardCause?

        init() {}

        /// A step that only retracts something about the sender of the next segment.
        init(_ sent: Reaction) { self.sent = sent }

        /// Merges this step with an earlier one, which has not been reported.
        mutating func follow(_ earlier: Step, ofSameSender: Bool) {
            var sender = ofSameSender ? earlier.sent : earlier.arrived
            var receiver = ofSameSender ? earlier.arrived : earlier.sent
            sender.append(sent)
            receiver.append(arrived)
            (sent, arrived) = (sender, receiver)
        }
    }
}

extension HotPart {
    /// How long a silence may be, in nanoseconds, for timestamps still to show what is old: half the range of a
    /// microsecond clock, which wraps around in 72 minutes. Since 6.7, when it got such clocks, Linux checks no longer
    /// than that (TCP_PAWS_WRAP), whatever a connection's clock is; before, it did for the 24 days of RFC 7323 5.5. A
    /// segment that old is not in flight any more, MSL being 2 minutes.
    static var timestampLifetime: Int64 { 2147 * Span.second }

    /// Takes in one segment. `isAfterAll`: it was dropped at first, and something has shown that it was not.
    /// `isOfFormer`: it comes from the four-tuple's former connection (`FormerEnds`).
    mutating func take(
        _ segment: Segment, time: Timestamp, isFirst: Bool, isAfterAll: Bool = false, isOfFormer: Bool = false,
        _ rare: inout RarePart, _ step: inout Connection.Step
    ) {
        let side: Side = isOriginator(segment.tuple.source) ? .originator : .responder
        if !segment.remarks.isDisjoint(with: .dropped) {
            return takeDropped(segment, side, time, isFirst: isFirst, &step)
        }
        let isTooOld = endpoints[place(side.other)].isTooOld(segment)
        if !isTooOld && endpoints[place(side)].isStale(segment) { return takeStale(segment, side, time, &rare, &step) }
        let flags = segment.flags
        let wasEnded = hasEnded()
        let own = place(side)
        let peer = place(side.other)
        if !isTooOld && !isAfterAll && segment.sequenceLength > 0 && isForeign(segment, side, rare.gaps) {
            return takeForeign(segment, side, time, &rare, &step)
        }
        let isLate = flags.has(.syn) && isOpeningLate(segment, side, time)
        var notes = notes(on: segment, side, rare, isLate: isLate)

        let senderBefore = EndpointBefore(endpoints[own])
        let receiverBefore = EndpointBefore(endpoints[peer])
        // RFC 7323 5.5.
        let outlivesTimestamps = time.since(lastTime) > HotPart.timestampLifetime
        if outlivesTimestamps { endpoints[peer].forgetTimestamp() }
        let isStray =
            isTooOld && !outlivesTimestamps && (endpoints[own].isStray(segment) || endpoints[own].isStale(segment))
            || endpoints[own].isFarAhead(segment) && endpoints[peer].isBlind(segment) || isOfFormer
        let sent = isLate || !isStray ? send(segment, own, time, isLate: isLate) : Reaction()
        // The timestamp that it echoes is from before the silence.
        if outlivesTimestamps { endpoints[own].forgetTimestamp() }
        var arrived = arrive(segment, side, isLate: isLate, rare)
        if !isStray {
            rare.sides[Int(side.rawValue)].noteReported(segment, behind: endpoints[own].receiveNext)
        }
        // Zeek extends its duration up to the segment that ends the second side, and not by later ones.
        if !zeek.isClosed && time > lastLiveTime { lastLiveTime = time }
        zeek.note(flags, payload: segment.payloadLength > 0, fromOriginator: side == .originator)
        if isFirst && !flags.has(.syn) { facts.insert(.rolesGuessed) }
        let anomalies = sent.anomalies.union(arrived.anomalies)
        let isOvertaken = isOvertaken(segment, side, notes, rare)
        count(
            segment, side, notes, anomalies, isOvertaken: isOvertaken, senderBefore: senderBefore,
            receiverBefore: receiverBefore)
        if anomalies.isDisjoint(with: .dropped) {
            noteWindowAhead(segment, side, isOvertaken: isOvertaken, senderBefore: senderBefore, &rare)
        }
        if isOvertaken && !notes.contains(.fillsHole) { notes.insert(.overtaken) }
        let missed = missedText(segment, side, &rare, senderBefore: senderBefore, receiverBefore: receiverBefore)
        // A capture of one side has no ACKs that show what arrived.
        if notes.contains(.fillsHole) && sides[Int(side.other.rawValue)].packets == 0 && rare.gaps.hasAll(of: side) {
            arrived.append(endpoints[peer].receivedAll(upTo: endpoints[own].sendNext))
        }
        noteHistory(
            segment, side, notes, &rare, senderBefore: senderBefore, isFirst: isFirst, isNoted: isAfterAll)
        if flags.has(.rst) {
            let isUnheeded = !arrived.anomalies.isDisjoint(with: [.resetNotExact, .resetIgnored])
            rare.sides[Int(side.rawValue)].isResetUnheeded = isUnheeded
            if isUnheeded { rare.unheededReset = time }
        }
        if missed > 0 { noteGap(missed, of: side.other, &rare) }
        // Whether everything before it was captured, and it acknowledges nothing but the SYN-ACK.
        let isAwaited =
            receiverBefore.state == .synReceived || receiverBefore.state == .finWait1 && endpoints[peer].mayAnswerFast
        let goesOn =
            isAwaited && segment.sequence.isAtOrBefore(senderBefore.sendNext)
            && !arrived.anomalies.contains(.acknowledgedUnseen)
        noteHandshake(segment, side, time, isLate: isLate, goesOn: goesOn)
        noteEnding(segment, side, receiverBefore: receiverBefore, reactions: (sent, arrived))
        completeness.note(segment, isFirst: isFirst)
        // A clock that went back moves no time back: durations stay as they were.
        if time > lastTime { lastTime = time }
        settle()
        step.notes = notes
        step.sent = sent
        step.arrived = arrived
        step.isOver = hasEnded()
        step.ended = !wasEnded && step.isOver
        if isStray || arrived.anomalies.contains(.oldTimestamp) { step.discarded = .old }
    }

    /// What sending a segment does to its sender.
    private mutating func send(_ segment: Segment, _ own: Int, _ time: Timestamp, isLate: Bool) -> Reaction {
        var reaction = Reaction()
        if isLate {
            endpoints[own].sentOpeningLate(segment)
            return reaction
        }
        if crossesAnswer(segment, own, time) { return reaction }
        if endpoints[own].state == .closed && isLongAfterReset(segment, own, time) {
            reaction = endpoints[own].outlivesReset()
        }
        reaction.append(endpoints[own].sent(segment))
        return reaction
    }

    /// What a segment's arrival does to its receiver.
    private mutating func arrive(
        _ segment: Segment, _ side: Side, isLate: Bool, _ rare: borrowing RarePart
    ) -> Reaction {
        let own = place(side)
        let peer = place(side.other)
        var reaction = Reaction()
        if isLate {
            endpoints[peer].openingArrivedLate(segment)
            return reaction
        }
        guard segment.flags.has(.rst) else { return endpoints[peer].arrives(segment) }
        // Text that was captured out of order waits until its hole is filled; a RST behind all of it is exact (RFC 5961
        // 3.2). Before it is open, an endpoint has accepted no more text than it acknowledged.
        let hasAll = rare.gaps.hasAll(of: side)
        if hasAll && segment.sequence == endpoints[own].sendNext && !endpoints[own].hasSentFin
            && endpoints[peer].state != .synReceived
        {
            reaction = endpoints[peer].receivedAll(upTo: segment.sequence)
        }
        let isBehindHoles = rare.sides[Int(side.other.rawValue)]
            .hasReported(upTo: segment.sequence, behind: endpoints[peer].receiveNext)
        reaction.append(
            isBehindHoles ? endpoints[peer].resetArrivesBehindHoles(segment) : endpoints[peer].arrives(segment))
        return reaction
    }

    /// A segment that its receiver drops. If the checksum is wrong, any of its octets may be: it changes nothing
    /// but Zeek's history. If fragments are missing, it was sent as its header says, and counts; its text does not,
    /// as it comes late and its end is unknown.
    private mutating func takeDropped(
        _ segment: Segment, _ side: Side, _ time: Timestamp, isFirst: Bool, _ step: inout Connection.Step
    ) {
        step = Connection.Step()
        if segment.remarks.contains(.badChecksum) {
            history.appendCorrupt(originator: side == .originator)
            step.notes = .badChecksum
        } else {
            if isFirst && !segment.flags.has(.syn) { facts.insert(.rolesGuessed) }
            sides[Int(side.rawValue)].packets &+= 1
            sides[Int(side.rawValue)].addDatagram(segment.ipLength)
            var begun = segment
            begun.payloadLength = 0
            completeness.note(begun, isFirst: isFirst)
            step.notes = .incomplete
        }
        if time > lastTime { lastTime = time }
        step.isOver = hasEnded()
    }

    /// A segment of an older connection with the same ends: it counts as sent, and says nothing about this one. Zeek
    /// and Wireshark do not distinguish the two, so it enters their labels.
    private mutating func takeStale(
        _ segment: Segment, _ side: Side, _ time: Timestamp, _ rare: inout RarePart, _ step: inout Connection.Step
    ) {
        step = Connection.Step()
        let before = EndpointBefore(endpoints[place(side)])
        let isOpen = before.state != .synSent
        step.sent = endpoints[place(side)].sent(segment)
        if isOpen { step.arrived = endpoints[place(side.other)].arrives(segment) }
        countForeign(segment, side, time, &rare, senderBefore: before)
        step.isOver = hasEnded()
        if isOpen { step.discarded = .old }
    }

    /// Whether a segment with text or FIN shows nothing about its sender: see `SegmentNotes.foreign`. If the capture
    /// lacks the octets that were acknowledged behind a FIN, that ACK may be forged.
    private mutating func isForeign(_ segment: Segment, _ side: Side, _ gaps: borrowing ContentGaps) -> Bool {
        let (own, peer) = (place(side), place(side.other))
        guard segment.flags.has(.ack), !segment.flags.hasAny([.syn, .rst]), own != peer else { return false }
        if isOutside(segment, own: own, peer: peer) { return true }
        guard segment.flags.has(.fin), endpoints[own].hasSentBehindFin(segment) else { return false }
        return !gaps.contains(segment.finSequence, of: side)
    }

    /// Whether a segment begins beyond the end of its sender's stream and beyond its receiver's window, so that it is
    /// dropped (RFC 9293 3.10.7.4, first check). If the sender continues from SND.NXT, a window update was not
    /// captured. More than the largest window (2^30, RFC 7323 2.3) ahead, it is outside in any case.
    private mutating func isOutside(_ segment: Segment, own: Int, peer: Int) -> Bool {
        endpoints[own].knowsSendSequence && segment.sequence.isAfter(endpoints[own].sendNext)
            && (endpoints[peer].hasNoRoom(for: segment)
                || segment.sequence.offset(from: endpoints[own].sendNext) >= SequenceNumber.furthestInFlight)
    }

    /// Takes in such a segment: it counts as sent, and moves nothing. A genuine one looks the same if the capture lacks
    /// both what its sender sent before it and the receiver's ACKs, or has a damaged ACK: see `DiscardedSegments`.
    @inline(never) private mutating func takeForeign(
        _ segment: Segment, _ side: Side, _ time: Timestamp, _ rare: inout RarePart, _ step: inout Connection.Step
    ) {
        let (own, peer) = (place(side), place(side.other))
        step = Connection.Step()
        step.notes = .foreign
        if isOutside(segment, own: own, peer: peer) {
            step.discarded = .beyondWindow
            step.arrived.anomalies = endpoints[peer].isBlind(segment) ? [.beyondWindow, .blindAck] : .beyondWindow
        } else {
            step.discarded = .finBeforeText
            step.sent.anomalies = .finMoved
        }
        countForeign(segment, side, time, &rare, senderBefore: EndpointBefore(endpoints[own]))
        step.isOver = hasEnded()
    }

    private mutating func countForeign(
        _ segment: Segment, _ side: Side, _ time: Timestamp, _ rare: inout RarePart, senderBefore: EndpointBefore
    ) {
        if !zeek.isClosed && time > lastLiveTime { lastLiveTime = time }
        zeek.note(segment.flags, payload: segment.payloadLength > 0, fromOriginator: side == .originator)
        sides[Int(side.rawValue)].packets &+= 1
        sides[Int(side.rawValue)].addDatagram(segment.ipLength)
        noteHistory(segment, side, [], &rare, senderBefore: senderBefore, isFirst: false)
        completeness.note(segment, isFirst: false)
        if time > lastTime { lastTime = time }
        settle()
    }

    /// How long after a connection's first segment its opening may come and still be one that was captured late, in
    /// nanoseconds. Capture queues reorder by microseconds to milliseconds; a SYN is retransmitted after a second (RFC
    /// 6298 2.1) or, as on Windows, half a second after a RST.
    static var lateness: Int64 { 500 * Span.millisecond }

    /// Whether this SYN or SYN-ACK was sent before the first segment that the connection has here, and was only
    /// captured after it. (Mutating, so that the endpoints are read in place.)
    mutating func isOpeningLate(_ segment: Segment, _ side: Side, _ time: Timestamp) -> Bool {
        guard !segment.flags.hasAny([.fin, .rst]), time.since(firstTime) < Self.lateness else { return false }
        // One of this kind was seen; but in a simultaneous open both sides send one.
        let isSeen = facts.contains(segment.flags.has(.ack) ? .synAckSeen : .synSeen)
        if isSeen && sides[Int(side.rawValue)].packets > 0 { return false }
        if facts.contains(.refused) && sides[0].packets == 0 { return endpoints[place(side)].isRefusedUnseen(segment) }
        return endpoints[place(side)].isOpeningUnseen(segment)
    }

    /// Whether this SYN is a repeated one that crossed its first answer, as two processors of one host let them: it
    /// shows nothing that the answer does not take back a moment later. A longer round trip is not known yet.
    private mutating func crossesAnswer(_ segment: Segment, _ own: Int, _ time: Timestamp) -> Bool {
        handshake.synAck >= 0 && time.since(firstTime.advanced(by: handshake.synAck)) < Span.millisecond
            && endpoints[own].repeatsAnsweredSyn(segment)
    }

    /// How long after a segment one may be captured that its receiver sent before the segment arrived, in nanoseconds:
    /// the round trip, with time to spare.
    var longestCrossing: Int64 {
        handshake.open >= 0 ? max(200 * Span.millisecond, 2 * handshake.open) : 3 * Span.second
    }

    /// Whether text cannot have crossed the RST that is thought to have closed its sender:
    /// it was sent later after that than the round trip takes.
    private mutating func isLongAfterReset(_ segment: Segment, _ own: Int, _ time: Timestamp) -> Bool {
        time.since(lastTime) > longestCrossing && endpoints[own].sendsOnAfterReset(segment)
    }

    /// A RST was ignored: it ended nothing, unless its sender has gone all the same.
    mutating func takeBackReset() {
        let resetter: Side = facts.contains(.originatorReset) ? .originator : .responder
        if endpoints[place(resetter)].state != .closed { facts.subtract([.reset, .originatorReset]) }
    }

    private mutating func noteHandshake(
        _ segment: Segment, _ side: Side, _ time: Timestamp, isLate: Bool, goesOn: Bool
    ) {
        let flags = segment.flags
        // SYN with FIN or RST opens nothing.
        if flags.has(.syn) && flags.hasAny([.fin, .rst]) { return }
        if isLate {
            // Capture times do not show how long this took; but they show whose SYN it is.
            facts.insert(flags.has(.ack) ? .synAckSeen : .synSeen)
            if (side == .originator) != flags.has(.ack) { facts.remove(.rolesGuessed) }
            return
        }
        if flags.has(.syn) {
            if flags.has(.ack) {
                facts.insert(.synAckSeen)
                // An endpoint that accepts an answer has not obeyed an earlier RST.
                if facts.contains(.refused) && endpoints[0].state == .established {
                    facts.subtract([.reset, .refused])
                }
                if facts.contains(.synSeen) && handshake.synAck < 0 && (side == .responder || isSelfConnect) {
                    handshake.synAck = time.since(firstTime)
                }
            } else {
                facts.insert(.synSeen)
            }
        } else if flags.has(.ack) && side == .originator && handshake.isHalfWay && !flags.has(.rst) {
            let after = time.since(firstTime)
            // In a simultaneous open the states are different.
            let isNext = goesOn || isSelfConnect || facts.contains(.originatorSynAck)
            handshake.goOn(
                after: after,
                isAck: isNext && !flags.has(.fin) && handshake.isPrompt(after, text: segment.payloadLength))
        }
    }

    private mutating func noteEnding(
        _ segment: Segment, _ side: Side, receiverBefore: EndpointBefore,
        reactions: (sent: Reaction, arrived: Reaction)
    ) {
        if segment.flags.has(.fin) && endpoints[place(side)].hasSentFin {
            let mark: Connection.Facts = side == .originator ? .originatorFin : .responderFin
            if facts.intersection([.originatorFin, .responderFin]).isEmpty && side == .originator {
                facts.insert(.originatorClosedFirst)
            }
            facts.insert(mark)
            // One socket closes both roles.
            if isSelfConnect { facts.insert(.responderFin) }
        }
        // A RST that was ignored, by one side or both, ended nothing;
        // one that crossed a FIN ended its sender all the same.
        if reactions.sent.count > 0 && reactions.sent[0].takesEndBack && endpoints[place(side)].state != .closed {
            takeBackReset()
        }
        guard segment.flags.has(.rst), !facts.contains(.reset) else { return }
        // A RST that only answers an unacceptable ACK ends no opening (RFC 9293 3.10.7.3).
        guard !reactions.sent.anomalies.contains(.resetAnswersBadAck) else { return }
        // It counts if it ended an endpoint: its sender by being sent, its receiver by being accepted.
        let isOver = facts.contains([.originatorFin, .responderFin])
        guard reactions.sent.count + reactions.arrived.count > 0, !isOver else { return }
        let answersSyn = side == .responder && receiverBefore.state == .synSent && !facts.contains(.synAckSeen)
        // In SYN-SENT a RST without an acceptable ACK is ignored (3.10.7.3),
        // and nothing else shows that its sender has anything to end.
        if answersSyn && reactions.arrived.count == 0 { return }
        facts.insert(.reset)
        if side == .originator { facts.insert(.originatorReset) }
        guard side == .responder else { return }
        if answersSyn || answersUnseenSyn(segment) { facts.insert(.refused) }
    }

    /// Whether a RST that answers a SYN is the only segment. The SYN was not captured (a rule on its host rejected it
    /// on its way out), or is still to come: see `isOpeningLate`.
    private func answersUnseenSyn(_ segment: Segment) -> Bool {
        segment.refusesSyn && sides[0].packets == 0 && sides[1].packets == 1
    }
}

extension Transition {
    /// Whether its endpoint was thought to be closed but was not.
    var takesEndBack: Bool {
        from == .closed && (to == .established || to == .closeWait || to == .finWait1 || to == .finWait2)
    }
}
