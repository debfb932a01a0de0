// A SYN that was captured after segments that follow or answer it, as with two capture queues or two interfaces. It
// was sent before all of them, so it moves no state; but it shows the initial sequence number and the window scale,
// which were only guessed until then.

public import TCPModel

extension EndpointMachine {
    /// Whether this is the very SYN (or SYN-ACK) whose number was guessed from later segments (RFC 9293 3.4.1: each
    /// side has one), so that it is either late or retransmitted. The caller judges the times.
    public func isOpeningUnseen(_ segment: Segment) -> Bool {
        guard knowledge.contains(.send), isJustBeforeSent(segment) else { return false }
        // The peer's SYN-ACK reveals only the number of this endpoint's SYN.
        let isOnlyFromAnswer = !segment.flags.has(.ack) && knowledge.contains(.activeOpen)
        return !knowledge.contains(.iss) || isOnlyFromAnswer
    }

    /// Whether this is the very SYN refused by a RST that was captured before it and
    /// is all that is known about this endpoint.
    public func isRefusedUnseen(_ segment: Segment) -> Bool {
        state == .closed && knowledge.isEmpty && !segment.flags.has(.ack) && isJustBeforeSent(segment)
    }

    /// Whether a SYN lies just before the first number known: before all of its text,
    /// if that was accepted (RFC 7413 3).
    private func isJustBeforeSent(_ segment: Segment) -> Bool {
        iss == segment.sequence || iss == segment.sequence.advanced(by: segment.payloadLength)
    }

    /// This endpoint's opening was captured late.
    public mutating func sentOpeningLate(_ segment: Segment) {
        if !knowledge.contains(.send) {
            startSending(segment)
            // The RST answers this SYN.
            certainty = max(certainty, .inferred)
        }
        iss = segment.sequence
        knowledge.insert([.iss, segment.flags.has(.ack) ? .synAckSent : .activeOpen])
        ownShift = Self.shift(of: segment)
    }

    /// The peer's opening was captured late.
    public mutating func openingArrivedLate(_ segment: Segment) {
        // It arrived before anything that this endpoint has done since.
        guard state != .unseen else { return }
        knowledge.insert(.irs)
        irs = segment.sequence
        peerShift = Self.shift(of: segment)
        let isTextTaken = knowledge.contains(.receive) && !receiveNext.isBefore(segment.sequenceEnd)
        if segment.payloadLength > 0 && !segment.flags.has(.ack) && isTextTaken { knowledge.insert(.fastOpen) }
    }
}
