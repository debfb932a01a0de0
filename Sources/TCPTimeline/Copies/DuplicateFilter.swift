// Distinguishes another copy of a captured frame from a retransmission.
//
// One segment is captured several times on `any`, on bridges and veth pairs, at mirror ports, and in
// captures of several interfaces. A copy has everything in common with its original except what routers
// change. So does a copy that the network made, and that arrives as well: it is taken for the capture's,
// which is right for all that is counted for its sender. The rule:
//
// 1. Addresses, ports, numbers, flags, window, urgent pointer, length and options are the same, and so is whether
//    the receiver drops it for a wrong checksum or missing fragments. (A retransmission usually has another TSval,
//    window or ACK.) The tunnel is part of the place: the ends of a tunnel, and captures on all interfaces there,
//    see each segment inside and outside of it.
// 2. With an IPv4 identification other than 0: that is the same too, and the copy comes within 100 ms. If a
//    datagram may be fragmented, no other one has the same identification during its lifetime (RFC 6864 4.3);
//    Linux increments it for each segment.
// 3. Without one (IPv6, and Linux's SYN-ACKs and RSTs): the copy comes within 10 ms and was seen at another
//    place: another interface, link header, tunnel or hop limit. With a timestamp option it may take 100 ms, as
//    between two places of a merged capture: the clock ticks at least once every few milliseconds (RFC 7323 5.4),
//    so a later retransmission has another TSval.
// 4. Without one and at the same place (a mirror port of both directions): the segment carries text, SYN or FIN
//    and a timestamp option, or is a SYN-ACK, and comes within 1 ms. Bare ACKs of that kind do not count as
//    copies: senders do repeat them. Nor does a SYN-ACK if the peer's SYN was retransmitted since its first copy:
//    that SYN is answered by a SYN-ACK of its own.
//
// `CutFrames` recognises the copies whose text is divided among frames in another way.
//
// A segment that brings new numbers, as nearly all do, cannot be a copy (`HotPart.bringsNews`): it is only remembered.

import TCPModel

/// The latest frames, by what identifies them: a ring in the order of frames, chained by their fingerprints.
///
/// Nearly every frame is only remembered, which writes to the end of the ring.
/// Frames are chained when one is looked up.
struct DuplicateFilter: ~Copyable {
    /// How late a copy may be, in nanoseconds, depending on how well it is identified.
    enum Bound {
        static let sameIdentification = 100 * Span.millisecond
        static let otherPlace = 10 * Span.millisecond
        static let samePlace = Span.millisecond
        /// How late a copy may be in frames of the whole capture: so it does not
        /// matter how many filters remember their own.
        static let frames: UInt64 = 4096
        /// How many of the latest frames that look alike and are not its original are searched. A sender can produce
        /// any number of them: ACKs, SYNs and RSTs without an identification are sent again and again.
        static let repeats = 8
    }

    /// One frame, in as few octets as identify it. (Not private: Swift 6.3 cannot build a
    /// table of private values for debugging.)
    struct Entry: BitwiseCopyable {
        /// From the top: 32 bits of the fingerprint; 20 bits of the frame number; and 12 bits that hold the
        /// fingerprint's lowest bits, its head, until the frame is chained, and then the place of the previous frame
        /// with the same head, which may have been overwritten since.
        var identity: UInt64 = 0
        /// 48 bits of the time (78 hours) above 16 bits of the place on the link,
        /// which are 0 with an IPv4 identification.
        var seen: UInt64 = 0

        static let frameMask: UInt64 = 0xf_ffff
        static let linkMask: UInt64 = 0xfff
        static let vantageMask: UInt64 = 0xffff

        init() {}

        @inline(__always) init(_ fingerprint: UInt64, frame: UInt64, time: Timestamp, vantage: UInt16) {
            identity =
                fingerprint & 0xffff_ffff_0000_0000 | (frame & Self.frameMask) << 12 | fingerprint & Self.linkMask
            seen = UInt64(bitPattern: time.nanoseconds) << 16 | UInt64(vantage)
        }

        /// The head, if the frame is not chained yet; else the next place in the chain.
        @inline(__always) var link: Int {
            get { Int(identity & Self.linkMask) }
            set { identity = identity & ~Self.linkMask | UInt64(newValue) & Self.linkMask }
        }

        @inline(__always) func hasFingerprint(of other: Entry) -> Bool { (identity ^ other.identity) >> 32 == 0 }

        func isAtPlace(of other: Entry) -> Bool { (seen ^ other.seen) & Self.vantageMask == 0 }

        /// Nanoseconds between the two frames, whichever came first.
        func span(to other: Entry) -> Int64 {
            let difference = (seen & ~Self.vantageMask) &- (other.seen & ~Self.vantageMask)
            return Int64((Int64(bitPattern: difference) >> 16).magnitude)
        }

        /// The number of this frame, as seen from a later one.
        func frame(before later: UInt64) -> UInt64 { later &- (later &- identity >> 12) & Self.frameMask }
    }

    /// The number of frames remembered: a power of two, as many as matter.
    private static let capacity = Int(Bound.frames)
    private var ring: FixedTable<Entry>
    /// By the fingerprint's lowest bits: the place of the newest frame with them; it may have been overwritten since.
    private var heads: FixedTable<UInt16>
    /// A secret for each factor of a fingerprint, besides the flow's hash, which is secret, too.
    private let keys = HashKeys()
    /// How many frames have been remembered: this gives the next frame's place in the ring.
    private var count = 0
    /// How many of them are chained, or were overwritten before that.
    private var chained = 0

