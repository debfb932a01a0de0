// Tells another copy of a captured frame from a segment that was sent again.
//
// One segment is captured several times on `any`, on bridges and veth pairs, at mirror ports, and in captures of several
// interfaces. A copy has everything in common with its original but what routers change. The rule:
//
// 1. Addresses, ports, tunnel, numbers, flags, window, urgent pointer, length and options are the same. (A segment sent
//    again usually has another TSval, window or ACK.)
// 2. With an IPv4 identification other than 0: it is the same too, and the copy comes within 100 ms. A sender does not
//    use an identification twice within the life of a datagram (RFC 6864 4.3); Linux counts it up for each segment.
// 3. Without one (IPv6, and Linux's SYN-ACKs and RSTs): the copy comes within 10 ms and was seen at another place:
//    another interface, link header or hop limit.
// 4. Without one and at the same place (a mirror port of both directions): the segment carries text, SYN or FIN and a
//    timestamp option, and comes within 1 ms. Bare ACKs of that kind are left alone: senders do repeat those.

import TCPModel

/// The latest frames, by what identifies them: a table of fixed size, the newest of each bucket of four.
struct DuplicateFilter {
    /// How late a copy may be, in nanoseconds, by how well it is identified.
    enum Bound {
        static let sameIdentification = 100 * Span.millisecond
        static let otherPlace = 10 * Span.millisecond
        static let samePlace = Span.millisecond
    }

    private struct Entry: BitwiseCopyable {
        var fingerprint: UInt64 = 0
        var time = Timestamp(nanoseconds: .min)
        var frame: UInt64 = 0
        /// Interface, link header and hop limit; 0 with an IPv4 identification.
        var place: UInt64 = 0
    }

    /// Frames that are remembered: more than a burst of one interface is long.
    static let capacity = 4096
    private static let ways = 4
    private var entries: [Entry] = []
    /// The next way of each bucket to be written over.
    private var turn: UInt8 = 0

    /// The frame that `segment` is another copy of, or nil; it is remembered either way.
    mutating func original(
        of segment: Segment, flowHash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16, vantage: () -> UInt32
    ) -> UInt64? {
        if entries.isEmpty { entries = Array(repeating: Entry(), count: Self.capacity) }
        let fingerprint = Self.fingerprint(segment, flowHash)
        let hasIdentification = segment.ipIdentification != 0
        let place =
            hasIdentification
            ? 0 : UInt64(vantage()) << 32 | UInt64(interface) << 16 | UInt64(segment.hopLimit)
        let bucket = Int(truncatingIfNeeded: fingerprint >> 40) & (Self.capacity / Self.ways - 1)
        let start = bucket * Self.ways
        var match: Entry?
        var oldest = start
        for index in start..<start + Self.ways {
            let entry = entries[index]
            if entry.fingerprint == fingerprint { match = entry }
            if entry.time < entries[oldest].time { oldest = index }
        }
        guard let match, Self.isCopy(of: match, place: place, segment, time: time) else {
            entries[oldest] = Entry(fingerprint: fingerprint, time: time, frame: frame, place: place)
            return nil
        }
        // Not remembered itself: the bounds count from the first copy.
        return match.frame
    }

    private static func isCopy(of original: Entry, place: UInt64, _ segment: Segment, time: Timestamp) -> Bool {
        let span = time.since(original.time)
        let late = span < 0 ? (span == .min ? .max : -span) : span
        if segment.ipIdentification != 0 { return late <= Bound.sameIdentification }
        if place != original.place { return late <= Bound.otherPlace }
        return late <= Bound.samePlace && segment.sequenceLength > 0 && !segment.flags.has(.rst)
            && segment.options.present.contains(.timestamps)
    }

    /// All that a copy has in common with its original, in 64 bits. Never 0, which stands for nothing.
    private static func fingerprint(_ segment: Segment, _ flowHash: UInt64) -> UInt64 {
        var hash = flowHash ^ (UInt64(segment.tuple.source.port) << 48 | UInt64(segment.tunnel.rawValue))
        hash = mix(hash, UInt64(segment.sequence.rawValue) << 32 | UInt64(segment.acknowledgment.rawValue))
        hash = mix(
            hash,
            UInt64(segment.window) << 48 | UInt64(segment.flags.rawValue) << 32
                | UInt64(segment.ipIdentification) << 16 | UInt64(segment.urgentPointer))
        hash = mix(
            hash, UInt64(segment.options.timestampValue) << 32 | UInt64(segment.options.timestampEchoReply))
        hash = mix(hash, UInt64(segment.payloadLength) << 32 | UInt64(segment.options.present.rawValue))
        if segment.options.present.contains(.sack) {
            for index in 0..<min(4, Int(segment.options.sackBlockCount)) {
                let block = segment.options.sackBlocks[index]
                hash = mix(hash, UInt64(block.left.rawValue) << 32 | UInt64(block.right.rawValue))
            }
        }
        return hash | 1
    }

    /// A folded multiplication, as the flow index uses it.
    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return product.high ^ product.low
    }
}
