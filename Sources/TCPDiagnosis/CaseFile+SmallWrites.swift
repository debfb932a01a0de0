// Detects small segments that waited for the ACK of the previous one: Nagle's algorithm held them back at the sender
// (RFC 9293 3.7.4) while the receiver, which had nothing to send yet, delayed its ACK (RFC 9293 3.8.6.3).

import TCPModel
import TCPTimeline

/// What a side's small segments waited for.
struct SmallWrites: BitwiseCopyable {
    /// Smaller segments are not full-sized on any usual link; where the MSS is below this, it takes its place.
    static let small: UInt32 = 1200
    /// A segment released by an ACK follows it within this time, in nanoseconds: the kernel sends it, not the program.
    static let atOnce = 500 * Span.microsecond

    /// The end of the latest segment with text, relative to the side's first number; `isPending` tells whether that
    /// segment was small.
    fileprivate var end: UInt32 = 0
    fileprivate var isPending = false
    fileprivate var sentTime = Timestamp(nanoseconds: 0)
    /// When that segment was acknowledged after a delay, and the delay in nanoseconds; 0 if its ACK was not delayed.
    fileprivate var ackTime = Timestamp(nanoseconds: 0)
    fileprivate var delay: Int64 = 0

    /// The number of segments that waited for a delayed ACK, and their total wait in nanoseconds.
    var count: UInt32 = 0
    var total: Int64 = 0
    /// The number of small segments after a delayed ACK that were not released by it.
    var others: UInt32 = 0
    /// The first segment that waited.
    var first = Sighting()
}

extension CaseFile {
    /// Follows small segments of each side until they are acknowledged.
    mutating func noteSmallWrites(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let segment = event.segment
        // If the opening was not captured, there is no telling how long an ACK may take.
        guard handshake.isKnown else { return }
        guard segment.payloadLength > 0 else { return noteAck(event, of: peer) }
        let before = records[own].smallWrites
        let isNew = event.notes.isDisjoint(with: [.retransmission, .keepAlive, .windowProbe])
        let isSmall = segment.payloadLength < min(SmallWrites.small, handshake.fullSegment(to: event.sender.other))
        let way = handshake.part(of: event.sender)
        if isNew, isSmall, before.delay > 0, event.relativeSequence == before.end {
            // The ACK must reach the sender, and the segment it releases must come back here; a segment that arrives
            // sooner was not released by it. A very short round trip proves nothing, as most of it was the handshake's
            // own processing.
            let wait = event.time.since(before.ackTime)
            let soonest = way > SmallWrites.atOnce ? way - way / 4 : 0
            if wait <= SmallWrites.atOnce + way + way / 4 && wait >= soonest {
                records[own].smallWrites.count &+= 1
                records[own].smallWrites.total &+= before.delay
                records[own].smallWrites.first.note(sighting)
            } else {
                records[own].smallWrites.others &+= 1
            }
        }
        records[own].smallWrites.delay = 0
        records[own].smallWrites.isPending = isNew && isSmall
        records[own].smallWrites.end = event.relativeSequence &+ segment.payloadLength
        records[own].smallWrites.sentTime = event.time
        // A segment with text acknowledges at once.
        records[peer].smallWrites.isPending = false
        records[peer].smallWrites.delay = 0
    }

    /// Handles a segment without text: only a bare ACK can be a delayed one. Anything else ends the wait, except for a
    /// window update.
    private mutating func noteAck(_ event: SegmentEvent, of peer: Int) {
        let isOfAll = records[peer].smallWrites.isPending && event.relativeAck == records[peer].smallWrites.end
        if !isOfAll && event.notes == .windowUpdate { return }
        let isBare =
            !event.segment.flags.hasAny(.synFinRst) && event.notes.isDisjoint(with: [.keepAlive, .windowProbe])
        let delay = event.time.since(records[peer].smallWrites.sentTime)
        let isDelayed = isBare && isOfAll && handshake.isDelayedAck(after: delay, by: event.sender)
        records[peer].smallWrites.delay = isDelayed ? delay : 0
        records[peer].smallWrites.ackTime = event.time
        if isOfAll { records[peer].smallWrites.isPending = false }
    }
}
