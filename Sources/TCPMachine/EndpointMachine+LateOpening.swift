// A SYN that was captured behind what follows on it, or answers it: two queues of the capture, or two interfaces. It left before all
// that, so that it moves no state; but it tells the initial number and the scale of the windows, which were only guessed till then.

public import TCPModel

extension EndpointMachine {
    /// Whether this is the very SYN (or SYN-ACK) whose number was guessed from what came after it (RFC 9293 3.4.1: each side has
    /// one); so that it is either late or sent again. Times are for the caller to judge.
    public func isOpeningUnseen(_ segment: Segment) -> Bool {
        guard knowledge.contains(.send), isJustBeforeSent(segment) else { return false }
        // From the peer's SYN-ACK it is known by its number alone.
        let isOnlyFromAnswer = !segment.flags.has(.ack) && knowledge.contains(.activeOpen)
        return !knowledge.contains(.iss) || isOnlyFromAnswer
    }

    /// Whether this is the very SYN that a RST refused which was captured before it, and is all that is known of this endpoint.
    public func isRefusedUnseen(_ segment: Segment) -> Bool {
        state == .closed && knowledge.isEmpty && !segment.flags.has(.ack) && isJustBeforeSent(segment)
    }

    /// Whether a SYN is just before what was known first: before all of its text, if that was taken (RFC 7413 3).
    private func isJustBeforeSent(_ segment: Segment) -> Bool {
        iss == segment.sequence || iss == segment.sequence.advanced(by: segment.payloadLength)
    }

    /// This endpoint's opening was captured late.
    public mutating func sentOpeningLate(_ segment: Segment) {
        if !knowledge.contains(.send) {
            startSending(segment)
            // The RST answers this one.
            certainty = max(certainty, .inferred)
        }
        iss = segment.sequence
        knowledge.insert([.iss, segment.flags.has(.ack) ? .synAckSent : .activeOpen])
        ownShift = Self.shift(of: segment)
    }

    /// The peer's opening was captured late.
    public mutating func openingArrivedLate(_ segment: Segment) {
        // It had come before whatever this endpoint did since.
        guard state != .unseen else { return }
        knowledge.insert(.irs)
        irs = segment.sequence
        peerShift = Self.shift(of: segment)
        let isTextTaken = knowledge.contains(.receive) && !receiveNext.isBefore(segment.sequenceEnd)
        if segment.payloadLength > 0 && !segment.flags.has(.ack) && isTextTaken { knowledge.insert(.fastOpen) }
    }
}
