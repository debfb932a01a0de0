// The kinds of segments that a connection's usual course is made of, and what each adds to its labels wherever it comes.
//
// Which kind comes next is what a processor guesses wrong most often, and a wrong guess costs as much as all of this: so what
// depends on the kind is looked up in words, and not branched for. A test spells the tables out.

import TCPModel

/// What a segment of the usual course is.
enum UsualKind: UInt8, CaseIterable {
    case syn, synAck, ack, text, fin, finWithText

    /// The kind of a segment; nil if it is none of these.
    @inline(__always) init?(_ segment: borrowing Segment) {
        self.init(flags: segment.flags, hasText: segment.payloadLength > 0)
    }

    /// The kind of a segment with these flags; PSH, URG and those of ECN do not matter.
    @inline(__always) init?(flags: TCPFlags, hasText: Bool) {
        // Four bits for each set of FIN (1), SYN (2), RST (4) and ACK (8); 15 where there is no such kind.
        let kinds: UInt64 = hasText ? 0xffff_ff53_ffff_ffff : 0xffff_f142_ffff_f0ff
        // The first three are where they are in the header (RFC 9293 3.1), and ACK is moved beside them.
        let set = UInt64(flags.rawValue & 7 | flags.rawValue >> 1 & 8)
        self.init(rawValue: UInt8(truncatingIfNeeded: kinds >> (set &* 4)) & 15)
    }

    /// Whether it has a SYN.
    @inline(__always) var hasSyn: Bool { rawValue <= UsualKind.synAck.rawValue }

    /// Whether it has a FIN.
    @inline(__always) var hasFin: Bool { rawValue >= UsualKind.fin.rawValue }

    /// What it adds to Wireshark's completeness.
    @inline(__always) var completeness: Completeness {
        // An octet each.
        Completeness(rawValue: UInt8(truncatingIfNeeded: 0x1814_0804_0201 as UInt64 >> (UInt64(rawValue) &* 8)))
    }

    /// The code of its letter in Zeek's history: s, h, a, d, f, and f again.
    @inline(__always) var historyCode: UInt8 { min(rawValue, UsualKind.fin.rawValue) }

    /// Which of the bits of `ConnectionHistory.appendOnce` its letter has; nil if it is recorded each time.
    @inline(__always) var historyBit: UInt8? { self == .ack ? 0 : self == .text ? 1 : nil }
}
