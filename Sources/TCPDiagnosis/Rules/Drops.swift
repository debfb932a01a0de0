// Segments that this host's own kernel threw away, where no other rule tells what came of that.

import TCPModel
import TCPTimeline

extension Rule {
    /// A firewall's rule, a filter, a lack of memory: the wire shows at most that an answer is missing. On their way out segments
    /// are not even captured.
    static let segmentsDropped = Rule(.segmentsDropped) { c in
        guard c.found.isDisjoint(with: Circumstances.tellDrops), c.connection.openDelay >= 0 else { return nil }
        for side in [Side.originator, .responder] {
            guard let trace = c.trace(side), trace.drops > 0, let reason = trace.dropReason,
                reason.text != "TCP_LISTEN_OVERFLOW", knownMeaning(of: reason) != nil,
                c.isOver || c.since(c.file[side.other].last) >= Circumstances.patience
            else { continue }
            let octets = c.inFlight(side.other)
            // What was dropped before the capture has no frame: the last one that has may be an older one, which arrived.
            let last = c.file[side.other].last
            return Verdict(
                side: side,
                message:
                    "this host's kernel dropped \(counted(trace.drops, "segment")) for \(c.name(side)): \(dropMeaning(reason))"
                    + (octets > 0
                        ? "; \(counted(octets, "octet")) of \(c.name(side.other)) \(verb(octets, "waits", "wait")) to be acknowledged"
                        : ""),
                frames: trace.isDropped(capturedAt: last.time) ? [last] : [],
                evidence: c.dropEvidence(side) + c.inFlightEvidence(side.other))
        }
        return nil
    }
}

extension Circumstances {
    /// The findings that say themselves what the kernel dropped, or follow from it.
    fileprivate static let tellDrops: Set<FindingCode> = [
        .refused, .synUnanswered, .synAckLost, .acceptQueueFull, .retransmission, .spuriousRetransmission,
        .tailLossProbe, .middlebox,
        .silentClose, .stateMismatch, .keepaliveDead, .mtuBlackHole, .halfOpenPeer,
    ]
}
