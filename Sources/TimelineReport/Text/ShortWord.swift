// Pieces of text of at most eight characters, each in one machine word: numbers, octets of an address, spans of time.

/// A number below 100 000 000 as eight characters, the first one in the lowest octet: all digits at once.
struct EightDigits {
    /// The least number that has more.
    static let limit: UInt64 = 100_000_000

    private let digits: UInt64

    @inline(__always) init(_ number: UInt64) {
        // Two numbers of four digits, then four of two, then eight of one: each step divides all of them by a multiplication.
        let fours = number / 10_000 | (number % 10_000) << 32
        let hundreds = (fours &* 10_486) >> 20 & 0x7f_0000_007f
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = (twos &* 103) >> 10 & 0x000f_000f_000f_000f
        digits = tens | (twos &- tens &* 10) << 8
    }

    /// Digits without leading zeros; 0 has one.
    @inline(__always) var significant: Int { 8 &- min(digits.trailingZeroBitCount >> 3, 7) }

    /// The last `count` of them, at least one, in the lowest octets.
    @inline(__always) func characters(last count: Int) -> UInt64 {
        (digits | 0x3030_3030_3030_3030) &>> UInt64(8 &* (8 &- count) & 63)
    }
}

/// Up to eight characters, the first one in the lowest octet; 0 beyond them.
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

    /// A number below 256 and what separates it from the next one.
    @inline(__always) init(octet: UInt32, before separator: UInt8) {
        let hundreds = (octet &* 41) >> 12
        let rest = octet &- hundreds &* 100
        let tens = (rest &* 103) >> 10
        let digits = hundreds | tens << 8 | (rest &- tens &* 10) << 16 | 0x0030_3030
        let skipped: UInt32 = octet < 10 ? 2 : octet < 100 ? 1 : 0
        characters = UInt64((digits | UInt32(separator) << 24) &>> (8 &* skipped))
        count = 4 &- Int(skipped)
    }

    /// A span with its unit, rounded to three significant digits, milliseconds to four unless `compact`; nil if it takes more than
    /// eight characters, which is 116 days and more.
    @inline(__always) init?(span nanoseconds: UInt64, compact: Bool) {
        if nanoseconds < 1_000 {
            self.init(nanoseconds)
            append(0x736e, 2)
        } else if nanoseconds < 999_500 {
            // Microseconds are whole numbers in nearly every capture file: decimals only where there are some.
            let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000)
            if rest == 0 { self.init(whole) } else { self.init(RoundedNumber(nanoseconds, exponent: 3, digits: 3)) }
            append(0x7375, 2)
        } else if nanoseconds < 999_500_000 {
            self.init(RoundedNumber(nanoseconds, exponent: 6, digits: compact ? 3 : 4))
            append(0x736d, 2)
        } else {
            guard nanoseconds < 9_999_999_500_000_000 else { return nil }
            self.init(RoundedNumber(nanoseconds, exponent: 9, digits: 3))
            append(0x73, 1)
        }
    }

    /// A number of at most seven digits with its decimals.
    @inline(__always) private init?(_ number: RoundedNumber) {
        self.init(number.value)
        guard number.decimals > 0 else { return }
        // The whole part has a digit at least.
        let place = UInt64(8 &* (count &- number.decimals) & 63)
        let whole = characters & (1 &<< place &- 1)
        characters = whole | 0x2e &<< place | (characters & ~(1 &<< place &- 1)) << 8
        count &+= 1
    }

    @inline(__always) private mutating func append(_ more: UInt64, _ length: Int) {
        characters |= more &<< UInt64(8 &* count & 63)
        count &+= length
    }
}

/// A number rounded to so many significant digits; it has more only if its whole part has.
struct RoundedNumber {
    /// With `decimals` digits behind the point.
    private(set) var value: UInt64
    private(set) var decimals: Int

    /// The number `scaled / 10^exponent`, which is at least 0.5; `exponent` is at most 9, and above the number of digits or
    /// equal to it.
    @inline(__always) init(_ scaled: UInt64, exponent: Int, digits: Int) {
        decimals = digits - 1
        var power = Self.power(exponent + 1)
        while decimals > 0 && scaled >= power {
            decimals -= 1
            power *= 10
        }
        value = Self.rounded(scaled, exponent - decimals)
        // 9.996 rounds to 10.0, not to 10.00: one digit more before the point is one less behind it.
        if decimals > 0 && value == Self.power(digits) {
            value /= 10
            decimals -= 1
        }
    }

    @inline(__always) private static func power(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 3: 1_000
        case 4: 10_000
        case 7: 10_000_000
        default: 10_000_000_000
        }
    }

    /// A number divided by a power of ten, halves rounded up. Divisors that are known are multiplications.
    @inline(__always) private static func rounded(_ number: UInt64, _ exponent: Int) -> UInt64 {
        switch exponent {
        case 1: (number + 5) / 10
        case 2: (number + 50) / 100
        case 3: (number + 500) / 1_000
        case 4: (number + 5_000) / 10_000
        case 5: (number + 50_000) / 100_000
        case 6: (number + 500_000) / 1_000_000
        case 7: (number + 5_000_000) / 10_000_000
        case 8: (number + 50_000_000) / 100_000_000
        default: (number + 500_000_000) / 1_000_000_000
        }
    }
}
