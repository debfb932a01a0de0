// An IP packet in the making: which octets have come, and the first of them.

/// One packet whose fragments are being gathered.
///
/// Only the start of its payload is kept, for headers are all that the decoder reads, unless somebody asks for the text. Lengths come
/// from the IP headers, so that a packet is complete when its fragments are, whatever the snapshot length left of them.
struct Datagram {
    /// What a fragment did to it.
    enum Outcome {
        /// Taken in, or known already.
        case waiting
        /// Nothing is missing.
        case complete
        /// It can no longer become a packet; all its fragments are ignored from now on.
        case discarded
        /// A fragment that no packet can have; it is ignored.
        case invalid
    }

    /// Octets of the payload's start that the decoder reads: two tunnels with full headers.
    static let decodedLength = 512
    /// The most pieces with holes between them; a sender's fragments come nearly in order.
    static let mostRuns = 64
    /// The most that an IP length can say; IPv6's leaves its fixed header of 40 octets out.
    static let mostOctets = 65_535

    /// When its first fragment came, in nanoseconds of the capture's clock.
    let started: Int64
    /// Tells it from others of the same key before and after it.
    let serial: UInt64
    /// The fragment with offset 0.
    private(set) var first: Fragment?
    /// When and in which frame it came.
    private(set) var firstTime: Int64 = 0
    private(set) var firstFrame: UInt64 = 0
    /// Octets of the payload; nil until the last fragment came.
    private(set) var total: Int?
    /// Whether fragments overlapped.
    private(set) var hasOverlap = false
    private(set) var isDiscarded = false
    /// What has come, in order and with holes between.
    private var runs: [Range<Int>] = []
    /// The payload's start.
    private(set) var kept: [UInt8] = []
    /// What of it was captured, in order and with holes between.
    private var captured: [Range<Int>] = []
    /// Octets of it that are kept at most.
    private let mostKept: Int

    init(started: Int64, serial: UInt64, keepsText: Bool) {
        self.started = started
        self.serial = serial
        mostKept = keepsText ? Self.mostOctets : Self.decodedLength
    }

    /// Octets at the start of the payload that can be read.
    var readable: Int {
        guard let first = captured.first, first.lowerBound == 0 else { return 0 }
        return min(total ?? .max, first.upperBound)
    }

    /// Takes in a fragment; `bytes` is the frame that it is in, `time` and `number` are that frame's.
    mutating func take(_ fragment: Fragment, _ bytes: RawSpan, at time: Int64, frame number: UInt64) -> Outcome {
        if isDiscarded { return .waiting }
        var length = fragment.length
        if fragment.hasMore, length % 8 != 0 {
            // RFC 8200 4.5: the fragment is discarded. RFC 791 has no rule; hosts leave the rest out.
            guard fragment.isIPv4 else { return .invalid }
            length &= ~7
        }
        let end = fragment.offset + length
        guard end + fragment.headerLength <= Self.mostOctets + (fragment.isIPv4 ? 0 : 40),
            length > 0 || !fragment.hasMore
        else {
            return .invalid
        }
        if let total {
            if end > total || !fragment.hasMore && end != total { return discard() }
        } else if !fragment.hasMore {
            if let last = runs.last, last.upperBound > end { return discard() }
            total = end
        }
        let missing = missingParts(of: fragment.offset..<end)
        let isNew = missing.count == 1 && missing[0] == fragment.offset..<end
        if !isNew && !(missing.isEmpty && isOneRun(fragment.offset..<end)) {
            // What is there already came first, and stays. RFC 5722 4, RFC 8200 4.5: in IPv6 all of the packet goes.
            hasOverlap = true
            if !fragment.isIPv4 { return discard() }
        }
        if fragment.offset == 0, first == nil {
            first = fragment
            firstTime = time
            firstFrame = number
        }
        for part in missing {
            keep(part, of: fragment, bytes)
            Self.insert(part, into: &runs)
        }
        guard runs.count <= Self.mostRuns else { return discard() }
        guard let total, first != nil else { return .waiting }
        return total == 0 || runs.count == 1 && runs[0] == 0..<total ? .complete : .waiting
    }

    private mutating func discard() -> Outcome {
        isDiscarded = true
        runs = []
        return .discarded
    }

    /// Nothing more is read of it.
    mutating func forgetOctets() { kept = [] }

    /// Whether all of `range` has come in one piece or several that touch.
    private func isOneRun(_ range: Range<Int>) -> Bool {
        range.isEmpty || runs.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
    }

    /// The parts of `range` that have not come yet.
    private func missingParts(of range: Range<Int>) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var at = range.lowerBound
        for run in runs where run.upperBound > at && run.lowerBound < range.upperBound {
            if run.lowerBound > at { parts.append(at..<run.lowerBound) }
            at = run.upperBound
        }
        if at < range.upperBound { parts.append(at..<range.upperBound) }
        return parts
    }

    /// Adds a part that was missing; parts that touch become one.
    private static func insert(_ part: Range<Int>, into runs: inout [Range<Int>]) {
        var place = runs.firstIndex { $0.lowerBound >= part.upperBound } ?? runs.count
        var part = part
        if place < runs.count, runs[place].lowerBound == part.upperBound {
            part = part.lowerBound..<runs[place].upperBound
            runs.remove(at: place)
        }
        if place > 0, runs[place - 1].upperBound == part.lowerBound {
            place -= 1
            part = runs[place].lowerBound..<part.upperBound
            runs.remove(at: place)
        }
        runs.insert(part, at: place)
    }

    /// Copies what was captured of a part, as far as it is kept.
    private mutating func keep(_ part: Range<Int>, of fragment: Fragment, _ bytes: RawSpan) {
        let end = min(part.upperBound, fragment.offset + fragment.captured, mostKept)
        // With more holes than a packet may have, something is wrong with the capture, too.
        guard end > part.lowerBound, captured.count <= Self.mostRuns else { return }
        if kept.count < end { kept += [UInt8](repeating: 0, count: max(end, Self.decodedLength) - kept.count) }
        for at in part.lowerBound..<end { kept[at] = bytes.octet(fragment.start + at - fragment.offset) }
        Self.insert(part.lowerBound..<end, into: &captured)
    }
}
