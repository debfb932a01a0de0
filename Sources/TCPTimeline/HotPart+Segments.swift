// How a segment changes its connection: both endpoints, the handshake, the ending; counters and labels have files of their own.

import TCPMachine
import TCPModel

extension Connection {
    /// What one segment did, for the event.
    struct Step: BitwiseCopyable, Sendable, Equatable {
        var notes: SegmentNotes = []
        var sent = Reaction()
        var arrived = Reaction()
        var ended = false
        /// Whether the connection has ended, with this segment or before.
        var isOver = false
        /// Why its receiver is thought to have thrown it away, where that may prove to be wrong.
        var discarded: DiscardCause?

        init() {}

        /// Something that the sender of the segment to come is shown not to have done.
        init(_ sent: Reaction) { self.sent = sent }

        /// This step is told with an earlier one, which nobody was told of.
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
    /// For how long of silence time stamps tell what is old, in nanoseconds: half the range of a clock of microseconds, which goes round in
    /// 72 minutes. Linux checks for no longer since 6.7, when it got such clocks (TCP_PAWS_WRAP), whatever a connection's is; before that for
    /// the 24 days of RFC 7323 5.5. What is as old as that is not on its way any more, MSL being 2 minutes.
    static var timestampLifetime: Int64 { 2147 * Span.second }

    /// Takes in one segment; `isAfterAll` if it was thrown away first, and something has shown that it was not; `isOfFormer` if it is a word of
    /// the four-tuple's former connection (`FormerEnds`).
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
        let notes = notes(on: segment, side, rare, isLate: isLate)

        let senderBefore = EndpointBefore(endpoints[own])
        let receiverBefore = EndpointBefore(endpoints[peer])
        // RFC 7323 5.5.
        let outlivesTimestamps = time.since(lastTime) > HotPart.timestampLifetime
        if outlivesTimestamps { endpoints[peer].forgetTimestamp() }
        let isStray =
            isTooOld && !outlivesTimestamps && (endpoints[own].isStray(segment) || endpoints[own].isStale(segment))
            || endpoints[own].isFarAhead(segment) && endpoints[peer].isBlind(segment) || isOfFormer
        var sent = Reaction()
        if isLate {
            endpoints[own].sentOpeningLate(segment)
        } else if !isStray {
            if endpoints[own].state == .closed && isLongAfterReset(segment, own, time) {
                sent = endpoints[own].outlivesReset()
            }
            sent.append(endpoints[own].sent(segment))
        }
        // What it echoes is from before the silence.
        if outlivesTimestamps { endpoints[own].forgetTimestamp() }
        var arrived = Reaction()
        // Text that was captured out of order waits for its hole to be filled; a RST behind all of it is exact (RFC 5961 3.2). Before
        // it is open an endpoint has taken no more text than it acknowledged.
        if flags.has(.rst) && segment.sequence == endpoints[own].sendNext && !endpoints[own].hasSentFin
            && endpoints[peer].state != .synReceived && rare.gaps.hasAll(of: side)
        {
            arrived = endpoints[peer].receivedAll(upTo: segment.sequence)
        }
        if isLate {
            endpoints[peer].openingArrivedLate(segment)
        } else if flags.has(.rst)
            && rare.sides[Int(side.other.rawValue)]
                .hasReported(upTo: segment.sequence, behind: endpoints[peer].receiveNext)
        {
            arrived.append(endpoints[peer].resetArrivesBehindHoles(segment))
        } else {
            arrived.append(endpoints[peer].arrives(segment))
        }
        if !isStray {
            rare.sides[Int(side.rawValue)].noteReported(segment, behind: endpoints[own].receiveNext)
        }
        // Zeek prolongs its duration up to the segment that ends the second side, and not by what follows.
        if !zeek.isClosed && time > lastLiveTime { lastLiveTime = time }
        zeek.note(flags, payload: segment.payloadLength > 0, fromOriginator: side == .originator)
        if isFirst && !flags.has(.syn) { facts.insert(.rolesGuessed) }
        count(
            segment, side, notes, sent.anomalies.union(arrived.anomalies),
            senderBefore: senderBefore, receiverBefore: receiverBefore)
        let missed = missedText(segment, side, &rare, senderBefore: senderBefore, receiverBefore: receiverBefore)
        // Nobody acknowledges what is in a capture of one side.
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
        // Whether all before it was captured, and nothing but the SYN-ACK is acknowledged.
        let isAwaited =
            receiverBefore.state == .synReceived || receiverBefore.state == .finWait1 && endpoints[peer].mayAnswerFast
        let goesOn =
            isAwaited && segment.sequence.isAtOrBefore(senderBefore.sendNext)
            && !arrived.anomalies.contains(.acknowledgedUnseen)
        noteHandshake(segment, side, time, isLate: isLate, goesOn: goesOn)
        noteEnding(segment, side, receiverBefore: receiverBefore, reactions: (sent, arrived))
        completeness.note(segment, isFirst: isFirst)
        // A clock that went back moves no time back: durations stay what they were.
        if time > lastTime { lastTime = time }
        settle()
        step.notes = notes
        step.sent = sent
        step.arrived = arrived
        step.isOver = hasEnded()
        step.ended = !wasEnded && step.isOver
        if isStray || arrived.anomalies.contains(.oldTimestamp) { step.discarded = .old }
    }

