// Segments that their receiver is thought to have dropped, and the evidence that it did not.
//
// An old timestamp (PAWS, RFC 7323 5), or a number from before the SYN, marks a late segment of an older connection,
// which is dropped. But if the capture lacks the SYNs of the four-tuple's next connection, everything that this
// connection sends looks the same; and not every host drops a segment for an old timestamp. If the receiver
// acknowledges octets of such a segment, which the connection has not sent as far as we know, the verdict is retracted.
//
// A segment that begins beyond the receive window is dropped, too. But if the capture lacks what widened the window,
// the segment is genuine: its sender continues from there, or the receiver acknowledges it.
//
// And a FIN before octets that were acknowledged is not its sender's. But an ACK that was damaged on its way,
// or forged, acknowledges octets that were never sent: the receiver, whose ACKs never go back (RFC 9293 3.4),
// then acknowledges just that FIN.

import TCPMachine
import TCPModel

/// Why a segment is thought to have been dropped.
enum DiscardCause: UInt8, BitwiseCopyable, Sendable {
    /// It belongs to an older connection, by its timestamp or its numbers.
    case old
    /// There was no room for it, and nothing else is wrong with it.
    case beyondWindow
    /// It is a FIN before octets that were acknowledged.
    case finBeforeText
}

/// The segments that were dropped on a connection since any other one came.
struct DiscardedRun {
    private static let most = 8
    /// The latest of them that occupy sequence space.
    fileprivate private(set) var segments: [(segment: Segment, time: Timestamp)] = []
    /// How many segments the connection had by then: once it has more, one has come that belongs to it.
    fileprivate var packets: UInt32
    /// Why they were dropped.
    fileprivate let cause: DiscardCause

    fileprivate init(packets: UInt32, cause: DiscardCause) {
        self.packets = packets
        self.cause = cause
    }

    fileprivate mutating func append(_ segment: Segment, _ time: Timestamp) {
        if segments.count >= Self.most { segments.removeFirst() }
        segments.append((segment, time))
    }

    /// Those that one end sent.
    fileprivate func sent(by end: SocketAddress) -> [(segment: Segment, time: Timestamp)] {
        segments.filter { $0.segment.tuple.source == end }
    }
}

/// What a segment shows about segments that were dropped before it.
enum Disproof {
    /// These were accepted, as they continue what their sender sent before.
    case sameConnection([(segment: Segment, time: Timestamp)])
    /// They belong to the next connection with the same ends, whose opening the capture lacks.
    case anotherConnection
}

/// The latest run of each connection, by the connection's place.
struct DiscardedSegments {
    /// The most connections that have one: enough for those whose answer is still to come.
    private static let limit = 1024
    private var latest: [UInt32: DiscardedRun] = [:]

    init() {}

    /// Whether there is none, as is usual.
    var isEmpty: Bool { latest.isEmpty }

    /// The run of the connection at this place.
    subscript(id: ConnectionID) -> DiscardedRun? { latest[id.slot] }

    /// Notes that a segment was dropped, the latest of `packets` segments.
    mutating func note(_ segment: Segment, time: Timestamp, packets: UInt32, cause: DiscardCause, at id: ConnectionID) {
        let goesOn = latest[id.slot].map { $0.packets == packets &- 1 && $0.cause == cause } ?? false
        if segment.sequenceLength == 0 {
            if goesOn { latest[id.slot]?.packets = packets }
            return
        }
        if !goesOn {
            if latest.count >= Self.limit { latest.removeAll(keepingCapacity: true) }
            latest[id.slot] = DiscardedRun(packets: packets, cause: cause)
        }
        latest[id.slot]?.packets = packets
        latest[id.slot]?.append(segment, time)
    }

    /// The place has another connection now, or none.
    mutating func forget(_ id: ConnectionID) { if !latest.isEmpty { latest[id.slot] = nil } }
}

extension HotPart {
    /// How long an ACK may take, in nanoseconds: no retransmission timeout is longer (Linux's TCP_RTO_MAX).
    private static var longestTimeout: Int64 { 120 * Span.second }

    /// What `next`, at `time`, shows about the segments that were dropped before it; nil if nothing.
    mutating func disproof(of run: DiscardedRun, by next: Segment, at time: Timestamp) -> Disproof? {
        guard next.flags.has(.ack), !next.flags.hasAny([.syn, .rst]), next.remarks.isDisjoint(with: .dropped),
            !isSelfConnect
        else { return nil }
        switch run.cause {
        case .beyondWindow:
            let taken = taken(of: run, before: next)
            return taken.isEmpty ? nil : .sameConnection(taken)
        case .finBeforeText:
            return takenFin(of: run, by: next, at: time).map { .sameConnection([$0]) }
        case .old:
            return ownerOfOld(run, by: next, at: time)
        }
    }

