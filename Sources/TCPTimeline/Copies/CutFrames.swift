// Distinguishes text that was seen elsewhere in frames of other sizes from a retransmission.
//
// Kernels and network cards handle several segments as one frame (GSO, TSO, GRO, LRO). Where a host forwards such a
// frame, one interface shows it whole and another one its segments, in either order. `DuplicateFilter` knows only
// copies of the same size. The rule for the others:
//
// 1. All of the text was seen at another place (interface, link header, tunnel or hop limit): in one frame, or in
//    several that continue each other. No frame seen at the same place counts, so a retransmission is none.
// 2. What all segments of a frame share is the same: addresses, ports, ACK, window, urgent pointer, length of the
//    header, options with TSval and TSecr, and flags but for these: of two frames, the one that ends earlier has
//    neither PSH nor FIN, and the one that begins later has CWR only if the other has. Frames that end or begin alike
//    have the same.
// 3. With an IPv4 identification, that counts segments of one size from frame to frame, and the copy comes within
//    100 ms. What is sent again has another identification. (Several segments in each of two frames, of which one
//    ends inside the other, must not be smaller than usual, so that a repetition's number does not fit by chance.)
// 4. Without one, the copy comes within 10 ms, or with a timestamp option within 100 ms, as other copies do.
//
// Frames are remembered only for connections that are known to be captured more than once, because a frame of theirs
// was, and for the first segments of those that were open before. So other captures do nothing for this.

import TCPModel

/// The latest frames with text, by what the segments of a frame share: a ring, chained by fingerprints.
struct CutFrames: ~Copyable {
    private static var capacity: Int { Int(DuplicateFilter.Bound.frames) }
    /// How many of the latest frames that share it all are searched: more than a frame has segments.
    private static var searched: Int { 512 }
    /// The least octets of text that a full segment usually has: the least MTU is 1280 (RFC 8200 5).
    private static var usualSize: Int { 1200 }

    /// One frame. (Not private, for the same reason as the entries of `DuplicateFilter`.)
    struct Entry: BitwiseCopyable {
        var time = Timestamp(nanoseconds: 0)
        var frame: UInt64 = 0
        var fingerprint: UInt32 = 0
        var sequence = SequenceNumber(0)
        var length: UInt32 = 0
        var identification: UInt16 = 0
        var place: UInt16 = 0
        var flags = TCPFlags()
        /// The place of the previous frame in its chain, which may have been overwritten since.
        var link: UInt16 = 0

        var head: Int { Int(fingerprint) & (CutFrames.capacity - 1) }
    }

    /// Both have room for one entry until the first frame is remembered.
    private var ring = FixedTable(repeating: Entry(), count: 1)
    private var heads = FixedTable<UInt16>(repeating: 0, count: 1)
    private let keys = HashKeys()
    /// How many frames have been remembered.
    private var count = 0
    /// Whether some connection is captured more than once.
    var isWanted = false

    init() {}

    /// Remembers a frame that is no copy.
    @inline(never) mutating func remember(
        _ segment: Segment, flowHash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16, vantage: UInt32
    ) {
        guard Self.concerns(segment) else { return }
        if count == 0 {
            ring = FixedTable(repeating: Entry(), count: Self.capacity)
            heads = FixedTable(repeating: 0, count: Self.capacity)
        }
        var entry = entry(segment, flowHash, time, frame, interface, vantage)
        let place = count & (Self.capacity - 1)
        entry.link = heads[entry.head]
        heads[entry.head] = UInt16(truncatingIfNeeded: place)
        ring[place] = entry
        count &+= 1
    }

