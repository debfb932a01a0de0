// How a segment changes its connection: roles, incarnations, both endpoints, counters and labels.

import TCPMachine
import TCPModel

extension Segment {
    /// The four-tuple from originator to responder, as far as the first segment tells.
    ///
    /// A SYN comes from the originator, a SYN-ACK from the responder. Without either, the lower port is taken for the
    /// server's, and the connection is marked `rolesGuessed`.
    var orientedTuple: FourTuple {
        if flags.has(.syn) && !flags.hasAny([.fin, .rst]) { return flags.has(.ack) ? tuple.reversed : tuple }
        return tuple.source.port < tuple.destination.port ? tuple.reversed : tuple
    }
}

extension Connection {
    /// What one segment did, for the event.
    struct Step: BitwiseCopyable {
        var sender: Side
        var relativeSequence: UInt32
        var relativeAck: UInt32
        var notes: SegmentNotes
        var sent: Reaction
        var arrived: Reaction
        var ended: Bool
    }

    /// Whether `segment` opens a new connection on the same four-tuple (RFC 9293 3.10.7.4 fourth check, RFC 6191).
    func startsNewIncarnation(_ segment: Segment) -> Bool {
        guard segment.flags.has(.syn), !segment.flags.hasAny([.fin, .rst]) else { return false }
        let side: Side = segment.tuple.source == tuple.source ? .originator : .responder
        let sender = endpoint(side)
        let receiver = endpoint(side.other)
        if sender.knowsInitialSequence && sender.iss == segment.sequence {
            // The same SYN is a retransmission, but for one that comes after the end: some hosts try again after a RST.
            return !segment.flags.has(.ack) && sender.state == .closed && isEnded
        }
        if segment.flags.has(.ack) {
            // A SYN-ACK opens one only where everything is over; its SYN was not captured.
            return isEnded
        }
        switch sender.state {
        case .unseen: return isEnded
        case .synSent, .closed, .timeWait, .listen: return true
        case .finWait1, .finWait2, .closing, .lastAck, .closeWait: return true
        case .synReceived: return receiver.state == .closed
        case .established: return receiver.state == .closed || !sender.knowsInitialSequence
        }
    }

    /// Takes in one segment.
    mutating func take(_ segment: Segment, time: Timestamp, isFirst: Bool) -> Step {
        let side: Side = segment.tuple.source == tuple.source ? .originator : .responder
        let flags = segment.flags
        let wasEnded = isEnded
        let notes = SegmentNotes.analyse(
            segment, sender: endpoint(side), receiver: endpoint(side.other), sent: counters[Int(side.rawValue)],
            received: counters[Int(side.other.rawValue)],
            fillsHole: !gaps.isEmpty && gaps.contains(segment.sequence, of: side))

        let senderBefore = endpoint(side)
        let receiverBefore = endpoint(side.other)
        let (sent, arrived) = runMachines(segment, side)
        // Zeek prolongs its duration up to the segment that ends the second side, and not by what follows.
        if !zeek.isClosed && time > lastLiveTime { lastLiveTime = time }
        zeek.note(flags, payload: segment.payloadLength > 0, fromOriginator: side == .originator)
        if isFirst && !flags.has(.syn) { facts.insert(.rolesGuessed) }
        count(segment, side, notes, senderBefore: senderBefore, receiverBefore: receiverBefore)
        let missed = missedText(segment, side, senderBefore: senderBefore, receiverBefore: receiverBefore)
        noteHistory(segment, side, notes, senderBefore: senderBefore, isFirst: isFirst)
        if missed > 0 { noteGap(missed, of: side.other) }
        noteHandshake(segment, side, time)
        noteEnding(segment, side, receiverBefore: receiverBefore, reactions: (sent, arrived))
        completeness.note(segment, isFirst: isFirst)
        // A clock that went back moves no time back: durations stay what they were.
        if time > lastTime { lastTime = time }

        return Step(
            sender: side, relativeSequence: segment.sequence.offset(from: base(side)),
            relativeAck: flags.has(.ack) ? segment.acknowledgment.offset(from: base(side.other)) : 0, notes: notes,
            sent: sent, arrived: arrived, ended: !wasEnded && isEnded)
    }

    /// Relative numbers count from the ISS; where it is not known, from just before the first number seen.
    private func base(_ side: Side) -> SequenceNumber {
        let endpoint = endpoint(side)
        return endpoint.relativeBase
    }

    private mutating func runMachines(_ segment: Segment, _ side: Side) -> (Reaction, Reaction) {
        if isSelfConnect {
            let sent = originator.sent(segment)
            return (sent, originator.arrives(segment))
        }
        if side == .originator {
            let sent = originator.sent(segment)
            return (sent, responder.arrives(segment))
        }
        let sent = responder.sent(segment)
        return (sent, originator.arrives(segment))
    }