    /// Which connection the segments that looked old belong to, if `next` acknowledges one of them.
    private mutating func ownerOfOld(_ run: DiscardedRun, by next: Segment, at time: Timestamp) -> Disproof? {
        guard run.packets == packets else { return nil }
        let own = isOriginator(next.tuple.source) ? 0 : 1
        let peer = 1 - own
        let ack = next.acknowledgment
        if endpoints[peer].knowsSendSequence && isSent(ack, by: peer) { return nil }
        let discarded = run.sent(by: next.tuple.destination)
        let isAcknowledged = discarded.contains { segment, sentTime in
            ack.isWithin(segment.sequence.advanced(by: 1), length: segment.sequenceLength)
                && time.since(sentTime) <= Self.longestTimeout
                // Segments captured out of order at a connection's beginning are
                // what its predecessor ended with, ACKs too.
                && sentTime.since(firstTime) >= Self.lateness
        }
        guard isAcknowledged, let first = discarded.first else { return nil }
        let goesOn = mayGoOn(first.segment, own: peer) && mayGoOn(next, own: own)
        return goesOn ? .sameConnection(discarded) : .anotherConnection
    }

    /// Which of the segments beyond the window are genuine after all: text from which the sender of `next` continues,
    /// or what `next` acknowledges. An ACK beyond a FIN, or far off, counts only if it matches a segment's end exactly.
    private mutating func taken(of run: DiscardedRun, before next: Segment) -> [(segment: Segment, time: Timestamp)] {
        let own = isOriginator(next.tuple.source) ? 0 : 1
        let peer = 1 - own
        let (ownNext, peerNext) = (endpoints[own].sendNext, endpoints[peer].sendNext)
        let ack = next.acknowledgment
        if ack.isAfter(peerNext) {
            let isBlind = endpoints[peer].isBlind(next)
            return run.sent(by: next.tuple.destination).filter { segment, _ in
                guard segment.sequence.isAtOrAfter(peerNext) else { return false }
                return ack == segment.sequenceEnd
                    || !isBlind && ack.isAfter(segment.sequence) && !segment.flags.has(.fin)
            }
        }
        guard next.sequenceLength > 0, next.sequence.isAfter(ownNext) else { return [] }
        let before = run.sent(by: next.tuple.source).filter { segment, _ in
            segment.sequence.isAtOrAfter(ownNext) && segment.sequenceEnd.isAtOrBefore(next.sequence)
                && !segment.flags.has(.fin)
        }
        return before.last?.segment.sequenceEnd == next.sequence ? before : []
    }

    /// The FIN that `next` acknowledges, and nothing beyond it, if `next` was sent after what the FIN
    /// acknowledges. A receiver that drops the FIN would repeat the ACK of what came before (RFC 9293 3.10.7.4,
    /// first check), and older ACKs do not come that late.
    private func takenFin(
        of run: DiscardedRun, by next: Segment, at time: Timestamp
    ) -> (segment: Segment, time: Timestamp)? {
        run.sent(by: next.tuple.destination).last { segment, sentTime in
            next.acknowledgment == segment.sequenceEnd && next.sequence.isAtOrAfter(segment.acknowledgment)
                && time.since(sentTime) <= Self.longestTimeout
        }
    }

    /// Whether a number lies where this side has octets in flight, or just acknowledged.
    private mutating func isSent(_ number: SequenceNumber, by own: Int) -> Bool {
        // A keep-alive repeats the octet before SND.UNA.
        let oldest = endpoints[own].sendUnacknowledged.previous
        return number.offset(from: oldest) <= endpoints[own].sendNext.offset(from: oldest)
    }

    /// Whether a segment begins there, or so little beyond that the capture may lack what lies between.
    private mutating func mayGoOn(_ segment: Segment, own: Int) -> Bool {
        guard endpoints[own].knowsSendSequence else { return false }
        return isSent(segment.sequence, by: own)
            || segment.sequence.isAfter(endpoints[own].sendNext) && !endpoints[own].isFarAhead(segment)
    }

    /// Subtracts a segment that was dropped, before it is taken in again.
    mutating func uncount(_ segment: Segment) {
        let own = isOriginator(segment.tuple.source) ? 0 : 1
        sides[own].packets &-= 1
        sides[own].removeDatagram(segment.ipLength)
    }
}
