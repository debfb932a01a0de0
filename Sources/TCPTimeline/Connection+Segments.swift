// How a segment changes its connection: both endpoints, the handshake, the ending; counters and labels have files of their own.

import TCPMachine
import TCPModel

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
        if facts.contains(.unreachable) && originator.state != .closed { facts.remove(.unreachable) }
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

    /// The event of another copy of a frame that was taken in as frame `original`: nothing happened.
    func copy(
        of original: UInt64, _ segment: Segment, _ id: ConnectionID, time: Timestamp, frame: UInt64
    ) -> SegmentEvent {
        let side: Side = segment.tuple.source == tuple.source ? .originator : .responder
        return SegmentEvent(
            connection: id, isFirst: false, replaced: nil, sender: side, time: time, frame: frame, segment: segment,
            relativeSequence: segment.sequence.offset(from: base(side)),
            relativeAck: segment.flags.has(.ack) ? segment.acknowledgment.offset(from: base(side.other)) : 0,
            notes: .duplicateFrame, sent: Reaction(), arrived: Reaction(), ended: false, originalFrame: original)
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
        // A RST that neither side heeded, or only one, ended nothing.
        if reactions.sent.count > 0 && reactions.sent[0].from == .closed && reactions.sent[0].to == .established {
            facts.remove([.reset, .originatorReset])
        }
        guard segment.flags.has(.rst), !facts.contains(.reset) else { return }
        // One that only answers an unacceptable ACK takes no opening back (RFC 9293 3.10.7.3).
        guard !reactions.sent.anomalies.contains(.resetAnswersBadAck) else { return }
        // It counts if it ended somebody: its sender by sending, its receiver by taking it.
        let isOver = facts.contains([.originatorFin, .responderFin])
        guard reactions.sent.count + reactions.arrived.count > 0, !isOver else { return }
        facts.insert(.reset)
        if side == .originator { facts.insert(.originatorReset) }
        if side == .responder && receiverBefore.state == .synSent && !facts.contains(.synAckSeen) {
            facts.insert(.refused)
        }
    }
}
