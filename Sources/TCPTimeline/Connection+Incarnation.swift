// Whose connection a first segment opens, and when a segment opens another one on the same four-tuple.

import TCPMachine
import TCPModel

extension Segment {
    /// The four-tuple from originator to responder, as far as the first segment tells.
    ///
    /// A SYN comes from the originator, a SYN-ACK from the responder. Without either, the lower port is taken for the
    /// server's, and the connection is marked `rolesGuessed`.
    var orientedTuple: FourTuple {
        if flags.has(.syn) && !flags.hasAny([.fin, .rst]) { return flags.has(.ack) ? tuple.reversed : tuple }
        return tuple.source.port < tuple.destination.port ? tuple.reversed : tuple
    }
}

extension HotPart {
    /// Whether `segment` opens a new connection on the same four-tuple (RFC 9293 3.10.7.4 fourth check, RFC 6191).
    mutating func startsNewIncarnation(_ segment: Segment) -> Bool {
        guard segment.flags.has(.syn), !segment.flags.hasAny([.fin, .rst]) else { return false }
        if !segment.remarks.isDisjoint(with: .dropped) { return false }
        let side: Side = isOriginator(segment.tuple.source) ? .originator : .responder
        let sender = endpoints[place(side)]
        let receiver = endpoints[place(side.other)]
        // Whoever goes on after an ICMP error has not given up; and whose answer comes when he had is no other connection's.
        let isEnded = isEnded && !isUnreachable && !hasGivenUpAlone
        if sender.knowsInitialSequence && sender.iss == segment.sequence {
            // The same SYN is a retransmission, but for one that comes after the end: some hosts try again after a RST.
            return !segment.flags.has(.ack) && sender.state == .closed && isEnded
        }
        // The connection began with what follows on this very SYN: it was only captured late.
        if !sender.knowsInitialSequence && sender.knowsSendSequence && sender.relativeBase == segment.sequence {
            return false
        }
        if segment.flags.has(.ack) {
            // A SYN-ACK opens one only where everything is over; its SYN was not captured. Who did not heed a RST lives on.
            return isEnded && (receiver.state.isOver || receiver.state == .unseen)
        }
        // Who waits for an answer takes any SYN for one (simultaneous open).
        if receiver.state == .synSent && sender.state != .synSent { return false }
        switch sender.state {
        case .unseen: return isEnded
        case .synSent, .timeWait, .listen: return true
        case .closed, .finWait1, .finWait2, .closing, .lastAck, .closeWait:
            // In the window of a receiver that is still there it is part of this connection, and is challenged.
            return receiver.state.isOver || receiver.state == .unseen || !receiver.hasInWindow(segment.sequence)
        case .synReceived: return receiver.state == .closed
        case .established: return receiver.state == .closed || !sender.knowsInitialSequence
        }
    }
}
