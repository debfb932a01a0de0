// Text of at most eight characters in a single machine word: numbers, octets of an address, spans of time.

import TCPModel

/// A number below 100 000 000 as eight characters, the first in the lowest octet: all digits are computed at once.
struct EightDigits {
    /// The smallest number with more than eight digits.
    static let limit: UInt64 = 100_000_000

    private let digits: UInt64

    @inline(__always) init(_ number: UInt64) {
        // Two numbers of four digits, then four of two, then eight of one: each step divides all of them with one
        // multiplication.
        let fours = number / 10_000 | (number % 10_000) << 32
        let hundreds = (fours &* 10_486) >> 20 & 0x7f_0000_007f
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = (twos &* 103) >> 10 & 0x000f_000f_000f_000f
        digits = tens | (twos &- tens &* 10) << 8
    }

    /// The number of digits without leading zeros; 0 has one.
    @inline(__always) var significant: Int { 8 &- min(digits.trailingZeroBitCount >> 3, 7) }

    /// The last `count` digits, at least one, in the lowest octets.
    @inline(__always) func characters(last count: Int) -> UInt64 {
        (digits | 0x3030_3030_3030_3030) &>> UInt64(8 &* (8 &- count) & 63)
    }
}

/// Up to eight characters, the first in the lowest octet, padded with zeros.
struct ShortWord: Equatable {
    private(set) var characters: UInt64
    private(set) var count: Int

    /// One character.
    @inline(__always) init(_ character: UInt8) {
        characters = UInt64(character)
        count = 1
    }

    /// A number; nil if it has more than eight digits.
    @inline(__always) init?(_ number: UInt64) {
        guard number < EightDigits.limit else { return nil }
        let digits = EightDigits(number)
        count = digits.significant
        characters = digits.characters(last: count)
    }

    /// A number below 256 with the separator that follows it.
    @inline(__always) init(octet: UInt32, before separator: UInt8) {
        let hundreds = (octet &* 41) >> 12
        let rest = octet &- hundreds &* 100
        let tens = (rest &* 103) >> 10
        let digits = hundreds | tens << 8 | (rest &- tens &* 10) << 16 | 0x0030_3030
        let skipped: UInt32 = octet < 10 ? 2 : octet < 100 ? 1 : 0
        characters = UInt64((digits | UInt32(separator) << 24) &>> (8 &* skipped))
        count = 4 &- Int(skipped)
    }

    /// A span with its unit in one of the styles of rows, `measured` or `compact`; nil if it needs more than eight
    /// characters, which is the case from 116 days on.
    @inline(__always) init?(span nanoseconds: UInt64, _ style: SpanStyle) {
        let span = RoundedSpan(nanoseconds, style)
        guard span.value < 10_000_000 else { return nil }
        self.init(span.value)
        if span.decimals > 0 { insertPoint(before: span.decimals) }
        switch span.unit {
        case .ns: append(0x736e, 2)
        case .us: append(0x7375, 2)
        case .ms: append(0x736d, 2)
        case .s: append(0x73, 1)
        }
    }

    /// Inserts a point before the last `decimals` of at most seven digits; at least one digit must remain before it.
    @inline(__always) private mutating func insertPoint(before decimals: Int) {
        let place = UInt64(8 &* (count &- decimals) & 63)
        let whole = characters & (1 &<< place &- 1)
        characters = whole | 0x2e &<< place | (characters & ~(1 &<< place &- 1)) << 8
        count &+= 1
    }

    @inline(__always) private mutating func append(_ more: UInt64, _ length: Int) {
        characters |= more &<< UInt64(8 &* count & 63)
        count &+= length
    }
}