    /// A segment that its receiver drops. Where the checksum is wrong nobody knows which of its octets are: it changes
    /// nothing but Zeek's history. Where fragments are missing it was sent as it says, and counts as such; its text does not,
    /// because it comes late and has no end.
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

    /// A segment of an older connection with the same ends: it counts as sent, and says nothing of this one. Zeek and Wireshark do not
    /// tell the two apart, so their words go by it.
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

    /// Whether a segment with text or FIN shows nothing of its sender: see `SegmentNotes.foreign`. Where the capture lacks what was
    /// acknowledged behind a FIN, somebody may have made up that ACK.
    private mutating func isForeign(_ segment: Segment, _ side: Side, _ gaps: borrowing ContentGaps) -> Bool {
        let (own, peer) = (place(side), place(side.other))
        guard segment.flags.has(.ack), !segment.flags.hasAny([.syn, .rst]), own != peer else { return false }
        if isOutside(segment, own: own, peer: peer) { return true }
        guard segment.flags.has(.fin), endpoints[own].hasSentBehindFin(segment) else { return false }
        return !gaps.contains(segment.finSequence, of: side)
    }

    /// Whether a segment begins behind the end of its sender's stream and beyond its receiver's window, which drops it (RFC 9293 3.10.7.4,
    /// first check). Where the sender goes on from SND.NXT, it is an update of the window that was not captured. Beyond the largest window
    /// (2^30, RFC 7323 2.3) it is whatever that is.
    private mutating func isOutside(_ segment: Segment, own: Int, peer: Int) -> Bool {
        endpoints[own].knowsSendSequence && segment.sequence.isAfter(endpoints[own].sendNext)
            && (endpoints[peer].hasNoRoom(for: segment)
                || segment.sequence.offset(from: endpoints[own].sendNext) >= SequenceNumber.furthestInFlight)
    }

    /// Such a segment: it counts as sent, and moves nothing. Where the capture lacks both what its sender sent before it and the receiver's
    /// ACKs, or has an ACK that was damaged, a real one looks so: see `DiscardedSegments`.
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

    /// How long a connection's opening may come behind its first segment and still be one that was captured late, in nanoseconds.
    /// Queues of a capture bring it out of order by microseconds to milliseconds; a SYN is sent again after a second
    /// (RFC 6298 2.1), or, as on Windows, half a second after a RST.
    static var lateness: Int64 { 500 * Span.millisecond }

