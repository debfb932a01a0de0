// What the kernel's reports retract: a state that was assumed,
// or inferred from a segment that the endpoint never received.

public import TCPModel

extension EndpointMachine {
    /// The kernel steadily reports this endpoint in `kernel`. If that was its state before the latest segment to
    /// it, the segment was dropped beyond the capture point, and what was inferred from it is retracted;
    /// otherwise nothing happens. What was assumed about a connection older than the capture is corrected, too.
    /// A FIN that still waits to be sent is only remembered.
    public mutating func kernelCorrects(to kernel: TCPState) -> Reaction {
        var reaction = Reaction()
        // "Queue this until all preceding SENDs have been segmentized" (3.10.4):
        // the state follows once the FIN is captured.
        if state == .established && kernel == .finWait1 || state == .closeWait && kernel == .closing {
            knowledge.insert(.finQueued)
        }
        if beganUnseen {
            learn(kernel, &reaction)
            return reaction
        }
        // Another sender sent the RST in its name: a FIN, too, may still follow.
        if state == .closed && kernel == .established && certainty == .observed && knowledge.contains(.ownReset) {
            certainty = .assumed
        }
        guard certainty == .inferred else { return reaction }
        switch (state, kernel) {
        case (.established, .synSent) where isOpen(actively: true):
            // The SYN-ACK was dropped; whatever dropped it may drop the next ones, too.
            enter(kernel, .confirmed, .retraction, &reaction)
            knowledge.remove([.irs, .receive, .answerPassed])
            knowledge.insert(.lacksAnswer)
            sendUnacknowledged = iss
        case (.established, .synReceived) where isOpen(actively: false):
            // The handshake's last ACK was dropped, or did not suffice (TCP_DEFER_ACCEPT, a full accept queue).
            enter(kernel, .confirmed, .retraction, &reaction)
            sendUnacknowledged = iss
        case (.established, .listen) where isOpen(actively: false):
            // The handshake's last ACK, too: a listener that answered with a SYN cookie has kept nothing.
            enter(kernel, .confirmed, .retraction, &reaction)
            sendUnacknowledged = iss
        case (.closed, .synSent) where knowledge.contains(.givenUp):
            // The ICMP error: while a process is still in connect(), the kernel only records it (`tcp_v4_err`).
            knowledge.remove(.givenUp)
            enter(kernel, .confirmed, .retraction, &reaction)
        case (.closed, .established) where closedByReset:
            // The RST was dropped.
            enter(kernel, .confirmed, .retraction, &reaction)
        case (.closeWait, .established):
            // The FIN was dropped.
            enter(kernel, .confirmed, .retraction, &reaction)
            knowledge.remove(.peerFinProcessed)
            receiveNext = peerFin
        case (.finWait2, .finWait1) where knowledge.contains(.ownFin):
            // The ACK of the FIN was dropped.
            enter(kernel, .confirmed, .retraction, &reaction)
            sendUnacknowledged = ownFin
        default: break
        }
        return reaction
    }

    /// The kernel has the socket again that was thought to have gone from state `former`: readings had missed it, or it
    /// was moved (TCP_REPAIR, as CRIU does). What `peer` has sent meanwhile has arrived.
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

    /// The kernel reports that this endpoint closed before the peer's FIN arrived: it left ESTABLISHED for FIN-WAIT-1,
    /// or FIN-WAIT-1 for CLOSING. Until its own FIN is captured, that FIN waits behind text (3.10.4). If the FINs
    /// crossed, and this endpoint was thought to have had the peer's before it sent its own, that is retracted.
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

    /// Whether it was closed by nothing but the ACK of its FIN, in LAST-ACK.
    private var endedByLastAck: Bool {
        certainty == .inferred && knowledge.contains([.ownFin, .peerFinProcessed]) && finIsAcknowledged
            && !knowledge.contains(.ownReset)
    }

    /// Whether it was already open when first seen, and neither side's FIN was captured: it may have closed before.
    private var beganUnseen: Bool {
        state == .established && knowledge.isDisjoint(with: [.iss, .irs, .ownFin, .peerFin])
    }

    /// Learns of a FIN that arrived, or was sent and acknowledged, before the capture began.
    /// Only these two states can last until the kernel is asked.
    private mutating func learn(_ kernel: TCPState, _ reaction: inout Reaction) {
        if kernel == .closeWait && knowledge.contains(.receive) {
            enter(kernel, .confirmed, .midstream, &reaction)
            knowledge.insert([.peerFin, .peerFinProcessed])
            // Its ACKs cover the FIN, too.
            peerFin = receiveNext.previous
        } else if kernel == .finWait2 && knowledge.contains(.send) {
            enter(kernel, .confirmed, .midstream, &reaction)
            knowledge.insert(.ownFin)
            ownFin = sendNext.previous
            sendUnacknowledged = sendNext
        }
    }

    /// Whether `segment` repeats the SYN of this endpoint, which nothing but a SYN-ACK to it has opened. It may have
    /// been sent before that answer arrived; the caller, which knows the times, decides whether it was.
    public func repeatsAnsweredSyn(_ segment: Segment) -> Bool {
        state == .established && certainty == .inferred && isOpen(actively: true) && segment.sequence == iss
            && segment.flags.has(.syn) && !segment.flags.hasAny([.ack, .fin, .rst])
    }

    /// Whether it is only thought to be open: it has sent nothing yet that proves it.
    private func isOpen(actively: Bool) -> Bool {
        knowledge.contains(.iss) && !knowledge.contains(.synchronized) && knowledge.contains(.activeOpen) == actively
    }
}

extension TCPState {
    /// Whether a socket that was thought to have gone from this state may be found in it again:
    /// true for the states that can last.
    var mayBeRevived: Bool {
        switch self {
        case .established, .finWait1, .finWait2, .closeWait, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .closing, .timeWait: false
        }
    }
}
