// Segments that this host's own kernel dropped, where no other rule reports the consequences.

import TCPModel
import TCPTimeline

extension Rule {
    /// The cause may be a firewall rule, a filter, or a lack of memory. On the wire, at most a missing answer shows;
    /// segments dropped on their way out are not even captured.
    static let segmentsDropped = Rule(.segmentsDropped) { c in
        guard c.found.isDisjoint(with: Circumstances.tellDrops), c.connection.openDelay >= 0 else { return nil }
        for side in [Side.originator, .responder] {
            guard let trace = c.trace(side), trace.drops > 0, let reason = trace.dropReason,
                reason.text != "TCP_LISTEN_OVERFLOW", knownMeaning(of: reason) != nil,
                c.isOver || c.since(c.file[side.other].last) >= Circumstances.patience
            else { continue }
            let octets = c.inFlight(side.other)
            // A segment dropped before the capture has no frame, and the last captured segment may be an older one that
            // arrived.
            let last = c.file[side.other].last
            return Verdict(
                side: side,
                message:
                    "this host's kernel dropped \(counted(trace.drops, "segment")) for \(c.name(side)): \(dropMeaning(reason))"
                    + (octets > 0
                        ? "; \(counted(octets, "octet")) from \(c.name(side.other)) \(verb(octets, "is", "are")) still unacknowledged"
                        : ""),
                frames: trace.isDropped(capturedAt: last.time) ? [last] : [],
                evidence: c.dropEvidence(side) + c.inFlightEvidence(side.other))
        }
        return nil
    }
}

extension Circumstances {
    /// The findings that report the kernel's drops themselves, or follow from them.
    fileprivate static let tellDrops: Set<FindingCode> = [
        .refused, .synUnanswered, .synAckLost, .acceptQueueFull, .retransmission, .spuriousRetransmission,
        .tailLossProbe, .middlebox,
        .silentClose, .stateMismatch, .keepaliveDead, .mtuBlackHole, .halfOpenPeer,
    ]
}
