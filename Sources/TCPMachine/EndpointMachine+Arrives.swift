// SEGMENT ARRIVES (RFC 9293 3.10.7) for CLOSED, LISTEN and SYN-SENT,
// and for endpoints about which nothing is known yet.

public import TCPModel

extension EndpointMachine {
    /// `segment` is on its way to this endpoint; its effect there is inferred.
    public mutating func arrives(_ segment: Segment) -> Reaction {
        var reaction = Reaction()
        if segment.flags.isMeaningless {
            // No TCP sends SYN with RST; an endpoint with a connection checks the RST first (3.10.7.3, 3.10.7.4).
            guard segment.flags.has(.rst), state != .unseen else { return reaction }
        }
        learnArriving(segment)
        switch state {
        case .unseen: arrivesUnseen(segment, &reaction)
        case .closed: arrivesClosed(segment, &reaction)
        case .listen: arrivesListen(segment)
        case .synSent where showsOpening(segment):
            enter(.established, .inferred, .synSentSynAck, &reaction)
            arrivesSynchronized(segment, &reaction)
        case .synSent: arrivesSynSent(segment, &reaction)
        case .established where isAnotherAnswer(segment):
            enter(.synSent, .inferred, .retraction, &reaction)
            arrivesSynSent(segment, &reaction)
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            arrivesSynchronized(segment, &reaction)
        }
        return reaction
    }

    /// Nothing is known about this endpoint, not even that it exists.
    ///
    /// A SYN alone changes no state: only the answer shows whether a process listens, so the step
    /// from LISTEN to SYN-RECEIVED is taken when the SYN-ACK is sent. An acknowledgment shows that
    /// this endpoint sent what it acknowledges.
    private mutating func arrivesUnseen(_ segment: Segment, _ reaction: inout Reaction) {
        let flags = segment.flags
        if flags.has(.rst) {
            // The base of relative sequence numbers.
            if flags.has(.ack) && knowledge.isDisjoint(with: [.iss, .send]) {
                iss = segment.acknowledgment.previous
            }
            if !knowledge.contains(.irs) { enter(.closed, .assumed, .midstream, &reaction) }
            return
        }
        if flags.has(.syn) && !flags.has(.ack) {
            arrivesListen(segment)
            return
        }
        guard flags.has(.ack) else { return }
        // A segment from before the peer's SYN belongs to an earlier connection on this four-tuple.
        if knowledge.contains(.irs) && segment.sequence.isBefore(irs) { return }
        if flags.has(.syn) {
            // A SYN-ACK answers a SYN that was not captured.
            knowledge.insert([.iss, .send, .activeOpen])
            iss = segment.acknowledgment.previous
            sendNext = segment.acknowledgment
            sendUnacknowledged = iss
            enter(.synSent, from: .closed, .assumed, .midstream, &reaction)
            arrivesSynSent(segment, &reaction)
            return
        }
        startMidstream(at: segment.acknowledgment)
        if knowledge.contains(.irs) {
            // A one-sided capture, or a lost SYN-ACK: the peer acknowledges a SYN of this endpoint that we did not see.
            knowledge.insert(.iss)
            enter(.synReceived, from: .listen, .assumed, .evidence, &reaction)
            enter(.established, .inferred, .synReceivedAck, &reaction)
        } else {
            enter(.established, from: .unseen, .assumed, .midstream, &reaction)
        }
        arrivesSynchronized(segment, &reaction)
    }

    /// 3.10.7.1: anything but a RST is answered with a RST, and nothing changes here. But if the RST that closed this
    /// endpoint was not its own, the peer's FIN has arrived, and so has its ACK of this endpoint's own FIN.
    private mutating func arrivesClosed(_ segment: Segment, _ reaction: inout Reaction) {
        if segment.flags.has(.rst) { return }
        if segment.flags.has(.fin) && certainty != .confirmed && knowledge.contains(.receive) {
            if !knowledge.contains(.peerFin) { knowledge.insert(.peerFinAfterReset) }
            notePeerFin(segment)
        }
        if segment.flags.has(.ack) && knowledge.contains([.ownFin, .synchronized]) && certainty != .confirmed
            && segment.acknowledgment == ownFin.advanced(by: 1) && segment.acknowledgment == sendNext
        {
            sendUnacknowledged = sendNext
        }
        if segment.payloadLength > 0 || segment.flags.hasAny(.synFin) {
            reaction.anomalies.insert(.arrivedAfterClose)
        }
    }

    /// 3.10.7.2: a SYN is remembered; see `arrivesUnseen` for why the state waits for the answer.
    private mutating func arrivesListen(_ segment: Segment) {
        guard segment.flags.has(.syn), !segment.flags.hasAny([.ack, .rst]) else { return }
        learnPeerSyn(segment)
        if segment.payloadLength > 0 { knowledge.insert(.fastOpen) } else { knowledge.remove(.fastOpen) }
    }

    /// Whether the peer sends beyond its SYN-ACK, which it does only once this endpoint has answered that. Only for a
    /// SYN-ACK whose arrival was not presumed.
    private func showsOpening(_ segment: Segment) -> Bool {
        knowledge.contains([.lacksAnswer, .irs]) && segment.flags.has(.ack) && !segment.flags.hasAny([.syn, .rst])
            && segment.sequenceLength > 0 && segment.sequence.isAfter(irs)
    }

    /// 3.10.7.3, in its order: ACK, RST, (security), SYN; anything else is dropped.
    private mutating func arrivesSynSent(_ segment: Segment, _ reaction: inout Reaction) {
        let flags = segment.flags
        // First: an ACK must cover ISS and nothing unsent.
        let hasAck = flags.has(.ack)
        if hasAck {
            let ack = segment.acknowledgment
            guard ack.isAfter(iss), ack.isAtOrBefore(sendNext) else {
                reaction.anomalies.insert(.unacceptableAck)
                return
            }
        }
        // Second: a RST counts only with an acceptable ACK.
        if flags.has(.rst) {
            if hasAck {
                enter(.closed, .inferred, .synSentReset, &reaction)
            } else {
                reaction.anomalies.insert(.resetIgnored)
            }
            return
        }
        // Fourth: SYN.
        guard flags.has(.syn) else { return }
        let isPresumed = !hasAck || !knowledge.contains(.lacksAnswer)
        let crossedEarlier = isPresumed && knowledge.contains(.irs) && segment.sequence == irs
        // Its text waits, or is dropped and retransmitted; this endpoint's own ACK will tell.
        learnPeerSyn(segment)
        // Whatever dropped the last SYN-ACK may drop this one, too; this endpoint's own ACK will tell.
        guard isPresumed else {
            knowledge.insert(.answerPassed)
            return
        }
        if hasAck && crossedEarlier {
            // Simultaneous open (3.5, figure 7): the peer's SYN crossed ours and arrived before this SYN-ACK. Our own
            // SYN-ACK is still to come; ESTABLISHED follows it.
            sendUnacknowledged = segment.acknowledgment
            enter(.synReceived, .inferred, .synSentSyn, &reaction)
        } else if hasAck {
            sendUnacknowledged = segment.acknowledgment
            enter(.established, .inferred, .synSentSynAck, &reaction)
        } else {
            enter(.synReceived, .inferred, .synSentSyn, &reaction)
        }
    }
}
