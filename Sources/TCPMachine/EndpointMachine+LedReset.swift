// What the kernel's reports add about RSTs: the endpoint sent or received one that the capture lacks.

import TCPModel

extension EndpointMachine {
    /// The kernel reports that this endpoint ended by sending a RST (RFC 9293 3.10.5, 3.10.7.1).
    public mutating func kernelSentReset() -> Reaction {
        switch state {
        case .unseen, .closed, .listen, .timeWait: Reaction()
        case .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            endByReset(.abort, .confirmed)
        }
    }

    /// The kernel reports that this endpoint received a RST and obeyed it. `isCaptured`: the RST was captured,
    /// but thought to be ignored.
    public mutating func kernelTookReset(isCaptured: Bool = false) -> Reaction {
        switch state {
        case .unseen, .closed, .listen, .timeWait: Reaction()
        case .synSent: endByReset(.synSentReset, .confirmed, isCaptured: isCaptured)
        case .synReceived where openedActively: endByReset(.synReceivedReset, .confirmed, isCaptured: isCaptured)
        // Linux reports a RST only for an existing socket, and a server has none before the handshake ends.
        case .synReceived:
            endByReset(
                .reset, .confirmed, isCaptured: isCaptured, after: kernelLeads(to: .established, hasPassed: true))
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            endByReset(.reset, .confirmed, isCaptured: isCaptured)
        }
    }

    /// The peer's kernel received a RST, so this endpoint sent one.
    public mutating func peersKernelTookReset() -> Reaction {
        switch state {
        case .closed, .listen, .synSent, .timeWait: Reaction()
        case .unseen: endByReset(.abort, .assumed)
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck:
            endByReset(.abort, .inferred)
        }
    }

    /// The peer's kernel sent a RST with the number expected here: it arrives, as a captured one does.
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
