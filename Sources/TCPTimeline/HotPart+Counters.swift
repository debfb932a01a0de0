// What a segment adds to its connection's counters: segments, octets of text, and octets that the capture lacks.

import TCPMachine
import TCPModel

extension HotPart {
    mutating func count(
        _ segment: Segment, _ side: Side, _ notes: SegmentNotes, _ anomalies: Anomalies,
        isOvertaken: Bool, senderBefore: EndpointBefore, receiverBefore: EndpointBefore
    ) {
        let own = Int(side.rawValue)
        sides[own].packets &+= 1
        sides[own].addDatagram(segment.ipLength)
        if notes.contains(.retransmission) { sides[own].retransmissions &+= 1 }
        // A RST has no window, and neither does a segment that its receiver drops.
        if !segment.flags.has(.rst) && anomalies.isDisjoint(with: .dropped) && !isOvertaken {
            sides[own].lastWindow = segment.window
        }
        if !segment.flags.has(.syn) { sides[own].notePlainWindow() }
        // What lies before a segment beyond the window was not sent: that segment's number may be anything.
        let text = newText(senderBefore, side, segment)
        sides[own].addUnique(anomalies.contains(.beyondWindow) ? min(text, UInt64(segment.payloadLength)) : text)
        if notes.contains(.fillsHole) && isFinAfterItsAck(segment, side, senderBefore) { sides[own].removeUnique(1) }
        if !isSelfConnect {
            // The receiver's SND.NXT moves only when the ACK covers text that we missed.
            let next = endpoints[1 - own].sendNext
            if receiverBefore.knowsSendSequence && next.isAfter(receiverBefore.sendNext) {
                sides[1 - own].addUnique(UInt64(next.offset(from: receiverBefore.sendNext)))
            }
        }
    }

    /// Whether its receiver ignores the window of a segment, because it was overtaken: it acknowledges less than another
    /// one has, or as much and lies before that (SND.UNA, SND.WL1 and SND.WL2 of RFC 9293 3.10.7.4, fifth check).
    mutating func isOvertaken(
        _ segment: Segment, _ side: Side, _ notes: SegmentNotes, _ rare: borrowing RarePart
    ) -> Bool {
        let peer = place(side.other)
        guard segment.flags.has(.ack), !segment.flags.hasAny([.syn, .rst]), endpoints[peer].knowsSendSequence else {
            return false
        }
        let unacknowledged = endpoints[peer].sendUnacknowledged
        if segment.acknowledgment != unacknowledged { return segment.acknowledgment.isBefore(unacknowledged) }
        if notes.contains(.fillsHole) { return true }
        guard let from = rare.sides[Int(side.rawValue)].windowFrom else { return false }
        return segment.sequence.isBefore(from)
    }

    /// Notes the number of a bare ACK from beyond SND.NXT whose window is in force. The fast paths do not ask for it.
    mutating func noteWindowAhead(
        _ segment: Segment, _ side: Side, isOvertaken: Bool, senderBefore: EndpointBefore, _ rare: inout RarePart
    ) {
        let own = Int(side.rawValue)
        if segment.isPureAck && senderBefore.knowsSendSequence && segment.sequence.isAfter(senderBefore.sendNext)
            && !isOvertaken && !endpoints[place(side.other)].hasNoRoom(for: segment)
        {
            rare.sides[own].windowFrom = segment.sequence
        } else if let from = rare.sides[own].windowFrom,
            !isOvertaken || endpoints[place(side)].sendNext.isAtOrAfter(from)
        {
            rare.sides[own].windowFrom = nil
        }
    }

