// Segments that their receiver is thought to have thrown away, and what shows that it did not.
//
// An old time stamp (PAWS, RFC 7323 5) and numbers from before the SYN tell late segments of an older connection, and are thrown away.
// But where the capture lacks the SYNs of the four-tuple's next connection, all that this sends looks so; and not every host throws away
// what is old by its stamp. The receiver's ACK of such a segment, of octets that the connection has not sent so far as we know, takes
// the verdict back.
//
// Neither is there room for what begins beyond the receive window. But where the capture lacks what widened the window, that is real: its
// sender goes on from there, or the receiver acknowledges it.
//
// And a FIN before octets that were acknowledged is not its sender's. But an ACK that was damaged on its way, or made up, acknowledges what
// was never sent: the receiver, whose ACKs never go back (RFC 9293 3.4), then acknowledges just that FIN.

import TCPMachine
import TCPModel

/// Why a segment is thought to have been thrown away.
enum DiscardCause: UInt8, BitwiseCopyable, Sendable {
    /// It is of an older connection, by its time stamp or its numbers.
    case old
    /// There was no room for it, and nothing else is wrong with it.
    case beyondWindow
    /// It is a FIN before octets that were acknowledged.
    case finBeforeText
}

/// What was thrown away on a connection since anything else came.
struct DiscardedRun {
    private static let most = 8
    /// The latest of them that have octets.
    fileprivate private(set) var segments: [(segment: Segment, time: Timestamp)] = []
    /// How many segments the connection had then: with more, one has come that belongs to it.
    fileprivate var packets: UInt32
    /// Why they were.
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

/// What a segment shows of something that was thrown away before it.
enum Disproof {
    /// These were taken, for they go on with what their sender sent before.
    case sameConnection([(segment: Segment, time: Timestamp)])
    /// It is of the next connection with the same ends, whose opening the capture lacks.
    case anotherConnection
}

/// The latest runs, by the place of the connection.
struct DiscardedSegments {
    /// So many connections at most have one: enough for those whose answer is still to come.
    private static let limit = 1024
    private var latest: [UInt32: DiscardedRun] = [:]

    init() {}

    /// Whether there is none, which is the rule.
    var isEmpty: Bool { latest.isEmpty }

    /// The one of the connection at this place.
    subscript(id: ConnectionID) -> DiscardedRun? { latest[id.slot] }

    /// A segment was thrown away, as the one of `packets` segments that came last.
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

    /// The connection at this place is another one, or gone.
    mutating func forget(_ id: ConnectionID) { if !latest.isEmpty { latest[id.slot] = nil } }
}

extension HotPart {
    /// How long an ACK may take, in nanoseconds: no timeout is longer (Linux's TCP_RTO_MAX).
    private static var longestTimeout: Int64 { 120 * Span.second }

    /// What `next`, at `time`, shows of what was thrown away before it; nil if nothing.
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

    /// Whose the segments are that looked old, if `next` acknowledges one of them.
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
                // What is captured in the wrong order at a connection's beginning is what the one before it ended with, ACKs too.
                && sentTime.since(firstTime) >= Self.lateness
        }
        guard isAcknowledged, let first = discarded.first else { return nil }
        let goesOn = mayGoOn(first.segment, own: peer) && mayGoOn(next, own: own)
        return goesOn ? .sameConnection(discarded) : .anotherConnection
    }

    /// Which of the segments that there was no room for are real all the same: text from where the sender of `next` goes on with it, or what
    /// `next` acknowledges. Of an ACK from behind a FIN, or far off, nobody knows whether it is for that.
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

    /// The FIN that `next`, sent after what that acknowledges, acknowledges and nothing behind it. Of a FIN that its receiver drops it would
    /// repeat the ACK of what came before (RFC 9293 3.10.7.4, first check), and older ACKs do not come that late.
    private func takenFin(
        of run: DiscardedRun, by next: Segment, at time: Timestamp
    ) -> (segment: Segment, time: Timestamp)? {
        run.sent(by: next.tuple.destination).last { segment, sentTime in
            next.acknowledgment == segment.sequenceEnd && next.sequence.isAtOrAfter(segment.acknowledgment)
                && time.since(sentTime) <= Self.longestTimeout
        }
    }

    /// Whether a number lies where this side has octets on their way, or just acknowledged.
    private mutating func isSent(_ number: SequenceNumber, by own: Int) -> Bool {
        // A keep-alive repeats the octet before SND.UNA.
        let oldest = endpoints[own].sendUnacknowledged.advanced(by: .max)
        return number.offset(from: oldest) <= endpoints[own].sendNext.offset(from: oldest)
    }

    /// Whether a segment begins there, or so little ahead that the capture may lack what lies between.
    private mutating func mayGoOn(_ segment: Segment, own: Int) -> Bool {
        guard endpoints[own].knowsSendSequence else { return false }
        return isSent(segment.sequence, by: own)
            || segment.sequence.isAfter(endpoints[own].sendNext) && !endpoints[own].isFarAhead(segment)
    }

    /// A segment that was thrown away comes again, to be taken in.
    mutating func uncount(_ segment: Segment) {
        let own = isOriginator(segment.tuple.source) ? 0 : 1
        sides[own].packets &-= 1
        sides[own].removeDatagram(segment.ipLength)
    }
}
