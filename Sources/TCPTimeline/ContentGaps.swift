// Octets that were acknowledged but are missing from the capture: Zeek's content gaps, in a fixed space.

import TCPModel

/// The holes in what both sides sent that have not been acknowledged yet.
///
/// Four at a time are followed: a host that lacks segments has them retransmitted, and one that has them acknowledges
/// them with its next segment, so more are open at once only under heavy reordering. A fifth one is not counted.
struct ContentGaps: BitwiseCopyable, Sendable {
    private struct Hole: BitwiseCopyable {
        var start = SequenceNumber(0)
        /// The upper 30 bits hold the length, which is below 2^30; the next bit tells whether it was acknowledged and
        /// counted already, and the lowest whose hole it is: 1 = the responder's.
        private var lengthAndSide: UInt32 = 0

        init() {}

        init(_ start: SequenceNumber, length: UInt32, of side: Side, isCounted: Bool = false) {
            self.start = start
            lengthAndSide = length << 2 | (isCounted ? 2 : 0) | UInt32(side.rawValue)
        }

        var length: UInt32 { lengthAndSide >> 2 }
        /// Whether it was acknowledged already: it is kept only so that late octets are not called retransmissions.
        var isCounted: Bool { lengthAndSide & 2 != 0 }
        var end: SequenceNumber { start.advanced(by: length) }

        func isOpen(of side: Side) -> Bool { length > 0 && lengthAndSide & 1 == UInt32(side.rawValue) }
    }

    private var holes: InlineArray<4, Hole> = .init(repeating: Hole())
    /// Whether there was a fifth one, so that what is still missing is unknown.
    private var hasOverflowed = false

    init() {}

    /// Whether there is none, as is usual.
    var isEmpty: Bool { holes[0].length | holes[1].length | holes[2].length | holes[3].length == 0 }

    /// Whether the capture has everything that `side` has sent so far.
    func hasAll(of side: Side) -> Bool {
        for index in holes.indices where holes[index].isOpen(of: side) { return false }
        return !hasOverflowed
    }

    /// Whether `sequence` lies in a hole of `side`: a segment from there is late, not retransmitted.
    func contains(_ sequence: SequenceNumber, of side: Side) -> Bool {
        if isEmpty { return false }
        for index in holes.indices where holes[index].isOpen(of: side) {
            if sequence.isWithin(holes[index].start, length: holes[index].length) { return true }
        }
        return false
    }

    /// Whether everything from `start` to `end` lies in one hole of `side`.
    func covers(_ start: SequenceNumber, _ end: SequenceNumber, of side: Side) -> Bool {
        for index in holes.indices where holes[index].isOpen(of: side) {
            if holes[index].start.isAtOrBefore(start) && end.isAtOrBefore(holes[index].end) { return true }
        }
        return false
    }

    /// Notes that `side` skipped `length` octets from `start` on.
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

    /// Notes that `length` octets of `side` from `start` on came after all.
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

    /// The peer of `side` has everything before `end`; returns how many octets of that the capture lacks.
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
