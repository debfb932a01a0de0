// How the responder of a four-tuple's former connection answers the SYN of the next one:
// with an ACK of its own, old numbers.
//
// In TIME-WAIT, or if it still has a socket, it challenges that SYN (RFC 9293 3.10.7.4, fourth check; RFC 5961 4.2;
// RFC 6191 2). If the old numbers lie near the new ones, the ACK looks like one from the new connection's responder,
// which does not exist yet.

import TCPMachine
import TCPModel

/// The numbers of former ends, by the place of the connection that took over the four-tuple.
struct FormerEnds {
    /// The SEG.SEQ and SEG.ACK of such an end's ACK.
    private struct Numbers {
        let sequence: SequenceNumber
        let acknowledgment: SequenceNumber
    }

    /// The most connections that have one: enough for those whose answer is still to come.
    private static let limit = 1024
    private var latest: [UInt32: Numbers] = [:]

    init() {}

    /// The connection at `new` takes over the four-tuple from `old`, and has `responder` at its other end.
    mutating func note(_ old: borrowing HotPart, responder: SocketAddress, at new: ConnectionID) {
        let end = old.endpoint(old.isOriginator(responder) ? .originator : .responder)
        guard end.state.isSynchronized, end.knowsSendSequence else { return }
        if latest.count >= Self.limit { latest.removeAll(keepingCapacity: true) }
        latest[new.slot] = Numbers(sequence: end.sendNext, acknowledgment: end.receiveNext)
    }

    /// Whether a segment of the connection at this place is such an answer.
    func answers(_ segment: Segment, at id: ConnectionID, _ hot: borrowing HotPart) -> Bool {
        guard !latest.isEmpty, segment.isPureAck, hot.endpoint(.responder).state == .unseen,
            segment.tuple.source == hot.tuple.destination, let numbers = latest[id.slot]
        else { return false }
        return segment.sequence == numbers.sequence && segment.acknowledgment == numbers.acknowledgment
    }

    /// The place has another connection now, or none.
    mutating func forget(_ id: ConnectionID) { if !latest.isEmpty { latest[id.slot] = nil } }
}
