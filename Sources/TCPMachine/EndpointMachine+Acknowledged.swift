// What a segment says about what its sender has received and has room for: RCV.NXT, the receive window and its scale.

import TCPModel

extension EndpointMachine {
    mutating func noteOwnShift(_ segment: Segment) {
        ownShift = Self.shift(of: segment)
    }

    /// The window scale that a SYN offers. If the capture cut off some options, the scale may have been among them.
    static func shift(of segment: Segment) -> UInt8 {
        if segment.options.present.contains(.windowScale) { return segment.options.usedWindowScale }
        return segment.remarks.contains(.truncatedOptions) ? shiftUnknown : shiftAbsent
    }

    /// Sets RCV.NXT from an acknowledgment that this endpoint sent.
    mutating func learnReceiveNext(_ ack: SequenceNumber) {
        if !knowledge.contains(.irs) && (state == .unseen || state == .listen || state == .synSent || state == .closed)
        {
            knowledge.insert(.irs)
            irs = ack.previous
        }
        knowledge.insert(.receive)
        if !knowledge.contains(.irs) || ack != irs.advanced(by: 1) { knowledge.insert(.tookUnseen) }
        receiveNext = ack
    }

    /// Notes the window's right edge: SEG.ACK + SEG.WND, scaled except on a SYN (RFC 7323 2.2).
    mutating func noteWindow(_ segment: Segment) {
        guard segment.flags.has(.ack), !isBlind(segment.acknowledgment) else { return }
        // With an unknown scale take the largest one: accepting too much is better than calling good segments bad.
        let shift = segment.flags.has(.syn) ? 0 : windowShift ?? TCPOptions.largestWindowScale
        let edge = segment.acknowledgment.advanced(by: UInt32(segment.window) &<< UInt32(shift))
        if !knowledge.contains(.window) {
            knowledge.insert(.window)
            receiveLimit = edge
            // A SYN-ACK may acknowledge a number that does not answer the SYN.
            let isOfSyn = segment.flags.has(.syn) && knowledge.contains(.irs)
            acknowledged = isOfSyn ? irs.advanced(by: 1) : segment.acknowledgment
        } else {
            if edge.isAfter(receiveLimit) { receiveLimit = edge }
            if segment.acknowledgment.isAfter(acknowledged) { acknowledged = segment.acknowledgment }
        }
    }

    /// Does what `noteWindow` does, and notes whether text that was thought to
    /// have arrived is missing. Usually none is.
    mutating func noteAcknowledgment(_ segment: Segment) {
        let (limit, last) = (receiveLimit, acknowledged)
        noteWindow(segment)
        if acknowledged != last {
            knowledge.remove([.lacksText, .textRepeated])
            // It closed one hole, and there is another one before the FIN.
            if !knowledge.contains(.peerFinProcessed) && reportsHoleBeforeFin(segment) { knowledge.insert(.lacksText) }
        } else if receiveLimit == limit && repeatsAcknowledgment(segment) || stillLacksText(segment) {
            knowledge.insert(.lacksText)
        }
    }

    /// A duplicate ACK (RFC 5681 2) that opens no window: something arrived, but not what follows `acknowledged`. The
    /// next ACK will show whether that was lost or is still in flight.
    private func repeatsAcknowledgment(_ segment: Segment) -> Bool {
        segment.isPureAck && segment.sequence == sendNext && segment.acknowledgment == acknowledged
            && acknowledged.isBefore(receiveNext)
    }

    /// Whether this endpoint still acknowledges no more than before, although the peer had to retransmit the
    /// oldest text: perhaps neither copy arrived.
    private func stillLacksText(_ segment: Segment) -> Bool {
        knowledge.contains(.textRepeated) && segment.flags.has(.ack) && segment.acknowledgment == acknowledged
            && acknowledged.isBefore(receiveNext)
    }
}
