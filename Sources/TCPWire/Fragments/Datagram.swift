// A partly received IP packet: which octets have arrived, and the first of them.

/// One packet whose fragments are being collected.
///
/// Only the start of its payload is kept, since the decoder reads only headers, unless the text is wanted. Lengths come
/// from the IP headers, so a packet is complete when all its fragments have arrived, however short the snapshot length
/// cut them.
struct Datagram {
    /// The effect of a fragment on the packet.
    enum Outcome {
        /// The fragment was added or already known; others are missing.
        case waiting
        /// Nothing is missing.
        case complete
        /// The packet can no longer be completed; all further fragments of it are ignored.
        case discarded
        /// An impossible fragment, which is ignored.
        case invalid
    }

    /// How many octets at the start of the payload the decoder may read: enough for two tunnels with full headers.
    static let decodedLength = 512
    /// The most pieces with holes between them; a sender's fragments arrive nearly in order.
    static let mostRuns = 64
    /// The largest value of an IP length; IPv6's does not include its fixed header of 40 octets.
    static let mostOctets = 65_535

    /// When the first fragment arrived, in nanoseconds of the capture's clock.
    let started: Int64
    /// Distinguishes it from earlier and later packets with the same key.
    let serial: UInt64
    /// The fragment with offset 0.
    private(set) var first: Fragment?
    /// The time and frame number of that fragment.
    private(set) var firstTime: Int64 = 0
    private(set) var firstFrame: UInt64 = 0
    /// Octets of the payload; nil until the last fragment has arrived.
    private(set) var total: Int?
    /// Whether fragments overlapped.
    private(set) var hasOverlap = false
    private(set) var isDiscarded = false
    /// The ranges that have arrived, sorted and not touching each other.
    private var runs: [Range<Int>] = []
    /// The payload's start.
    private(set) var kept: [UInt8] = []
    /// The ranges of `kept` that were captured, sorted and not touching each other.
    private var captured: [Range<Int>] = []
    /// The most octets of the payload to keep.
    private let mostKept: Int

    init(started: Int64, serial: UInt64, keepsText: Bool) {
        self.started = started
        self.serial = serial
        mostKept = keepsText ? Self.mostOctets : Self.decodedLength
    }

    /// Octets at the start of the payload that can be read without a hole.
    var readable: Int {
        guard let first = captured.first, first.lowerBound == 0 else { return 0 }
        return min(total ?? .max, first.upperBound)
    }

    /// Adds a fragment. `bytes` is the frame it came in; `time` and `number` are that frame's.
    mutating func take(_ fragment: Fragment, _ bytes: RawSpan, at time: Int64, frame number: UInt64) -> Outcome {
        if isDiscarded { return .waiting }
        var length = fragment.length
        if fragment.hasMore, length % 8 != 0 {
            // RFC 8200 4.5: the fragment is discarded. RFC 791 has no rule; hosts ignore the octets beyond a multiple
            // of eight.
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
            // The octets that came first stay. RFC 5722 4, RFC 8200 4.5: in IPv6 the whole packet is discarded.
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

    /// Frees the kept octets, which will not be read any more.
    mutating func forgetOctets() { kept = [] }

    /// Whether `range` has arrived without a hole.
    private func isOneRun(_ range: Range<Int>) -> Bool {
        range.isEmpty || runs.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
    }

    /// The parts of `range` that have not arrived yet.
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

    /// Adds a missing part, and merges parts that touch.
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

    /// Copies the captured octets of a part, as far as they are to be kept.
    private mutating func keep(_ part: Range<Int>, of fragment: Fragment, _ bytes: RawSpan) {
        let end = min(part.upperBound, fragment.offset + fragment.captured, mostKept)
        // A capture with more holes than a packet may have is damaged itself.
        guard end > part.lowerBound, captured.count <= Self.mostRuns else { return }
        if kept.count < end { kept += [UInt8](repeating: 0, count: max(end, Self.decodedLength) - kept.count) }
        for at in part.lowerBound..<end { kept[at] = bytes.octet(fragment.start + at - fragment.offset) }
        Self.insert(part.lowerBound..<end, into: &captured)
    }
}