    private mutating func count(
        _ segment: Segment, _ side: Side, _ notes: SegmentNotes, senderBefore: EndpointMachine,
        receiverBefore: EndpointMachine
    ) {
        let own = Int(side.rawValue)
        counters[own].packets &+= 1
        counters[own].ipBytes &+= UInt64(segment.ipLength)
        if notes.contains(.retransmission) { counters[own].retransmissions &+= 1 }
        if segment.flags.has(.ack) { counters[own].lastAck = segment.acknowledgment }
        counters[own].lastWindow = segment.window
        if !segment.flags.has(.syn) { counters[own].hasPlainWindow = true }
        let sentNow = endpoint(side)
        counters[own].uniqueBytes &+= Self.newText(senderBefore, sentNow, segment)
        if !isSelfConnect {
            // The receiver's SND.NXT moves only when the ACK covers text that we missed.
            let receiverNow = endpoint(side.other)
            if receiverBefore.knowsSendSequence && receiverNow.sendNext.isAfter(receiverBefore.sendNext) {
                counters[1 - own].uniqueBytes &+= UInt64(receiverNow.sendNext.offset(from: receiverBefore.sendNext))
            }
        }
    }

    /// Octets of text by which the sender's SND.NXT moved: SYN and FIN are no text.
    private static func newText(_ before: EndpointMachine, _ after: EndpointMachine, _ segment: Segment) -> UInt64 {
        guard after.knowsSendSequence, !segment.flags.has(.rst) else { return 0 }
        guard before.knowsSendSequence else { return UInt64(segment.payloadLength) }
        guard after.sendNext.isAfter(before.sendNext) else { return 0 }
        let moved = after.sendNext.offset(from: before.sendNext)
        let controls: UInt32 =
            (segment.flags.has(.fin) ? 1 : 0) + (segment.flags.has(.syn) && before.sendNext == after.iss ? 1 : 0)
        return UInt64(moved > controls ? moved - controls : 0)
    }

    /// Follows the holes in both sides' text; octets of the receiver's that this segment acknowledges and we do not have.
    private mutating func missedText(
        _ segment: Segment, _ side: Side, senderBefore: EndpointMachine, receiverBefore: EndpointMachine
    ) -> UInt64 {
        guard !isSelfConnect, !segment.flags.has(.rst) else { return 0 }
        let start = segment.flags.has(.syn) ? segment.sequence.advanced(by: 1) : segment.sequence
        if senderBefore.knowsSendSequence && !segment.flags.has(.syn) && segment.sequenceLength > 0
            && start.isAfter(senderBefore.sendNext) && endpoint(side).sendNext.isAfter(senderBefore.sendNext)
        {
            gaps.open(senderBefore.sendNext, length: start.offset(from: senderBefore.sendNext), of: side)
        } else if segment.payloadLength > 0 && !gaps.isEmpty {
            gaps.fill(start, length: segment.payloadLength, of: side)
        }
        guard segment.flags.has(.ack) else { return 0 }
        var missed: UInt64 = 0
        if !gaps.isEmpty { missed = UInt64(gaps.acknowledge(segment.acknowledgment, of: side.other)) }
        // An ACK beyond everything that was seen moves the receiver's SND.NXT.
        let receiver = endpoint(side.other)
        if receiverBefore.knowsSendSequence && receiver.sendNext.isAfter(receiverBefore.sendNext) {
            missed &+= UInt64(receiver.sendNext.offset(from: receiverBefore.sendNext))
        }
        return missed
    }

    /// Counts a content gap in what `side` sent.
    private mutating func noteGap(_ octets: UInt64, of side: Side) {
        guard zeek.reportsGaps else { return }
        missedBytes &+= octets
        let index = Int(side.rawValue)
        if counters[index].contentGaps < .max { counters[index].contentGaps += 1 }
        if ConnectionHistory.isRecorded(occurrence: UInt32(counters[index].contentGaps)) {
            history.append(ConnectionHistory.contentGap, originator: side == .originator)
        }
    }

    private mutating func noteHandshake(_ segment: Segment, _ side: Side, _ time: Timestamp) {
        let flags = segment.flags
        if flags.has(.syn) {
            if flags.has(.ack) {
                facts.insert(.synAckSeen)
                if facts.contains(.synSeen) && synAckDelay < 0 && (side == .responder || isSelfConnect) {
                    synAckDelay = time.since(firstTime)
                }
            } else {
                facts.insert(.synSeen)
            }
        } else if flags.has(.ack) && side == .originator && openDelay < 0 && synAckDelay >= 0 && !flags.has(.rst) {
            openDelay = time.since(firstTime)
        }
    }

