// What a segment says of what its sender has taken in and has room for: RCV.NXT, the receive window, the scale of it.

import TCPModel

extension EndpointMachine {
    mutating func noteOwnShift(_ segment: Segment) {
        ownShift = Self.shift(of: segment)
    }

    /// The offered window scale of a SYN; above 14 counts as 14 (RFC 7323 2.3). Where the capture has not all options it may have
    /// been among those that were cut off.
    static func shift(of segment: Segment) -> UInt8 {
        if segment.options.present.contains(.windowScale) { return min(segment.options.windowScale, 14) }
        return segment.remarks.contains(.truncatedOptions) ? shiftUnknown : shiftAbsent
    }

    /// RCV.NXT as an own acknowledgment tells it.
    mutating func learnReceiveNext(_ ack: SequenceNumber) {
        if !knowledge.contains(.irs) && (state == .unseen || state == .listen || state == .synSent || state == .closed)
        {
            knowledge.insert(.irs)
            irs = ack.advanced(by: .max)
        }
        knowledge.insert(.receive)
        if !knowledge.contains(.irs) || ack != irs.advanced(by: 1) { knowledge.insert(.tookUnseen) }
        receiveNext = ack
    }

    /// The window's right edge: SEG.ACK + SEG.WND, scaled except on a SYN (RFC 7323 2.2).
    mutating func noteWindow(_ segment: Segment) {
        guard segment.flags.has(.ack), !isBlind(segment.acknowledgment) else { return }
        // With an unknown scale take the largest one: better to accept too much than to call good segments bad.
        let shift = segment.flags.has(.syn) ? 0 : windowShift ?? 14
        let edge = segment.acknowledgment.advanced(by: UInt32(segment.window) &<< UInt32(shift))
        if !knowledge.contains(.window) {
            knowledge.insert(.window)
            receiveLimit = edge
            // A SYN-ACK may acknowledge what is no answer to the SYN.
            let isOfSyn = segment.flags.has(.syn) && knowledge.contains(.irs)
            acknowledged = isOfSyn ? irs.advanced(by: 1) : segment.acknowledgment
        } else {
            if edge.isAfter(receiveLimit) { receiveLimit = edge }
            if segment.acknowledgment.isAfter(acknowledged) { acknowledged = segment.acknowledgment }
        }
    }

    /// The same, and whether text that we thought here lacks. On the usual course none does.
    mutating func noteAcknowledgment(_ segment: Segment) {
        let (limit, last) = (receiveLimit, acknowledged)
        noteWindow(segment)
        if acknowledged != last {
            knowledge.remove([.lacksText, .textRepeated])
        } else if receiveLimit == limit && repeatsAcknowledgment(segment) || stillLacksText(segment) {
            knowledge.insert(.lacksText)
        }
    }

    /// A duplicate ACK (RFC 5681 2) that opens no window: something came, but not what follows on `acknowledged`. Whether that was
    /// lost, or is still on its way, the next ACK will tell.
    private func repeatsAcknowledgment(_ segment: Segment) -> Bool {
        segment.isPureAck && segment.sequence == sendNext && segment.acknowledgment == acknowledged
            && acknowledged.isBefore(receiveNext)
    }

    /// Whether anything that this endpoint sends after the peer had to send the oldest text again acknowledges no more than before:
    /// perhaps neither copy came.
    private func stillLacksText(_ segment: Segment) -> Bool {
        knowledge.contains(.textRepeated) && segment.flags.has(.ack) && segment.acknowledgment == acknowledged
            && acknowledged.isBefore(receiveNext)
    }
}