    /// Octets of text by which the sender's SND.NXT moved: SYN and FIN are not text.
    private mutating func newText(_ before: EndpointBefore, _ side: Side, _ segment: Segment) -> UInt64 {
        let own = place(side)
        guard endpoints[own].knowsSendSequence, !segment.flags.has(.rst) else { return 0 }
        // Or it is a SYN-ACK with another number than the one before it.
        let isRenumbered = segment.flags.has(.syn) && before.iss != endpoints[own].iss
        guard before.knowsSendSequence, !isRenumbered else { return UInt64(segment.payloadLength) }
        let next = endpoints[own].sendNext
        guard next.isAfter(before.sendNext) else { return 0 }
        let moved = next.offset(from: before.sendNext)
        let startsAnew = segment.flags.has(.syn) && before.sendNext == endpoints[own].iss
        let controls: UInt32 = (segment.flags.has(.fin) ? 1 : 0) + (startsAnew ? 1 : 0)
        return UInt64(moved > controls ? moved - controls : 0)
    }

    /// Whether this is a FIN whose ACK was captured first and taken for one of text;
    /// meaningful only if it lies in a hole.
    private func isFinAfterItsAck(_ segment: Segment, _ side: Side, _ before: EndpointBefore) -> Bool {
        segment.flags.has(.fin) && before.knowsSendSequence && !before.hasSentFin && !isSelfConnect
            && endpoints[place(side)].hasSentFin && before.sendNext == segment.sequenceEnd
    }

    /// Follows the holes in both sides' text; returns how many of the receiver's octets this
    /// segment acknowledges that the capture lacks.
    mutating func missedText(
        _ segment: Segment, _ side: Side, _ rare: inout RarePart, senderBefore: EndpointBefore,
        receiverBefore: EndpointBefore
    ) -> UInt64 {
        guard !isSelfConnect, !segment.flags.has(.rst) else { return 0 }
        let start = segment.flags.has(.syn) ? segment.sequence.advanced(by: 1) : segment.sequence
        if senderBefore.knowsSendSequence && !segment.flags.has(.syn) && segment.sequenceLength > 0
            && start.isAfter(senderBefore.sendNext) && endpoints[place(side)].sendNext.isAfter(senderBefore.sendNext)
        {
            rare.gaps.open(senderBefore.sendNext, length: start.offset(from: senderBefore.sendNext), of: side)
        } else if segment.payloadLength > 0 && !rare.gaps.isEmpty {
            rare.gaps.fill(start, length: segment.payloadLength, of: side)
        }
        if !rare.gaps.isEmpty && isFinAfterItsAck(segment, side, senderBefore)
            && rare.gaps.contains(segment.finSequence, of: side)
        {
            rare.gaps.fill(segment.finSequence, length: 1, of: side)
            if rare.missedBytes > 0 { rare.missedBytes &-= 1 }
        }
        guard segment.flags.has(.ack) else { return 0 }
        var missed: UInt64 = 0
        if !rare.gaps.isEmpty { missed = UInt64(rare.gaps.acknowledge(segment.acknowledgment, of: side.other)) }
        // An ACK beyond everything that was seen moves the receiver's SND.NXT.
        let next = endpoints[place(side.other)].sendNext
        if receiverBefore.knowsSendSequence && next.isAfter(receiverBefore.sendNext) {
            let octets = next.offset(from: receiverBefore.sendNext)
            missed &+= UInt64(octets)
            // They may still be captured after their ACK: several queues, several interfaces.
            rare.gaps.open(receiverBefore.sendNext, length: octets, of: side.other, isCounted: true)
        }
        return missed
    }

    /// Counts a content gap in what `side` sent.
    mutating func noteGap(_ octets: UInt64, of side: Side, _ rare: inout RarePart) {
        guard zeek.reportsGaps else { return }
        rare.missedBytes &+= octets
        let index = Int(side.rawValue)
        if rare.sides[index].contentGaps < .max { rare.sides[index].contentGaps += 1 }
        if ConnectionHistory.isRecorded(occurrence: UInt32(rare.sides[index].contentGaps)) {
            history.append(ConnectionHistory.contentGap, originator: side == .originator)
        }
    }
}
