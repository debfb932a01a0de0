// What is known of frames that were captured more than once: how many of each connection, and translated ones.

import TCPModel

/// The recogniser of copies, and what it found.
struct FrameCopies: ~Copyable {
    var filter = DuplicateFilter()
    var translations = Translations()
    /// By slot: whose they are, and how many. Empty as long as there are none.
    private var counts: [(number: UInt64, frames: UInt32)] = []

    init() {}

    /// Counts a copy of a frame of connection `number` at this place.
    mutating func count(_ id: ConnectionID, number: UInt64) {
        let slot = Int(id.slot)
        if slot >= counts.count {
            counts.append(contentsOf: repeatElement((number: 0, frames: 0), count: slot + 1 - counts.count))
        }
        if counts[slot].number != number { counts[slot] = (number, 0) }
        counts[slot].frames &+= 1
    }

    /// How many copies connection `number` at this place has.
    func duplicates(_ id: ConnectionID, number: UInt64) -> UInt32 {
        let slot = Int(id.slot)
        return slot < counts.count && counts[slot].number == number ? counts[slot].frames : 0
    }
}

/// Links a connection to the one whose SYN it repeats under other addresses (CASES X1: captured before and after NAT).
///
/// Only SYNs are looked at, and only the newest of each hash: ISN, TSval, options and length have to be the same, within
/// 100 ms. A SYN without timestamps must have another hop limit too: ISNs alone can be forged or unlucky.
struct Translations {
    private struct Opening: BitwiseCopyable {
        var number: UInt64 = 0
        var place = ConnectionID(slot: 0)
        var time = Timestamp(nanoseconds: .min)
        var sequence: UInt32 = 0
        var timestamp: UInt32 = 0
        var traits: UInt64 = 0
        var hopLimit: UInt8 = 0
    }

    /// SYNs that are remembered.
    private static let capacity = 256
    /// Links that are kept, so that a flood of SYNs makes no heap of them.
    private static let most = 65_536
    private var openings: [Opening] = []
    /// From a connection to the one that it is the translation of.
    private var sources: [UInt64: (place: ConnectionID, number: UInt64)] = [:]

    func source(of number: UInt64) -> (place: ConnectionID, number: UInt64)? {
        sources.isEmpty ? nil : sources[number]
    }

    mutating func forget(_ number: UInt64) {
        if !sources.isEmpty { sources[number] = nil }
    }

    /// Takes in the SYN that opened connection `number`.
    mutating func note(_ segment: Segment, _ number: UInt64, at id: ConnectionID, time: Timestamp) {
        guard !segment.flags.hasAny([.ack, .fin, .rst]) else { return }
        if openings.isEmpty { openings = Array(repeating: Opening(), count: Self.capacity) }
        let options = segment.options
        let new = Opening(
            number: number, place: id, time: time, sequence: segment.sequence.rawValue,
            timestamp: options.timestampValue,
            traits: UInt64(options.present.rawValue) << 48 | UInt64(options.windowScale) << 40
                | UInt64(segment.window) << 16 | UInt64(UInt16(truncatingIfNeeded: segment.payloadLength)),
            hopLimit: segment.hopLimit)
        let place = Int((new.sequence &* 0x9e37_79b1) >> 24)
        let old = openings[place]
        openings[place] = new
        guard old.number != 0, old.sequence == new.sequence, old.timestamp == new.timestamp, old.traits == new.traits,
            options.present.contains(.timestamps) || old.hopLimit != new.hopLimit
        else { return }
        let span = time.since(old.time)
        guard span >= -DuplicateFilter.Bound.sameIdentification, span <= DuplicateFilter.Bound.sameIdentification,
            sources.count < Self.most
        else { return }
        // A third copy is linked to the first connection too.
        sources[number] = sources[old.number] ?? (old.place, old.number)
    }
}
