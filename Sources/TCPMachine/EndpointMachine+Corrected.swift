// What the kernel's word takes back: a state that was inferred from a segment which the endpoint never took, or assumed.

public import TCPModel

extension EndpointMachine {
    /// The kernel steadily says that this endpoint is in `kernel`: if it was there before the latest segment to it, that segment was
    /// dropped behind the capture, and what was inferred from it is taken back. Nothing happens where that does not explain it.
    /// So is what was assumed of a connection that is older than the capture. A FIN that waits to be sent is only remembered.
    public mutating func kernelCorrects(to kernel: TCPState) -> Reaction {
        var reaction = Reaction()
        // "Queue this until all preceding SENDs have been segmentized" (3.10.4): the state follows when the FIN is captured.
        if state == .established && kernel == .finWait1 || state == .closeWait && kernel == .closing {
            knowledge.insert(.finQueued)
        }
        if beganUnseen {
            learn(kernel, &reaction)
            return reaction
        }
        guard certainty == .inferred else { return reaction }
        switch (state, kernel) {
        case (.established, .synSent) where isOpen(actively: true):
            // The SYN-ACK: what dropped it may drop the next ones, too.
            enter(kernel, .confirmed, .retraction, &reaction)
            knowledge.remove([.irs, .receive, .answerPassed])
            knowledge.insert(.lacksAnswer)
            sendUnacknowledged = iss
        case (.established, .synReceived) where isOpen(actively: false):
            // The last ACK of the handshake, or it is not enough (TCP_DEFER_ACCEPT, a full accept queue).
            enter(kernel, .confirmed, .retraction, &reaction)
            sendUnacknowledged = iss
        case (.established, .listen) where isOpen(actively: false):
            // The last ACK of the handshake, too: of a connection that was offered by a SYN cookie nothing was kept.
            enter(kernel, .confirmed, .retraction, &reaction)
            sendUnacknowledged = iss
        case (.closed, .synSent) where knowledge.contains(.givenUp):
            // The ICMP error: while a process is still in connect(), the kernel only makes a note of it (`tcp_v4_err`).
            knowledge.remove(.givenUp)
            enter(kernel, .confirmed, .retraction, &reaction)
        case (.closed, .established) where closedByReset:
            // The RST.
            enter(kernel, .confirmed, .retraction, &reaction)
        case (.closeWait, .established):
            // The FIN.
            enter(kernel, .confirmed, .retraction, &reaction)
            knowledge.remove(.peerFinProcessed)
            receiveNext = peerFin
        case (.finWait2, .finWait1) where knowledge.contains(.ownFin):
            // The ACK of the FIN.
            enter(kernel, .confirmed, .retraction, &reaction)
            sendUnacknowledged = ownFin
        default: break
        }
        return reaction
    }

    /// The kernel has the socket again that it was thought to have dropped in `former`: readings had missed it, or it was moved (TCP_REPAIR, as
    /// CRIU does). What came meanwhile it has, as far as `peer` had sent it.
    public mutating func kernelRevives(in former: TCPState, facing peer: EndpointMachine) -> Reaction {
        var reaction = Reaction()
        guard state == .closed, former.mayBeRevived else { return reaction }
        enter(former, .inferred, .retraction, &reaction)
        guard knowledge.contains([.send, .receive]), peer.knowledge.contains(.send) else { return reaction }
        if peer.sendNext.isAfter(receiveNext) { receiveNext = peer.sendNext }
        if peer.acknowledged.isAfter(sendUnacknowledged), peer.acknowledged.isAtOrBefore(sendNext) {
            sendUnacknowledged = peer.acknowledged
        }
        return reaction
    }

    /// The kernel says that this endpoint had closed before the peer's FIN came: it left ESTABLISHED for FIN-WAIT-1, or that for CLOSING.
    /// As long as its own FIN was not captured, that waits behind text (3.10.4). Where the FINs crossed and it was thought to have had the
    /// peer's before it sent its own, that is taken back.
    public mutating func kernelClosesFirst() -> Reaction {
        var reaction = Reaction()
        switch state {
        case .established, .closeWait:
            if knowledge.isDisjoint(with: [.ownFin, .ownFinUncaptured]) { knowledge.insert(.finQueued) }
        case .lastAck where knowledge.contains([.ownFin, .peerFinProcessed]):
            enter(.closing, .confirmed, .retraction, &reaction)
        case .closed where endedByLastAck:
            enter(.closing, .confirmed, .retraction, &reaction)
            enter(.timeWait, .inferred, .closingAck, &reaction)
        case .unseen, .closed, .listen, .synSent, .synReceived, .finWait1, .finWait2, .closing, .lastAck, .timeWait:
            break
        }
        return reaction
    }

    /// Whether nothing but the ACK of its FIN closed it, in LAST-ACK.
    private var endedByLastAck: Bool {
        certainty == .inferred && knowledge.contains([.ownFin, .peerFinProcessed]) && finIsAcknowledged
            && !knowledge.contains(.ownReset)
    }

    /// Whether it was met when it was open already, and neither side's FIN was captured: it may have closed before.
    private var beganUnseen: Bool {
        state == .established && knowledge.isDisjoint(with: [.iss, .irs, .ownFin, .peerFin])
    }

    /// The FIN that came, or was sent and acknowledged, before the capture began: of these two states, which may last, the kernel is
    /// asked in time.
    private mutating func learn(_ kernel: TCPState, _ reaction: inout Reaction) {
        if kernel == .closeWait && knowledge.contains(.receive) {
            enter(kernel, .confirmed, .midstream, &reaction)
            knowledge.insert([.peerFin, .peerFinProcessed])
            // Its ACKs are of the FIN, too.
            peerFin = receiveNext.advanced(by: .max)
        } else if kernel == .finWait2 && knowledge.contains(.send) {
            enter(kernel, .confirmed, .midstream, &reaction)
            knowledge.insert(.ownFin)
            ownFin = sendNext.advanced(by: .max)
            sendUnacknowledged = sendNext
        }
    }

    /// Whether it is only thought to be open: it has sent nothing yet that shows it.
    private func isOpen(actively: Bool) -> Bool {
        knowledge.contains(.iss) && !knowledge.contains(.synchronized) && knowledge.contains(.activeOpen) == actively
    }
}

extension TCPState {
    /// Whether a socket that was thought to be gone from here may be found there again: the states in which one lasts.
    var mayBeRevived: Bool {
        switch self {
        case .established, .finWait1, .finWait2, .closeWait, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .closing, .timeWait: false
        }
    }
}
