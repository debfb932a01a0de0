// How long a simulated TCP waits before it retransmits (RFC 6298), or sends a tail loss probe (RFC 8985 7).

import TCPModel

/// Round trips measured by one end, and the segment being timed; in microseconds.
struct SimulatedClocking {
    /// Linux's TCP_RTO_MIN, the minimum for four times the variation.
    private static let leastVariation: Int64 = 200_000

    private var smoothed: Int64?
    private var variation: Int64 = 0
    /// The segment being timed: at most one at a time, and none that was sent twice (Karn's algorithm).
    var timed: (end: SequenceNumber, time: Int64)?
    /// The latest segment with new numbers.
    private(set) var last: (start: SequenceNumber, end: SequenceNumber)?
    /// The end of an unacknowledged probe, of which there is at most one at a time.
    var probedEnd: SequenceNumber?

    /// The retransmission timeout (RFC 6298 2.1, 2.3).
    var timeout: Int64 {
        guard let smoothed else { return 1_000_000 }
        return smoothed + max(Self.leastVariation, 4 * variation)
    }

    /// The probe timeout (RFC 8985 7.2), with Linux's allowance for a delayed ACK if one segment is in flight, and for
    /// its clock's resolution.
    func probeTimeout(isAlone: Bool) -> Int64 {
        guard let smoothed else { return timeout }
        return min(timeout, 2 * smoothed + (isAlone ? Self.leastVariation : 2000))
    }

    mutating func note(_ start: SequenceNumber, _ end: SequenceNumber, isNew: Bool, _ now: Int64) {
        guard isNew else {
            timed = nil
            return
        }
        last = (start, end)
        if timed == nil { timed = (end, now) }
    }

    mutating func acknowledge(_ number: SequenceNumber, _ now: Int64) {
        if let end = probedEnd, end.isAtOrBefore(number) { probedEnd = nil }
        guard let (end, time) = timed, end.isAtOrBefore(number) else { return }
        timed = nil
        let sample = now - time
        guard let old = smoothed else {
            (smoothed, variation) = (sample, sample / 2)
            return
        }
        variation = (3 * variation + abs(old - sample)) / 4
        smoothed = (7 * old + sample) / 8
    }
}

extension SimulatedEndpoint {
    /// Whether a tail loss probe may come before the retransmission timeout: nothing hints at a loss yet.
    var mayProbeTail: Bool {
        guard host.probesTail, unacknowledged.isAfter(iss), state != .synSent, state != .synReceived else {
            return false
        }
        guard let last = clocking.last, last.end == highest, sendEdge.isAfter(unacknowledged) else { return false }
        return clocking.probedEnd == nil && duplicateAcks == 0 && !hasTimedOut
    }

    var probeTimeout: Int64 { clocking.probeTimeout(isAlone: clocking.last?.start == unacknowledged) }

    mutating func probeTail() {
        guard let last = clocking.last else { return }
        clocking.probedEnd = last.end
        clocking.timed = nil
        let hasFin = ownFin?.advanced(by: 1) == last.end
        let length = last.end.offset(from: last.start) - (hasFin ? 1 : 0)
        send(hasFin ? (length > 0 ? [.ack, .psh, .fin] : [.ack, .fin]) : [.ack, .psh], last.start, length)
        mark(.tailLossProbe)
    }
}