    private mutating func noteEnding(
        _ segment: Segment, _ side: Side, receiverBefore: EndpointMachine,
        reactions: (sent: Reaction, arrived: Reaction)
    ) {
        if segment.flags.has(.fin) && endpoint(side).hasSentFin {
            let mark: Facts = side == .originator ? .originatorFin : .responderFin
            if facts.intersection([.originatorFin, .responderFin]).isEmpty && side == .originator {
                facts.insert(.originatorClosedFirst)
            }
            facts.insert(mark)
            // One socket closes both roles.
            if isSelfConnect { facts.insert(.responderFin) }
        }
        guard segment.flags.has(.rst), !facts.contains(.reset) else { return }
        // It counts if it ended somebody: its sender by sending, its receiver by taking it.
        let isOver = facts.contains([.originatorFin, .responderFin])
        guard reactions.sent.count + reactions.arrived.count > 0, !isOver else { return }
        facts.insert(.reset)
        if side == .originator { facts.insert(.originatorReset) }
        if side == .responder && receiverBefore.state == .synSent && !facts.contains(.synAckSeen) {
            facts.insert(.refused)
        }
    }

    private mutating func noteHistory(
        _ segment: Segment, _ side: Side, _ notes: SegmentNotes, senderBefore: EndpointMachine, isFirst: Bool
    ) {
        let flags = segment.flags
        let isOriginator = side == .originator
        let own = Int(side.rawValue)
        if isFirst && !isOriginator { history.appendFlip() }
        if isOriginator && (flags.has(.ack) || flags.has(.fin)) && !flags.has(.rst) {
            facts.insert(.originatorMoreThanSyn)
        }
        if flags.has([.fin, .rst]) {
            history.appendOnce(ConnectionHistory.finReset, bit: 2, originator: isOriginator)
        } else if flags.has(.syn) && flags.hasAny([.fin, .rst]) {
            history.appendOnce(ConnectionHistory.multiFlag, bit: 3, originator: isOriginator)
        } else if flags.has(.syn) {
            let isKnown = senderBefore.knowsInitialSequence && senderBefore.iss == segment.sequence
            if flags.has(.ack) {
                // Each letter repeats for itself: a SYN-ACK after a SYN with the same number is a simultaneous open.
                let mark: Connection.Facts = isOriginator ? .originatorSynAck : .responderSynAck
                if !isKnown || !facts.contains(mark) {
                    history.append(ConnectionHistory.synAck, originator: isOriginator)
                }
                facts.insert(mark)
            } else if !isKnown || isOriginator && !facts.contains(.synSeen) {
                // A number that is known only from the peer's SYN-ACK is no SYN seen: the two came in the other order.
                history.append(ConnectionHistory.syn, originator: isOriginator)
            }
        } else if flags.has(.rst) {
            if !counters[own].hasReset || counters[own].lastReset != segment.sequence {
                history.append(ConnectionHistory.reset, originator: isOriginator)
            }
            counters[own].lastReset = segment.sequence
            counters[own].hasReset = true
        }
        let carriesText = segment.payloadLength > 0 && !notes.contains(.keepAlive)
        // Zeek's `d` is for segments without SYN, FIN and RST; with one of them, that letter stands for the segment.
        if carriesText && !flags.hasAny(.synFinRst) {
            history.appendOnce(ConnectionHistory.data, bit: 1, originator: isOriginator)
        } else if segment.isPureAck {
            history.appendOnce(ConnectionHistory.ack, bit: 0, originator: isOriginator)
        }
        if flags.has(.fin) && !flags.hasAny([.syn, .rst]) && !senderBefore.hasSentFin {
            history.append(ConnectionHistory.fin, originator: isOriginator)
        }
        if segment.window == 0 && !flags.has(.rst) && zeek.heedsWindow(ofOriginator: isOriginator) {
            if counters[own].zeroWindows < .max { counters[own].zeroWindows += 1 }
            if ConnectionHistory.isRecorded(occurrence: UInt32(counters[own].zeroWindows)) {
                history.append(ConnectionHistory.zeroWindow, originator: isOriginator)
            }
        }
        if notes.contains(.retransmission) {
            if !carriesText {
                if counters[own].controlRetransmissions < .max { counters[own].controlRetransmissions += 1 }
            } else if ConnectionHistory.isRecorded(
                occurrence: counters[own].retransmissions &- UInt32(counters[own].controlRetransmissions))
            {
                history.append(ConnectionHistory.retransmission, originator: isOriginator)
            }
        }
    }
}
