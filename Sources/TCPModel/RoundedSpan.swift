// Spans of time for people to read: a number, its decimals and a unit. This is the only place where spans are rounded.

/// How a span is written. `measured` and `compact` are for values in rows and columns, `sentence` and `prose` for
/// running text.
public enum SpanStyle: Sendable {
    /// Measured values in rows: three significant digits (four for milliseconds), halves rounded up: `22us`, `40.49ms`,
    /// `1.02s`, `60.0s`, `3600s`.
    case measured
    /// Measured values in narrow columns: like `measured`, but with three digits for milliseconds too: `40.5ms`.
    case compact
    /// In sentences: one decimal if the number is below 100 and the decimal is not 0. It is truncated rather than
    /// rounded, since what has lasted 59.99 s has not lasted a minute: `12.3s`, `40.5ms`, `22us`.
    case sentence
    /// In the running text of a page: like `sentence`, with a space before the unit: `12.3 s`.
    case prose
}

/// A rounded span: `value / 10^decimals` of its unit.
public struct RoundedSpan: Sendable {
    /// A unit by its symbol.
    public enum Unit: String, Sendable {
        /// Nanoseconds.
        case ns
        /// Microseconds.
        case us
        /// Milliseconds.
        case ms
        /// Seconds.
        case s
    }

    /// All digits, as one number without the decimal point.
    public let value: UInt64
    /// How many of the digits stand behind the decimal point.
    public let decimals: Int
    /// The unit.
    public let unit: Unit

    /// Rounds a span given in nanoseconds.
    @inlinable @inline(__always) public init(_ nanoseconds: UInt64, _ style: SpanStyle) {
        switch style {
        case .measured: self.init(measured: nanoseconds, millisecondDigits: 4)
        case .compact: self.init(measured: nanoseconds, millisecondDigits: 3)
        case .sentence, .prose: self.init(cut: nanoseconds)
        }
    }

    @inlinable @inline(__always) init(measured nanoseconds: UInt64, millisecondDigits: Int) {
        if nanoseconds < 1_000 {
            (value, decimals, unit) = (nanoseconds, 0, .ns)
        } else if nanoseconds < 999_500 {
            // Nearly all capture files give whole microseconds: decimals are shown only if there are some.
            let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000)
            let rounded = RoundedNumber(nanoseconds, exponent: 3, digits: 3)
            value = rest == 0 ? whole : rounded.value
            decimals = rest == 0 ? 0 : rounded.decimals
            unit = .us
        } else if nanoseconds < 999_500_000 {
            let rounded = RoundedNumber(nanoseconds, exponent: 6, digits: millisecondDigits)
            (value, decimals, unit) = (rounded.value, rounded.decimals, .ms)
        } else {
            let rounded = RoundedNumber(nanoseconds, exponent: 9, digits: 3)
            (value, decimals, unit) = (rounded.value, rounded.decimals, .s)
        }
    }

    @inlinable init(cut nanoseconds: UInt64) {
        let length: UInt64
        (length, unit) =
            nanoseconds >= 1_000_000_000
            ? (1_000_000_000, .s) : nanoseconds >= 1_000_000 ? (1_000_000, .ms) : (1_000, .us)
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: length)
        let tenth = rest * 10 / length
        let isWhole = whole >= 100 || tenth == 0
        (value, decimals) = isWhole ? (whole, 0) : (whole * 10 + tenth, 1)
    }
}

/// A span as text: `40.49ms`, `-2.5s`.
public func spanText(_ nanoseconds: Int64, _ style: SpanStyle) -> String {
    let span = RoundedSpan(nanoseconds.magnitude, style)
    var digits = String(span.value)
    if span.decimals > 0 {
        digits = String(repeating: "0", count: max(0, span.decimals + 1 - digits.utf8.count)) + digits
        digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -span.decimals))
    }
    return (nanoseconds < 0 ? "-" : "") + digits + (style == .prose ? " " : "") + span.unit.rawValue
}

/// A number rounded to a given number of significant digits; it has more only if its integer part does.
@usableFromInline struct RoundedNumber {
    /// The digits, of which the last `decimals` stand behind the decimal point.
    @usableFromInline var value: UInt64
    @usableFromInline var decimals: Int

    /// Rounds the number `scaled / 10^exponent`, which must be at least 0.5. `exponent` is at most 9 and no less than
    /// `digits`.
    @inlinable @inline(__always) init(_ scaled: UInt64, exponent: Int, digits: Int) {
        decimals = digits - 1
        var power = Self.power(exponent + 1)
        while decimals > 0 && scaled >= power {
            decimals -= 1
            power *= 10
        }
        value = Self.rounded(scaled, exponent - decimals)
        // 9.996 rounds to 10.0, not to 10.00: one more digit before the point means one fewer behind it.
        if decimals > 0 && value == Self.power(digits) {
            value /= 10
            decimals -= 1
        }
    }

    @inlinable @inline(__always) static func power(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 3: 1_000
        case 4: 10_000
        case 7: 10_000_000
        default: 10_000_000_000
        }
    }

    /// A number divided by a power of ten, halves rounded up. Division by a constant compiles to a multiplication.
    @inlinable @inline(__always) static func rounded(_ number: UInt64, _ exponent: Int) -> UInt64 {
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
