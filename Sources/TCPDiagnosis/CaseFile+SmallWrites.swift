// Small segments that waited until the one before was acknowledged: Nagle's algorithm at the sender (RFC 9293 3.7.4), and an ACK that
// the receiver delayed because it had nothing to answer yet (RFC 9293 3.8.6.3).

import TCPModel
import TCPTimeline

/// What a side's small segments waited for.
struct SmallWrites: BitwiseCopyable {
    /// What is smaller is not full on any usual link; on one with a smaller MSS, what is smaller than that.
    static let small: UInt32 = 1200
    /// What an ACK lets go follows it at once, in nanoseconds: its sender's kernel sends it, not the program.
    static let atOnce = 500 * Span.microsecond

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
    /// How many came after a delayed ACK, and were not let go by it.
    var others: UInt32 = 0
    /// The first one that waited.
    var first = Sighting()
}

extension CaseFile {
    /// Follows small segments of each side until they are acknowledged.
    mutating func noteSmallWrites(_ event: SegmentEvent, _ sighting: Sighting) {
        let (own, peer) = event.places
        let segment = event.segment
        // Of a connection whose opening was not captured nobody knows how long an ACK may take.
        guard handshake.isKnown else { return }
        guard segment.payloadLength > 0 else { return noteAck(event, of: peer) }
        let before = records[own].smallWrites
        let isNew = event.notes.isDisjoint(with: [.retransmission, .keepAlive, .windowProbe])
        let isSmall = segment.payloadLength < min(SmallWrites.small, handshake.fullSegment(to: event.sender.other))
        let way = handshake.part(of: event.sender)
        if isNew, isSmall, before.delay > 0, event.relativeSequence == before.end {
            // The ACK has to get there, and what it lets go back here: what comes sooner it did not let go. A short way says nothing:
            // most of it was the handshake's own work.
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
        // With text of its own it acknowledges at once.
        records[peer].smallWrites.isPending = false
        records[peer].smallWrites.delay = 0
    }

    /// A segment without text: only an ACK with nothing else to say was delayed. Whatever else comes is another story, but for an update
    /// of the window.
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
