// SYNs inside a connection that may have opened another one after all, and the evidence that they did.
//
// An open endpoint challenges a SYN with a new number and changes nothing (RFC 5961 4), so such a SYN is attributed to
// the existing connection. But the capture may lack that connection's end (frames were lost, or a crash left no
// segment). Then the SYN is answered, or its sender continues from it, which shows that the old connection had gone.

import TCPMachine
import TCPModel

/// A SYN or SYN-ACK with a new number inside a connection, and the connection as it was before that.
struct ChallengedOpening: BitwiseCopyable {
    let segment: Segment
    let time: Timestamp
    /// When it was last sent, and how often it was retransmitted.
    private(set) var latestTime: Timestamp
    private(set) var repeats: UInt32 = 0
    /// How many copies of its sender's older text have come since, if copies are taken for segments.
    fileprivate var copies: UInt32 = 0
    fileprivate let before: HotPart

    init(_ segment: Segment, time: Timestamp, before: HotPart) {
        self.segment = segment
        self.time = time
        latestTime = time
        self.before = before
    }

    fileprivate func isSentAgain(by next: Segment) -> Bool {
        segment.sequence == next.sequence && segment.tuple == next.tuple && segment.flags == next.flags
    }

    fileprivate mutating func noteAgain(at time: Timestamp) {
        latestTime = time
        // Each is taken in again if this turns out to be another connection's opening;
        // no host retransmits it that often.
        if repeats < 64 { repeats += 1 }
    }

    /// Whether `next` continues from this opening: the answer that acknowledges it, or the sender's own continuation.
    /// For a SYN-ACK, only the peer's continuation counts.
    fileprivate func isFollowed(by next: Segment) -> Bool {
        guard !next.flags.has(.rst) else { return false }
        let isSameSender = next.tuple.source == segment.tuple.source
        // A SYN may carry text that is not accepted (RFC 7413 4.2.2).
        let end = segment.sequence.advanced(by: 1)
        if segment.flags.has(.ack) {
            return !isSameSender && !next.flags.has(.syn) && next.flags.has(.ack)
                && next.acknowledgment.isWithin(end, length: segment.sequenceLength)
                && next.sequence == segment.acknowledgment
        }
        if isSameSender {
            return !next.flags.has(.syn) && next.flags.has(.ack)
                && next.sequence.isWithin(end, length: segment.sequenceLength)
        }
        return next.flags.has([.syn, .ack]) && next.acknowledgment.isWithin(end, length: segment.sequenceLength)
    }
}

/// The latest such opening of each connection, by the connection's place.
struct ChallengedOpenings {
    /// The most connections that have one: enough for those whose answer is still to come.
    private static let limit = 1024
    private var latest: [UInt32: ChallengedOpening] = [:]

    init() {}

    /// Whether there is none, as is usual.
    var isEmpty: Bool { latest.isEmpty }

    /// The opening inside the connection at this place.
    subscript(id: ConnectionID) -> ChallengedOpening? { latest[id.slot] }

    /// Remembers an opening, or that it was retransmitted.
    mutating func note(_ segment: Segment, time: Timestamp, before: HotPart, at id: ConnectionID) {
        if latest[id.slot]?.isSentAgain(by: segment) == true {
            latest[id.slot]?.noteAgain(at: time)
            return
        }
        if latest.count >= Self.limit { latest.removeAll(keepingCapacity: true) }
        latest[id.slot] = ChallengedOpening(segment, time: time, before: before)
    }

    /// Text that was sent before the opening has come once more.
    mutating func noteCopy(_ segment: Segment, at id: ConnectionID) {
        if latest[id.slot]?.segment.tuple == segment.tuple { latest[id.slot]?.copies &+= 1 }
    }

    /// The place has another connection now, or none.
    mutating func forget(_ id: ConnectionID) { if !latest.isEmpty { latest[id.slot] = nil } }
}

extension HotPart {
    /// Whether one side has just sent an opening with another number than its own, and has not adopted that. If the
    /// peer was waiting for an answer `before`, it takes the opening for one, even a forged one.
    func isChallenged(_ segment: Segment, own: Int, _ before: borrowing HotPart) -> Bool {
        if before.endpoints[1 - own].state == .synSent { return false }
        return segment.flags.has(.syn) && !segment.flags.hasAny([.fin, .rst])
            && segment.remarks.isDisjoint(with: .dropped)
            && endpoints[own].knowsSendSequence && endpoints[own].iss != segment.sequence
    }

    /// Whether `next`, at `time`, shows that this connection had gone when the opening was sent.
    ///
    /// The opening may be forged, to take the connection from its owners. A SYN-ACK that acknowledges it is an answer,
    /// whatever came in between, as long as SYNs are retransmitted. Any other continuation proves nothing if it fits
    /// this connection, too, or if anything of this connection has come since: then it lives.
    func isDisproved(by next: Segment, at time: Timestamp, after opening: ChallengedOpening) -> Bool {
        guard opening.isFollowed(by: next), time.since(opening.latestTime) <= Silence.opening else { return false }
        if next.flags.has(.syn) { return true }
        guard packets == opening.before.packets &+ 1 &+ opening.repeats &+ opening.copies else { return false }
        let opener = isOriginator(opening.segment.tuple.source) ? 0 : 1
        let number = next.tuple.source == opening.segment.tuple.source ? next.sequence : next.acknowledgment
        // A keep-alive repeats the octet before SND.UNA.
        let oldest = endpoints[opener].sendUnacknowledged.previous
        return number.offset(from: oldest) > endpoints[opener].sendNext.offset(from: oldest)
    }

    /// Whether this segment repeats text that its sender has sent before, and acknowledges nothing new.
    /// (A bare ACK may be the challenge.)
    func repeatsOlder(_ segment: Segment, own: Int) -> Bool {
        segment.payloadLength > 0 && segment.flags.has(.ack) && !segment.flags.hasAny([.syn, .rst])
            && endpoints[own].knowsSendSequence
            && segment.sequenceEnd.isAtOrBefore(endpoints[own].sendNext)
            && segment.acknowledgment.isAtOrBefore(endpoints[own].acknowledged)
    }

    /// The number of segments from both sides.
    var packets: UInt32 { sides[0].packets &+ sides[1].packets }

    /// An opening that was attributed to this connection belongs to another one. Restores this connection as it was
    /// before, except for what others have noted about it and its endpoints, which a challenged SYN does not change. If
    /// anything else has come since, only the opening's segments are subtracted.
    mutating func takeBack(_ opening: ChallengedOpening) {
        let count = opening.repeats &+ 1
        if packets == opening.before.packets &+ count {
            let now = self
            self = opening.before
            (number, rarePlace, endpoints) = (now.number, now.rarePlace, now.endpoints)
            facts.formUnion(now.facts.intersection([.queued, .reported, .needsGeneralPath]))
        } else {
            let own = isOriginator(opening.segment.tuple.source) ? 0 : 1
            sides[own].packets &-= count
            for _ in 0..<count { sides[own].removeDatagram(opening.segment.ipLength) }
        }
    }
}
