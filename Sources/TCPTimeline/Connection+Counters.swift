// What a segment adds to its connection's counters: segments, octets of text, and octets that the capture does not have.

import TCPMachine
import TCPModel

extension Connection {
    mutating func count(
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
    mutating func missedText(
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
            let octets = receiver.sendNext.offset(from: receiverBefore.sendNext)
            missed &+= UInt64(octets)
            // It may be captured yet, after its ACK: several queues, several interfaces.
            gaps.open(receiverBefore.sendNext, length: octets, of: side.other, isCounted: true)
        }
        return missed
    }

    /// Counts a content gap in what `side` sent.
    mutating func noteGap(_ octets: UInt64, of side: Side) {
        guard zeek.reportsGaps else { return }
        missedBytes &+= octets
        let index = Int(side.rawValue)
        if counters[index].contentGaps < .max { counters[index].contentGaps += 1 }
        if ConnectionHistory.isRecorded(occurrence: UInt32(counters[index].contentGaps)) {
            history.append(ConnectionHistory.contentGap, originator: side == .originator)
        }
    }
}
