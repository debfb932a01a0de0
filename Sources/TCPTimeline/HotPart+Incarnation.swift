// Which side a first segment makes the originator, and when a segment opens another connection on the same four-tuple.

import TCPMachine
import TCPModel

extension Segment {
    /// The four-tuple from originator to responder, as far as the first segment shows.
    ///
    /// A SYN comes from the originator; a SYN-ACK, or the RST that refuses a SYN, comes from the
    /// responder. Otherwise the lower port is taken for the server's. Unless the first segment has SYN,
    /// the connection is marked `rolesGuessed`. `ListeningEnds` come before that guess.
    var orientedTuple: FourTuple {
        if flags.has(.syn) && !flags.hasAny([.fin, .rst]) { return flags.has(.ack) ? tuple.reversed : tuple }
        if refusesSyn { return tuple.reversed }
        return tuple.source.port < tuple.destination.port ? tuple.reversed : tuple
    }

    /// Whether it is a RST with the number of an answer to a SYN (RFC 9293 3.10.7.1: <SEQ=0>, as a SYN has no ACK).
    var refusesSyn: Bool {
        flags.has([.rst, .ack]) && !flags.hasAny(.synFin) && sequence == SequenceNumber(0) && payloadLength == 0
    }
}

extension HotPart {
    /// Whether `segment` opens a new connection on the same four-tuple (RFC 9293 3.10.7.4 fourth check, RFC 6191).
    mutating func startsNewIncarnation(_ segment: Segment, at time: Timestamp) -> Bool {
        guard segment.flags.has(.syn), !segment.flags.hasAny([.fin, .rst]) else { return false }
        if !segment.remarks.isDisjoint(with: .dropped) { return false }
        let side: Side = isOriginator(segment.tuple.source) ? .originator : .responder
        let sender = endpoints[place(side)]
        let receiver = endpoints[place(side.other)]
        // It opened this very connection, and was only captured late.
        if isOpeningLate(segment, side, time) { return false }
        // An endpoint that continues after an ICMP error has not given up; and an answer that comes after the client
        // has gone belongs to no other connection.
        let isEnded = isEnded && !isUnreachable && !hasGivenUpAlone
        if sender.knowsInitialSequence && sender.iss == segment.sequence {
            // The same SYN is a retransmission, unless it comes after the end: some hosts try again after a RST.
            return !segment.flags.has(.ack) && sender.state == .closed && isEnded
        }
        // The same, however late: the connection began with the segments after it.
        if !sender.knowsInitialSequence && sender.knowsSendSequence && sender.relativeBase == segment.sequence {
            return false
        }
        if segment.flags.has(.ack) {
            // A SYN-ACK opens a connection only if everything is over; its SYN was not captured.
            // An endpoint that ignored a RST lives on.
            return isEnded && (receiver.state.isOver || receiver.state == .unseen) || answersUnheardSyn(segment, side)
        }
        // An endpoint that waits for an answer takes any SYN for one (simultaneous open).
        if receiver.state == .synSent && sender.state != .synSent { return false }
        switch sender.state {
        case .unseen: return isEnded
        case .synSent, .timeWait, .listen: return true
        case .closed, .finWait1, .finWait2, .closing, .lastAck, .closeWait:
            // In the window of a receiver that still exists, it belongs to this connection and is challenged.
            return receiver.state.isOver || receiver.state == .unseen || !receiver.hasInWindow(segment.sequence)
        case .synReceived: return receiver.state == .closed
        case .established: return receiver.state == .closed || !sender.knowsInitialSequence
        }
    }

    /// Whether a SYN-ACK answers another SYN than the one that opened this connection, in a capture of its sender's
    /// direction only, which has no SYN to show that. An open endpoint never answers with a SYN-ACK (RFC 9293 3.10.7.4,
    /// fourth check); a second one for the same SYN, with another number, comes from a SYN cookie or a proxy.
    private mutating func answersUnheardSyn(_ segment: Segment, _ side: Side) -> Bool {
        guard !isSelfConnect, sides[Int(side.other.rawValue)].packets == 0 else { return false }
        let own = place(side)
        let peer = place(side.other)
        switch endpoints[own].state {
        case .unseen, .listen, .synSent: return false
        case .closed, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait: break
        }
        let isSameSyn =
            endpoints[peer].knowsInitialSequence && segment.acknowledgment == endpoints[peer].iss.advanced(by: 1)
        return endpoints[own].knowsSendSequence && endpoints[own].iss != segment.sequence && !isSameSyn
    }
}
