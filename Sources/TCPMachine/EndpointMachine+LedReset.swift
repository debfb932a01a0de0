// What the kernel's word adds of a RST: it sent one, or took one, and the capture lacks it.

import TCPModel

extension EndpointMachine {
    /// The kernel says that this endpoint has gone with a RST of its own (RFC 9293 3.10.5, 3.10.7.1).
    public mutating func kernelSentReset() -> Reaction {
        switch state {
        case .unseen, .closed, .listen, .timeWait: Reaction()
        case .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            endByReset(.abort, .confirmed)
        }
    }

    /// The kernel says that this endpoint took a RST: it was one that is obeyed. `isCaptured`: that was captured, and thought to be ignored.
    public mutating func kernelTookReset(isCaptured: Bool = false) -> Reaction {
        switch state {
        case .unseen, .closed, .listen, .timeWait: Reaction()
        case .synSent: endByReset(.synSentReset, .confirmed, isCaptured: isCaptured)
        case .synReceived where openedActively: endByReset(.synReceivedReset, .confirmed, isCaptured: isCaptured)
        // Linux tells of a RST only where there is a socket, and a server has none before the handshake's end.
        case .synReceived:
            endByReset(
                .reset, .confirmed, isCaptured: isCaptured, after: kernelLeads(to: .established, hasPassed: true))
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            endByReset(.reset, .confirmed, isCaptured: isCaptured)
        }
    }

    /// The peer's kernel took a RST: this endpoint sent it.
    public mutating func peersKernelTookReset() -> Reaction {
        switch state {
        case .closed, .listen, .synSent, .timeWait: Reaction()
        case .unseen: endByReset(.abort, .assumed)
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            endByReset(.abort, .inferred)
        }
    }

    /// The peer's kernel sent a RST with the number that is due here: it arrives, as what is captured does.
    public mutating func peersKernelSentReset() -> Reaction {
        switch state {
        case .unseen, .closed, .listen, .synSent, .synReceived, .timeWait: Reaction()
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: endByReset(.reset, .inferred)
        }
    }

    private mutating func endByReset(
        _ rule: RFCRule, _ certainty: Certainty, isCaptured: Bool = false, after earlier: Reaction = Reaction()
    ) -> Reaction {
        var reaction = earlier
        if !isCaptured { knowledge.insert(.ledByKernel) }
        enter(.closed, certainty, rule, &reaction)
        return reaction
    }
}