    /// The frame in which the first octet of this segment was seen elsewhere, if all of them were.
    mutating func original(
        of segment: Segment, flowHash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16, vantage: UInt32
    ) -> UInt64? {
        guard count > 0, Self.concerns(segment) else { return nil }
        let new = entry(segment, flowHash, time, frame, interface, vantage)
        let hasClock = segment.options.present.contains(.timestamps)
        // From newer to older, as in `DuplicateFilter`.
        var place = Int(heads[new.head])
        var age = 0
        var searched = 0
        var rest = Int(new.length)
        while searched < Self.searched {
            let old = ring[place]
            let itsAge = (count &- place &- 1) & (Self.capacity - 1) &+ 1
            if itsAge <= age || itsAge > count { break }
            age = itsAge
            place = Int(old.link)
            guard old.fingerprint == new.fingerprint else { continue }
            if frame &- old.frame >= DuplicateFilter.Bound.frames { break }
            searched &+= 1
            let start = Int(old.sequence.distance(from: new.sequence))
            let end = start + Int(old.length)
            // Of the same size: the other filter's.
            if start == 0 && end == new.length { break }
            let continues = rest == new.length ? start < rest && end >= rest : end == rest
            guard continues, Self.isCopy(new, of: old, start, hasClock) else { continue }
            rest = start
            if rest <= 0 { return old.frame }
        }
        return nil
    }

    private static func concerns(_ segment: Segment) -> Bool {
        segment.payloadLength > 0 && !segment.flags.hasAny([.syn, .rst]) && segment.remarks.isDisjoint(with: .dropped)
    }

    /// Whether octets that both have can be the same ones. `start`: where the older frame begins in the new one.
    private static func isCopy(_ new: Entry, of old: Entry, _ start: Int, _ hasClock: Bool) -> Bool {
        guard new.place != old.place else { return false }
        let end = start + Int(old.length) - Int(new.length)
        let differing = new.flags.symmetricDifference(old.flags)
        let ofEarlierEnd = end == 0 ? differing : end < 0 ? old.flags : new.flags
        let ofLaterBegin = start == 0 ? differing : differing.intersection(start < 0 ? new.flags : old.flags)
        guard !ofEarlierEnd.hasAny([.psh, .fin]), !ofLaterBegin.has(.cwr) else { return false }
        let late = new.time.since(old.time).magnitude
        guard new.identification | old.identification != 0 else {
            return late <= (hasClock ? DuplicateFilter.Bound.sameIdentification : DuplicateFilter.Bound.otherPlace)
        }
        let segments = Int(Int16(truncatingIfNeeded: old.identification &- new.identification))
        guard late <= DuplicateFilter.Bound.sameIdentification, (segments == 0) == (start == 0) else { return false }
        if segments == 0 { return true }
        let (size, remainder) = start.quotientAndRemainder(dividingBy: segments)
        guard remainder == 0 && size > 0 else { return false }
        if end == 0 { return true }
        let length = Int(end < 0 ? old.length : new.length)
        return length == size || size >= Self.usualSize && length % size == 0
    }

    private func entry(
        _ segment: Segment, _ flowHash: UInt64, _ time: Timestamp, _ frame: UInt64, _ interface: UInt16,
        _ vantage: UInt32
    ) -> Entry {
        Entry(
            time: time, frame: frame, fingerprint: fingerprint(segment, flowHash), sequence: segment.sequence,
            length: segment.payloadLength, identification: segment.ipIdentification,
            place: DuplicateFilter.anyPlace(segment, interface, vantage), flags: segment.flags)
    }

    /// Everything that the segments of a frame share.
    private func fingerprint(_ segment: Segment, _ flowHash: UInt64) -> UInt32 {
        let flags = segment.flags.subtracting([.psh, .fin, .cwr])
        let numbers = UInt64(segment.acknowledgment.rawValue) << 32 | UInt64(segment.window) << 16
        let clocks = UInt64(segment.options.timestampEchoReply) << 32 | UInt64(segment.options.timestampValue)
        let fields = UInt64(segment.urgentPointer) << 48 | UInt64(flags.rawValue) << 32
        let kinds = UInt64(segment.options.present.rawValue) << 16 | UInt64(segment.headerLength)
        var hash = foldedProduct(numbers ^ flowHash ^ UInt64(segment.tuple.source.port), clocks ^ keys.first)
        hash ^= foldedProduct(fields ^ ~flowHash, kinds ^ keys.second)
        if segment.options.present.contains(.sack) { hash = DuplicateFilter.withBlocks(segment, hash) }
        return UInt32(truncatingIfNeeded: hash)
    }
}
