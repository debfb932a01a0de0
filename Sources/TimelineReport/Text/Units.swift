// Human-readable spans and points in time.

import Glibc
public import TCPModel

extension OutputBuffer {
    /// Appends a span with its unit: `22us`, `40.49ms`.
    public mutating func append(span nanoseconds: Int64, _ style: SpanStyle = .measured) {
        switch style {
        case .measured, .compact: write(span: nanoseconds, style)
        case .sentence, .prose: append(text: spanText(nanoseconds, style))
        }
    }

    /// Appends `2026-11-22 16:07:14.454475` in local time, with microseconds or nanoseconds.
    public mutating func append(date time: Timestamp, nanoseconds: Bool = false) {
        let parts = CalendarTime(time)
        append(unsigned: UInt64(max(0, parts.year)), minimumDigits: 4)
        append("-")
        append(unsigned: UInt64(parts.month), minimumDigits: 2)
        append("-")
        append(unsigned: UInt64(parts.day), minimumDigits: 2)
        append(" ")
        append(clock: time, nanoseconds: nanoseconds)
    }

    /// Appends `16:07:14.454475` in local time, with microseconds or nanoseconds.
    public mutating func append(clock time: Timestamp, nanoseconds: Bool = false) {
        let parts = CalendarTime(time)
        append(unsigned: UInt64(parts.hour), minimumDigits: 2)
        append(":")
        append(unsigned: UInt64(parts.minute), minimumDigits: 2)
        append(":")
        append(unsigned: UInt64(parts.second), minimumDigits: 2)
        append(".")
        append(
            unsigned: UInt64(nanoseconds ? parts.nanosecond : parts.nanosecond / 1000),
            minimumDigits: nanoseconds ? 9 : 6)
    }
}

extension ByteSink {
    /// Appends a span with its unit, in one of the styles used by rows.
    @inline(__always) mutating func write(span nanoseconds: Int64, _ style: SpanStyle = .measured) {
        if nanoseconds < 0 { append(ShortWord(0x2d)) }
        let magnitude = nanoseconds.magnitude
        if let word = ShortWord(span: magnitude, style) { return append(word) }
        // Whole seconds.
        append(number: RoundedSpan(magnitude, style).value)
        append(ShortWord(0x73))
    }
}

/// A point in time in the calendar of the local time zone (TZ).
struct CalendarTime {
    var year = 1970
    var month = 1
    var day = 1
    var hour = 0
    var minute = 0
    var second = 0
    var nanosecond: Int64 = 0

    init(_ time: Timestamp) {
        var (seconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        if rest < 0 {
            rest += 1_000_000_000
            seconds -= 1
        }
        nanosecond = rest
        var clock = time_t(seconds)
        // `tm` holds a pointer to the zone's name, which is not used.
        var parts = unsafe tm()
        // Both pointers are to local variables that outlive the call. Nil means a year beyond Int32; then the defaults
        // remain.
        guard unsafe localtime_r(&clock, &parts) != nil else { return }
        unsafe (year, month, day) = (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
        unsafe (hour, minute, second) = (Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
    }
}
