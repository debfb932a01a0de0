// Octets that were acknowledged though the capture does not have them: Zeek's content gaps, in a fixed space.

import TCPModel

/// The holes in what both sides sent, as far as nobody has acknowledged them yet.
///
/// Four at a time are followed: a host that lacks segments has them sent again, and one that has them acknowledges them
/// with its next segment, so that more are open at once only under heavy reordering. A fifth one counts for nothing.
struct ContentGaps: BitwiseCopyable, Sendable {
    private struct Hole: BitwiseCopyable {
        var start = SequenceNumber(0)
        /// In the upper 30 bits the length, which is below 2^30; then whether it was acknowledged and counted already; in
        /// the lowest whose hole it is: 1 = the responder's.
        private var lengthAndSide: UInt32 = 0

        init() {}

        init(_ start: SequenceNumber, length: UInt32, of side: Side, isCounted: Bool = false) {
            self.start = start
            lengthAndSide = length << 2 | (isCounted ? 2 : 0) | UInt32(side.rawValue)
        }

        var length: UInt32 { lengthAndSide >> 2 }
        /// Whether it was acknowledged already: it is kept only so that what still comes is not called a repetition.
        var isCounted: Bool { lengthAndSide & 2 != 0 }
        var end: SequenceNumber { start.advanced(by: length) }

        func isOpen(of side: Side) -> Bool { length > 0 && lengthAndSide & 1 == UInt32(side.rawValue) }
    }

    private var holes: InlineArray<4, Hole> = .init(repeating: Hole())
    /// Whether there was a fifth one, so that nobody knows what is still missing.
    private var hasOverflowed = false

    init() {}

    /// Whether there is none, which is the rule.
    var isEmpty: Bool { holes[0].length | holes[1].length | holes[2].length | holes[3].length == 0 }

    /// Whether all that `side` sent so far is in the capture.
    func hasAll(of side: Side) -> Bool {
        for index in holes.indices where holes[index].isOpen(of: side) { return false }
        return !hasOverflowed
    }

    /// Whether `sequence` lies in a hole of `side`: what comes from there is late, not repeated.
    func contains(_ sequence: SequenceNumber, of side: Side) -> Bool {
        if isEmpty { return false }
        for index in holes.indices where holes[index].isOpen(of: side) {
            if sequence.isWithin(holes[index].start, length: holes[index].length) { return true }
        }
        return false
    }

    /// Whether all from `start` to `end` lies in one hole of `side`.
    func covers(_ start: SequenceNumber, _ end: SequenceNumber, of side: Side) -> Bool {
        for index in holes.indices where holes[index].isOpen(of: side) {
            if holes[index].start.isAtOrBefore(start) && end.isAtOrBefore(holes[index].end) { return true }
        }
        return false
    }

    /// What `side` sent skips `length` octets from `start` on.
    mutating func open(_ start: SequenceNumber, length: UInt32, of side: Side, isCounted: Bool = false) {
        guard length > 0, length < SequenceNumber.furthestInFlight else { return }
        var place: Int?
        for index in holes.indices {
            if holes[index].length == 0 {
                place = index
                break
            }
            if holes[index].isCounted && place == nil { place = index }
        }
        guard let place else {
            hasOverflowed = true
            return
        }
        holes[place] = Hole(start, length: length, of: side, isCounted: isCounted)
    }

    /// `length` octets of `side` from `start` on came after all.
    mutating func fill(_ start: SequenceNumber, length: UInt32, of side: Side) {
        let end = start.advanced(by: length)
        for index in holes.indices where holes[index].isOpen(of: side) {
            let hole = holes[index]
            guard start.isBefore(hole.end), end.isAfter(hole.start) else { continue }
            let before: UInt32 = start.isAfter(hole.start) ? start.offset(from: hole.start) : 0
            let after: UInt32 = end.isBefore(hole.end) ? hole.end.offset(from: end) : 0
            holes[index] = Hole(hole.start, length: before, of: side, isCounted: hole.isCounted)
            open(end, length: after, of: side, isCounted: hole.isCounted)
        }
    }

    /// The peer of `side` has everything before `end`; returns how much of that the capture does not have.
    mutating func acknowledge(_ end: SequenceNumber, of side: Side) -> UInt32 {
        var missed: UInt32 = 0
        for index in holes.indices where holes[index].isOpen(of: side) && end.isAfter(holes[index].start) {
            let hole = holes[index]
            if hole.isCounted { continue }
            let part = min(end.offset(from: hole.start), hole.length)
            missed &+= part
            holes[index] = Hole(hole.start.advanced(by: part), length: hole.length - part, of: side)
        }
        return missed
    }
}
