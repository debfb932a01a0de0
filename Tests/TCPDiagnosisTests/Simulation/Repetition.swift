// What a simulated endpoint retransmitted, and whether that was needed.

import TCPModel

@testable import Simulator

/// A segment with sequence numbers that its side had sent before.
struct Repetition {
    let segment: SimulatedSegment
    /// Whether the peer lacked some of it, so that it was not needless.
    let isNeeded: Bool
    /// Whether some of the earlier transmission had not arrived.
    let isLost: Bool
    let isCaptured: Bool
    /// Whether some of it, or a later segment, was captured earlier; otherwise it looks like new text.
    let isRecognizable: Bool

    var number: Int { segment.number }
    var isSyn: Bool { segment.flags.has(.syn) }

    /// All retransmissions of one side, in the order in which they were sent.
    static func all(_ truth: SimulatedTruth, _ side: Int) -> [Repetition] {
        guard let end = truth.ends[side] else { return [] }
        let stream = Stream(start: end.iss)
        let peer = truth.ends[1 - side]
        let sent = truth.sent.filter { $0.sender == side && $0.isTextOrControl }.map { $0.segment }
        let captured = truth.captured.filter { $0.sender == side && $0.isTextOrControl }.map { $0.segment }
        var all: [Repetition] = []
        for (place, segment) in sent.enumerated() {
            let own = stream.range(segment)
            let before = sent[..<place].filter { stream.range($0).overlaps(own) }
            // A SYN-ACK after the side's own SYN is the other half of a simultaneous open.
            let isAnswer = segment.flags.has([.syn, .ack]) && !before.contains { $0.flags.has([.syn, .ack]) }
            guard !before.isEmpty, !isAnswer else { continue }
            // An octet that probes a closed window is not lost if the window stays closed.
            let known = before.filter { $0.cause != .windowProbe }.map { stream.range($0).clamped(to: own) }
            let first = captured.firstIndex { $0.number == segment.number }
            all.append(
                Repetition(
                    segment: segment,
                    isNeeded: stream.isLacking([own], peer?.taken ?? [], before: segment.number),
                    isLost: stream.isLacking(known, peer?.heard ?? [], before: segment.number),
                    isCaptured: first != nil,
                    isRecognizable: captured[..<(first ?? 0)].contains {
                        stream.range($0).upperBound > own.lowerBound
                    }))
        }
        return all
    }
}

/// The sequence numbers of one side, as offsets from its SYN.
private struct Stream {
    let start: SequenceNumber

    func range(_ segment: SimulatedSegment) -> Range<Int64> { range(segment.sequence, segment.end) }

    private func range(_ first: SequenceNumber, _ last: SequenceNumber) -> Range<Int64> {
        let lower = Int64(first.distance(from: start))
        return lower..<max(lower, Int64(last.distance(from: start)))
    }

    /// Whether `numbers` are not fully covered by the pieces of segments sent before `number`.
    func isLacking(_ numbers: [Range<Int64>], _ pieces: [SimulatedPiece], before number: Int) -> Bool {
        var lacking = numbers
        for piece in pieces where piece.number < number {
            let had = range(piece.start, piece.end)
            lacking = lacking.flatMap { rest -> [Range<Int64>] in
                guard rest.overlaps(had) else { return [rest] }
                return [
                    rest.lowerBound..<max(rest.lowerBound, had.lowerBound),
                    min(rest.upperBound, had.upperBound)..<rest.upperBound,
                ].filter { !$0.isEmpty }
            }
        }
        return lacking.contains { !$0.isEmpty }
    }
}

extension Simulation.Captured {
    /// Whether its apparent sender sent it, and it takes sequence numbers but is not a probe.
    fileprivate var isTextOrControl: Bool {
        forgery == nil && !segment.flags.has(.rst) && !segment.isProbe && segment.end != segment.sequence
    }
}