    /// Whether this SYN or SYN-ACK left before what the connection began with here, and was only captured behind it. (Mutating, so
    /// that the endpoints are looked at where they are.)
    mutating func isOpeningLate(_ segment: Segment, _ side: Side, _ time: Timestamp) -> Bool {
        guard !segment.flags.hasAny([.fin, .rst]), time.since(firstTime) < Self.lateness else { return false }
        // One of this kind was seen; but in a simultaneous open both sides send one.
        let isSeen = facts.contains(segment.flags.has(.ack) ? .synAckSeen : .synSeen)
        if isSeen && sides[Int(side.rawValue)].packets > 0 { return false }
        if facts.contains(.refused) && sides[0].packets == 0 { return endpoints[place(side)].isRefusedUnseen(segment) }
        return endpoints[place(side)].isOpeningUnseen(segment)
    }

    /// How long after a segment one may be captured that its receiver sent before it came, in nanoseconds: the way there and back, with time to
    /// spare.
    var longestCrossing: Int64 {
        handshake.open >= 0 ? max(200 * Span.millisecond, 2 * handshake.open) : 3 * Span.second
    }

    /// Whether text cannot have crossed the RST that is thought to have closed its sender: it left longer after that than the way
    /// there and back takes.
    private mutating func isLongAfterReset(_ segment: Segment, _ own: Int, _ time: Timestamp) -> Bool {
        time.since(lastTime) > longestCrossing && endpoints[own].sendsOnAfterReset(segment)
    }

    /// A RST was not heeded: it ended nothing, unless its sender is gone all the same.
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
            // What it took, times of capture do not tell. Whose SYN it is they do.
            facts.insert(flags.has(.ack) ? .synAckSeen : .synSeen)
            if (side == .originator) != flags.has(.ack) { facts.remove(.rolesGuessed) }
            return
        }
        if flags.has(.syn) {
            if flags.has(.ack) {
                facts.insert(.synAckSeen)
                // Who takes an answer has not heeded a RST before it.
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
            // In a simultaneous open the states are others.
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
        // A RST that neither side heeded, or only one, ended nothing; one that crossed a FIN ended its sender all the same.
        if reactions.sent.count > 0 && reactions.sent[0].takesEndBack && endpoints[place(side)].state != .closed {
            takeBackReset()
        }
        guard segment.flags.has(.rst), !facts.contains(.reset) else { return }
        // One that only answers an unacceptable ACK takes no opening back (RFC 9293 3.10.7.3).
        guard !reactions.sent.anomalies.contains(.resetAnswersBadAck) else { return }
        // It counts if it ended somebody: its sender by sending, its receiver by taking it.
        let isOver = facts.contains([.originatorFin, .responderFin])
        guard reactions.sent.count + reactions.arrived.count > 0, !isOver else { return }
        let answersSyn = side == .responder && receiverBefore.state == .synSent && !facts.contains(.synAckSeen)
        // In SYN-SENT a RST without an acceptable ACK is ignored (3.10.7.3), and nothing else shows that its sender has anything to end.
        if answersSyn && reactions.arrived.count == 0 { return }
        facts.insert(.reset)
        if side == .originator { facts.insert(.originatorReset) }
        guard side == .responder else { return }
        if answersSyn || answersUnseenSyn(segment) { facts.insert(.refused) }
    }

    /// Whether a RST that answers a SYN is all there is. The SYN was not captured (a rule on its host rejected it on its way out), or is
    /// still to come: see `isOpeningLate`.
    private func answersUnseenSyn(_ segment: Segment) -> Bool {
        segment.refusesSyn && sides[0].packets == 0 && sides[1].packets == 1
    }
}

extension Transition {
    /// Whether its endpoint was thought to be closed and was not.
    var takesEndBack: Bool {
        from == .closed && (to == .established || to == .closeWait || to == .finWait1 || to == .finWait2)
    }
}
