// Recognises the same SYN under other addresses: a connection that was captured before and behind a translation of them.

import TCPModel

/// Links a connection to the one whose SYN it repeats under other addresses (CASES X1: captured before and after NAT).
///
/// Only SYNs are looked at, and only the newest of each hash: ISN, TSval, options and length have to be the same, within
/// 100 ms. A SYN without timestamps must have another hop limit too: ISNs alone can be forged or unlucky.
struct Translations {
    private struct Opening {
        /// The connection that it opened.
        var name: ConnectionName
        var time = Timestamp(nanoseconds: .min)
        var sequence: UInt32 = 0
        var timestamp: UInt32 = 0
        var traits: UInt64 = 0
        var hopLimit: UInt8 = 0
    }

    /// SYNs that are remembered.
    private static let capacity = 256
    private var openings: [Opening?] = []

    /// Takes in the SYN that opened a connection.
    ///
    /// - Returns: the connection that it is the translation of; nil if it is none.
    mutating func source(of segment: Segment, _ name: ConnectionName, time: Timestamp) -> ConnectionName? {
        guard !segment.flags.hasAny([.ack, .fin, .rst]) else { return nil }
        if openings.isEmpty { openings = Array(repeating: nil, count: Self.capacity) }
        let options = segment.options
        let new = Opening(
            name: name, time: time, sequence: segment.sequence.rawValue,
            timestamp: options.timestampValue,
            traits: UInt64(options.present.rawValue) << 48 | UInt64(options.windowScale) << 40
                | UInt64(segment.window) << 16 | UInt64(UInt16(truncatingIfNeeded: segment.payloadLength)),
            hopLimit: segment.hopLimit)
        let place = Self.place(new.sequence)
        let old = openings[place]
        openings[place] = new
        guard let old, old.sequence == new.sequence, old.timestamp == new.timestamp, old.traits == new.traits,
            options.present.contains(.timestamps) || old.hopLimit != new.hopLimit
        else { return nil }
        let span = time.since(old.time)
        let bound = DuplicateFilter.Bound.sameIdentification
        return -bound...bound ~= span ? old.name : nil
    }

    private static func place(_ sequence: UInt32) -> Int { Int((sequence &* 0x9e37_79b1) >> 24) }

    /// The connection whose SYN a connection's first segment answers from another address. Where a host translates its own connections
    /// (REDIRECT, DNAT in OUTPUT) a SYN is captured behind the translation, and its answer before it: both have the client's own address
    /// and port, and the answer acknowledges ISN + 1 (RFC 9293 3.10.7.1; of a RST SEG.SEQ is 0).
    func opening(answeredBy segment: Segment, time: Timestamp) -> ConnectionName? {
        let flags = segment.flags
        guard flags.has(.ack), flags.has(.syn) != flags.has(.rst), !openings.isEmpty,
            flags.has(.syn) || segment.sequence == SequenceNumber(0)
        else { return nil }
        let sequence = segment.acknowledgment.rawValue &- 1
        guard let old = openings[Self.place(sequence)], old.sequence == sequence,
            old.name.tuple.source == segment.tuple.destination,
            0...Span.second ~= time.since(old.time)
        else { return nil }
        return old.name
    }
}
