// The kinds of segments that make up a connection's usual course, and what each adds to its labels wherever it occurs.
//
// Which kind comes next is what a processor mispredicts most often, and a misprediction costs as much as all of this:
// so whatever depends on the kind is looked up in words instead of branched on. A test spells the tables out.

import TCPModel

/// The kind of a segment on the usual course.
enum UsualKind: UInt8, CaseIterable {
    case syn, synAck, ack, text, fin, finWithText

    /// The kind of a segment; nil if it is none of these kinds.
    @inline(__always) init?(_ segment: borrowing Segment) {
        self.init(flags: segment.flags, hasText: segment.payloadLength > 0)
    }

    /// The kind of a segment with these flags; PSH, URG and those of ECN do not matter.
    @inline(__always) init?(flags: TCPFlags, hasText: Bool) {
        // Four bits for each set of FIN (1), SYN (2), RST (4) and ACK (8); 15 = no such kind.
        let kinds: UInt64 = hasText ? 0xffff_ff53_ffff_ffff : 0xffff_f142_ffff_f0ff
        // The first three are where the header has them (RFC 9293 3.1), and ACK is moved next to them.
        let set = UInt64(flags.rawValue & 7 | flags.rawValue >> 1 & 8)
        self.init(rawValue: UInt8(truncatingIfNeeded: kinds >> (set &* 4)) & 15)
    }

    /// Whether it has a SYN.
    @inline(__always) var hasSyn: Bool { rawValue <= UsualKind.synAck.rawValue }

    /// Whether it has a FIN.
    @inline(__always) var hasFin: Bool { rawValue >= UsualKind.fin.rawValue }

    /// What it adds to Wireshark's completeness.
    @inline(__always) var completeness: Completeness {
        // One octet per kind.
        Completeness(rawValue: UInt8(truncatingIfNeeded: 0x1814_0804_0201 as UInt64 >> (UInt64(rawValue) &* 8)))
    }

    /// The code of its letter in Zeek's history: s, h, a, d, f, and f again.
    @inline(__always) var historyCode: UInt8 { min(rawValue, UsualKind.fin.rawValue) }

    /// The bit of `ConnectionHistory.appendOnce` for its letter; nil if the letter is recorded each time.
    @inline(__always) var historyBit: UInt8? { self == .ack ? 0 : self == .text ? 1 : nil }
}
