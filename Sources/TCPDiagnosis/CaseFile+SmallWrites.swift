// Small segments that waited until the one before was acknowledged: Nagle's algorithm at the sender (RFC 9293 3.7.4), and an ACK that
// the receiver delayed because it had nothing to answer yet (RFC 9293 3.8.6.3).

import TCPModel
import TCPTimeline

/// What a side's small segments waited for.
struct SmallWrites: BitwiseCopyable {
    /// Smaller ones are not full on any usual link.
    static let small: UInt32 = 1200
    /// An ACK that takes so long is delayed, in nanoseconds: Linux delays by 40 ms and more.
    static let leastDelay = 30 * Span.millisecond
    /// What an ACK lets go follows it at once, in nanoseconds.
    static let atOnce = 2 * Span.millisecond

    /// The latest segment with text, if it was small: the number behind its last octet, relative to the side's first.
    fileprivate var end: UInt32 = 0
    fileprivate var isPending = false
    fileprivate var sentTime = Timestamp(nanoseconds: 0)
    /// When all of it was acknowledged after a delay, and how long that took; 0 nanoseconds: it was not.
    fileprivate var ackTime = Timestamp(nanoseconds: 0)
    fileprivate var delay: Int64 = 0

    /// How many segments waited so, and how long all together, in nanoseconds.
    var count: UInt32 = 0
    var total: Int64 = 0
    /// The first one.
    var first = Sighting()
}

extension CaseFile {
    /// Follows small segments of each side until they are acknowledged.
    mutating func noteSmallWrites(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let segment = event.segment
        if handshakeTime == 0, event.sender == .originator, !segment.flags.has(.syn), records[own].lastSyn.isSeen {
            handshakeTime = event.time.since(records[own].lastSyn.time)
        }
        guard segment.payloadLength > 0 else {
            // Only an ACK with nothing else to say was delayed. Whatever else comes is another story.
            let isBare = !segment.flags.hasAny(.synFinRst) && event.notes.isDisjoint(with: [.keepAlive, .windowProbe])
            let isOfAll = records[peer].smallWrites.isPending && event.relativeAck == records[peer].smallWrites.end
            let delay = event.time.since(records[peer].smallWrites.sentTime)
            // On a long way every ACK takes so long.
            let isDelayed = isBare && isOfAll && delay >= max(SmallWrites.leastDelay, handshakeTime &* 2)
            records[peer].smallWrites.delay = isDelayed ? delay : 0
            records[peer].smallWrites.ackTime = event.time
            if isOfAll { records[peer].smallWrites.isPending = false }
            return
        }
        let before = records[own].smallWrites
        let isNew = event.notes.isDisjoint(with: [.retransmission, .keepAlive, .windowProbe])
        if isNew, before.delay > 0, event.time.since(before.ackTime) <= SmallWrites.atOnce,
            event.relativeSequence == before.end
        {
            records[own].smallWrites.count &+= 1
            records[own].smallWrites.total &+= before.delay
            records[own].smallWrites.first.note(sighting)
        }
        records[own].smallWrites.delay = 0
        records[own].smallWrites.isPending = isNew && segment.payloadLength < SmallWrites.small
        records[own].smallWrites.end = event.relativeSequence &+ segment.payloadLength
        records[own].smallWrites.sentTime = event.time
        // With text of its own it acknowledges at once.
        records[peer].smallWrites.isPending = false
        records[peer].smallWrites.delay = 0
    }
}
