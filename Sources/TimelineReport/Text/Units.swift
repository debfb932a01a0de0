// Spans of time and points in time as people read them.

import Glibc
public import TCPModel

extension OutputBuffer {
    /// Appends a span with its unit, rounded to three significant digits, milliseconds to four unless `compact`: `22us`,
    /// `40.49ms`, `1.02s`, `60.0s`, `3600s`.
    public mutating func append(span nanoseconds: Int64, compact: Bool = false) {
        write(span: nanoseconds, compact: compact)
    }

    /// Appends `2026-11-22 16:07:14.454475` in local time, to the microsecond or the nanosecond.
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

    /// Appends `16:07:14.454475` in local time.
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
    /// See `OutputBuffer.append(span:compact:)`.
    mutating func write(span nanoseconds: Int64, compact: Bool = false) {
        if nanoseconds < 0 { append("-") }
        let magnitude = nanoseconds.magnitude
        if magnitude < 1_000 {
            append(unsigned: magnitude, minimumDigits: 1)
            append("ns")
        } else if magnitude < 999_500 {
            // Microseconds are whole numbers in nearly every capture file: print decimals only where there are some.
            append(magnitude, unit: 1_000, digits: 3, isWhole: magnitude % 1_000 == 0)
            append("us")
        } else if magnitude < 999_500_000 {
            append(magnitude, unit: 1_000_000, digits: compact ? 3 : 4)
            append("ms")
        } else {
            append(magnitude, unit: 1_000_000_000, digits: 3)
            append("s")
        }
    }

    /// Appends `magnitude / unit`, rounded to so many significant digits (more only if the whole part has more).
    private mutating func append(_ magnitude: UInt64, unit: UInt64, digits: Int, isWhole: Bool = false) {
        var decimals = digits - 1
        var power = unit * 10
        while decimals > 0 && magnitude >= power {
            decimals -= 1
            power *= 10
        }
        if isWhole { decimals = 0 }
        var scale: UInt64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let step = unit / scale
        var rounded = magnitude / step + (magnitude % step * 2 >= step ? 1 : 0)
        // 9.996 rounds to 10.0, not to 10.00: one digit more before the point is one less behind it.
        if decimals > 0 && rounded == power / unit * scale {
            rounded /= 10
            scale /= 10
            decimals -= 1
        }
        append(unsigned: rounded / scale, minimumDigits: 1)
        guard decimals > 0 else { return }
        append(".")
        append(unsigned: rounded % scale, minimumDigits: decimals)
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
        // Both pointers are to local variables that outlive the call; nil means a year beyond Int32, left at the default.
        guard unsafe localtime_r(&clock, &parts) != nil else { return }
        unsafe (year, month, day) = (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
        unsafe (hour, minute, second) = (Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
    }
}
