// Remarks on a segment, based on what both endpoints knew before it: retransmission, keep-alive,
// duplicate ACK and so on.

import TCPMachine
import TCPModel

extension HotPart {
    // Some of these change nothing and are `mutating` all the same, so that the parts are read in place: otherwise
    // whole arrays would be copied, which costs more than all the rest.

    /// The notes on `segment`, sent by `side`, before either endpoint has taken it in. `isLate`:
    /// it is an opening that was captured after what follows it.
    mutating func notes(
        on segment: Segment, _ side: Side, _ rare: borrowing RarePart, isLate: Bool
    ) -> SegmentNotes {
        var notes: SegmentNotes = []
        let own = place(side)
        let flags = segment.flags
        let isPlain = !flags.hasAny(.synFinRst)
        if segment.window == 0 && isPlain && flags.has(.ack) { notes.insert(.zeroWindow) }
        // The RST that refused a SYN was captured before it.
        if isLate && !endpoints[own].knowsSendSequence { return .fillsHole }
        guard endpoints[own].knowsSendSequence, !flags.has(.rst) else { return notes }
        let next = endpoints[own].sendNext

        let isProbe =
            isPlain && segment.payloadLength <= 1 && segment.sequence == next.previous
            && endpoints[own].state != .synSent
        if isProbe, let probe = probe(segment, side) {
            notes.insert(probe)
            return notes
        }
        if segment.sequenceLength > 0 {
            if segment.sequence.isBefore(next) {
                // The first SYN-ACK of a simultaneous open repeats the SYN's number, but it is no retransmission.
                if isLate {
                    notes.insert(.fillsHole)
                } else if rare.gaps.contains(segment.sequence, of: side) {
                    notes.insert(.fillsHole)
                    // It repeats captured octets as well if it is segmented differently than before.
                    let end = segment.sequenceEnd.isBefore(next) ? segment.sequenceEnd : next
                    if !rare.gaps.covers(segment.sequence, end, of: side) { notes.insert(.retransmission) }
                } else if !isForeignSyn(segment, own) && (!flags.has([.syn, .ack]) || endpoints[own].hasSentSynAck) {
                    notes.insert(.retransmission)
                }
            } else if segment.sequence.isAfter(next) && !flags.has(.syn) {
                notes.insert(.hole)
            }
        } else if segment.isPureAck && sides[Int(side.rawValue)].hasPlainWindow
            && segment.acknowledgment == endpoints[own].acknowledged
        {
            noteRepeatedAck(segment, side, reportsMore: rare.sides[Int(side.rawValue)].reportsMore(segment), &notes)
        }
        return notes
    }

    /// Whether a SYN has another number than its sender, which is open: it repeats nothing.
    private mutating func isForeignSyn(_ segment: Segment, _ own: Int) -> Bool {
        guard segment.flags.has(.syn), endpoints[own].state != .synSent, endpoints[own].state != .synReceived else {
            return false
        }
        return endpoints[own].knowsInitialSequence && endpoints[own].iss != segment.sequence
    }

    /// Which probe a segment with the number just before SND.NXT is: of a closed window,
    /// or of a peer that has everything (RFC 9293 3.8.4). While an octet is in flight,
    /// it is that octet again, or an ACK that the FIN overtook: then nil.
    private mutating func probe(_ segment: Segment, _ side: Side) -> SegmentNotes? {
        let peer = Int(side.other.rawValue)
        if sides[peer].packets == 0 { return .keepAlive }
        if sides[peer].lastWindow == 0 { return .windowProbe }
        return segment.sequence.isBefore(endpoints[place(side)].sendUnacknowledged) ? .keepAlive : nil
    }

    /// Whether a new octet was a probe of a closed window (RFC 9293 3.8.6.1; BSD, Windows and lwIP probe like that).
    /// Called after both endpoints have taken it in, perhaps on a fast path, which makes no notes.
    mutating func isProbeWithText(_ segment: Segment, _ side: Side, _ notes: SegmentNotes) -> Bool {
        let peer = Int(side.other.rawValue)
        return segment.payloadLength == 1 && sides[peer].lastWindow == 0 && sides[peer].packets > 0
            && !segment.flags.hasAny(.synFinRst)
            && notes.isDisjoint(with: [.retransmission, .fillsHole, .hole, .duplicateFrame, .badChecksum, .incomplete])
            && segment.sequenceEnd == endpoints[place(side)].sendNext
    }

    private mutating func noteRepeatedAck(
        _ segment: Segment, _ side: Side, reportsMore: Bool, _ notes: inout SegmentNotes
    ) {
        let own = place(side)
        let peer = place(side.other)
        guard segment.sequence == endpoints[own].sendNext, endpoints[own].state != .synReceived,
            !segment.isMultipathSignal
        else { return }
        // With new SACK blocks it is a duplicate ACK whatever its window is (RFC 6675 2):
        // Linux's window grows with what waits behind a hole.
        if segment.window != sides[Int(side.rawValue)].lastWindow && !reportsMore {
            notes.insert(.windowUpdate)
        } else if segment.window != 0, endpoints[peer].knowsSendSequence,
            endpoints[peer].sendNext.isAfter(segment.acknowledgment)
        {
            // An ACK with a closed window answers a probe: nothing is missing.
            notes.insert(.duplicateAck)
        } else {
            notes.insert(.probeAck)
        }
    }
}

extension Segment {
    /// Whether MPTCP signals anything in it besides where octets belong (DSS):
    /// then a repeated ACK is not a duplicate ACK (RFC 8684 3).
    fileprivate var isMultipathSignal: Bool {
        options.multipathSubtypes & ~(1 << UInt16(MultipathSubtype.dataSequence.rawValue)) != 0
    }
}

/// What an endpoint knew before a segment, as far as counters and letters need it.
struct EndpointBefore {
    let sendNext: SequenceNumber
    let iss: SequenceNumber
    let state: TCPState
    let knowsSendSequence: Bool
    let knowsInitialSequence: Bool
    let hasSentFin: Bool

    @inline(__always) init(_ endpoint: borrowing EndpointMachine) {
        sendNext = endpoint.sendNext
        iss = endpoint.iss
        state = endpoint.state
        knowsSendSequence = endpoint.knowsSendSequence
        knowsInitialSequence = endpoint.knowsInitialSequence
        hasSentFin = endpoint.hasSentFin
    }
}