    init() {
        ring = FixedTable(repeating: Entry(), count: Self.capacity)
        heads = FixedTable(repeating: 0, count: Self.capacity)
    }

    /// Remembers a frame that is not a copy, because its segment brings something new.
    @inline(__always) mutating func remember(
        _ segment: Segment, flowHash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16, vantage: UInt32
    ) {
        let fingerprint = fingerprint(segment, flowHash)
        let place = Self.place(segment, interface, vantage)
        push(Entry(fingerprint, frame: frame, time: time, vantage: place))
    }

    /// The frame that `segment` is another copy of; nil if it is not one, and then it is remembered.
    mutating func original(
        of segment: Segment, flowHash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16, vantage: UInt32,
        isAskedForAgain: Bool = false
    ) -> UInt64? {
        let fingerprint = fingerprint(segment, flowHash)
        let entry = Entry(
            fingerprint, frame: frame, time: time, vantage: Self.place(segment, interface, vantage))
        chain()
        // From newer to older: an entry that is not older than the one before was overwritten,
        // and the chain ends there.
        var place = Int(heads[entry.link])
        var age = 0
        var repeats = 0
        while age < Self.capacity && repeats < Bound.repeats {
            let old = ring[place]
            let itsAge = (count &- place &- 1) & (Self.capacity - 1) &+ 1
            if itsAge <= age || itsAge > count { break }
            age = itsAge
            if old.hasFingerprint(of: entry) {
                let original = old.frame(before: frame)
                if frame &- original >= Bound.frames { break }
                // A copy is not remembered itself: the bounds count from the original.
                if Self.isCopy(entry, of: old, segment, isAskedForAgain) { return original }
                repeats &+= 1
            }
            place = old.link
        }
        push(entry)
        return nil
    }

    @inline(__always) private mutating func push(_ entry: Entry) {
        ring[count & (Self.capacity - 1)] = entry
        count &+= 1
    }

    /// Chains the frames remembered since the last call.
    private mutating func chain() {
        for number in max(chained, count - Self.capacity)..<count {
            let place = number & (Self.capacity - 1)
            let head = ring[place].link
            ring[place].link = Int(heads[head])
            heads[head] = UInt16(truncatingIfNeeded: place)
        }
        chained = count
    }

    /// `anyPlace`; only for segments without an identification.
    @inline(__always) private static func place(
        _ segment: Segment, _ interface: UInt16, _ vantage: UInt32
    ) -> UInt16 {
        segment.ipIdentification != 0 ? 0 : anyPlace(segment, interface, vantage)
    }

    /// A hash of interface, tunnel, link header and hop limit.
    @inline(__always) static func anyPlace(_ segment: Segment, _ interface: UInt16, _ vantage: UInt32) -> UInt16 {
        let word =
            UInt64(vantage) << 32 | UInt64(interface) << 16 | UInt64(segment.tunnel.rawValue) << 8
            | UInt64(segment.hopLimit)
        return UInt16(truncatingIfNeeded: (word &* HashFactor.golden) >> 48)
    }

    private static func isCopy(
        _ new: Entry, of original: Entry, _ segment: Segment, _ isAskedForAgain: Bool
    ) -> Bool {
        let late = new.span(to: original)
        if segment.ipIdentification != 0 { return late <= Bound.sameIdentification }
        let hasClock = segment.options.present.contains(.timestamps)
        if !new.isAtPlace(of: original) {
            return late <= (hasClock ? Bound.sameIdentification : Bound.otherPlace)
        }
        return late <= Bound.samePlace && !isAskedForAgain && segment.sequenceLength > 0 && !segment.flags.has(.rst)
            && (hasClock || segment.flags.has([.syn, .ack]))
    }

    /// Everything that a copy has in common with its original, in 64 bits.
    @inline(__always) private func fingerprint(_ segment: Segment, _ flowHash: UInt64) -> UInt64 {
        // Two multiplications that do not wait for each other. Each factor includes a secret, so that no sender can
        // make it 0. Fields that are neighbours in memory are neighbours here, so that one load brings several.
        let numbers = UInt64(segment.acknowledgment.rawValue) << 32 | UInt64(segment.sequence.rawValue)
        let clocks = UInt64(segment.options.timestampEchoReply) << 32 | UInt64(segment.options.timestampValue)
        let field = UInt64(segment.window) << 16 | UInt64(segment.flags.rawValue)
        let fields = field | UInt64(segment.ipIdentification) << 48 | UInt64(segment.urgentPointer) << 32
        let kinds = UInt64(segment.options.present.rawValue) << 48
        let lengths = kinds ^ UInt64(segment.tuple.source.port) << 24 ^ UInt64(segment.payloadLength)
        var hash = foldedProduct(numbers ^ flowHash, clocks ^ keys.first)
        hash ^= foldedProduct(fields ^ ~flowHash, lengths ^ keys.second)
        if segment.options.present.contains(.sack) { hash = Self.withBlocks(segment, hash) }
        // A frame that its receiver drops is no copy of one that it accepts, nor the other way round.
        if !segment.remarks.isDisjoint(with: .dropped) { hash = ~hash }
        return hash
    }

    @inline(never) static func withBlocks(_ segment: Segment, _ hash: UInt64) -> UInt64 {
        var hash = hash
        for index in 0..<min(4, Int(segment.options.sackBlockCount)) {
            let block = segment.options.sackBlocks[index]
            let edges = UInt64(block.left.rawValue) << 32 | UInt64(block.right.rawValue)
            hash = foldedProduct(hash ^ edges, HashFactor.golden)
        }
        return hash
    }
}
