// pcapng timestamps: converts the decimal and binary units of if_tsresol, with if_tsoffset, to nanoseconds since the
// epoch.

import TCPModel

/// The unit and the origin of one pcapng interface's timestamps.
struct PcapngClock: BitwiseCopyable {
    private enum Unit: BitwiseCopyable {
        /// A unit of this many nanoseconds.
        case nanoseconds(UInt64)
        /// A fraction of a nanosecond: this many units are one nanosecond.
        case fraction(UInt64)
        /// A unit of 2^-n seconds.
        case binary(UInt64)
    }

    private let unit: Unit
    private let offsetSeconds: Int64

    /// Microseconds since the epoch: pcapng's default.
    static let microseconds = PcapngClock(unit: .nanoseconds(1000), offsetSeconds: 0)

    private init(unit: Unit, offsetSeconds: Int64) {
        self.unit = unit
        self.offsetSeconds = offsetSeconds
    }

    /// The clock for an if_tsresol byte and an if_tsoffset; nil if 64 bits cannot hold one second of it.
    init?(resolution: UInt8, offsetSeconds: Int64) {
        let exponent = Int(resolution & 0x7f)
        self.offsetSeconds = offsetSeconds
        if resolution & 0x80 != 0 {
            guard exponent < 64 else { return nil }
            unit = .binary(UInt64(exponent))
        } else if exponent <= 9 {
            unit = .nanoseconds(Self.powerOfTen(9 - exponent))
        } else {
            guard exponent <= 19 else { return nil }
            unit = .fraction(Self.powerOfTen(exponent - 9))
        }
    }

    /// The point in time of a timestamp. Saturates on absurd values.
    @inline(__always) func time(high: UInt32, low: UInt32) -> Timestamp {
        let ticks = UInt64(high) << 32 | UInt64(low)
        let nanoseconds: UInt64
        switch unit {
        case .nanoseconds(let each):
            let (product, overflow) = ticks.multipliedReportingOverflow(by: each)
            nanoseconds = overflow ? .max : product
        case .fraction(let each):
            nanoseconds = ticks / each
        case .binary(let shift):
            let seconds = ticks >> shift
            let rest = ticks & (1 << shift &- 1)
            // rest < 2^shift, so rest * 10^9 / 2^shift < 10^9.
            let (upper, lower) = rest.multipliedFullWidth(by: 1_000_000_000)
            let fraction = shift == 0 ? 0 : upper << (64 - shift) | lower >> shift
            return Timestamp(
                seconds: Int64(clamping: seconds), nanoseconds: Int64(clamping: fraction)
            ).shifted(bySeconds: offsetSeconds)
        }
        let time = Timestamp(nanoseconds: Int64(clamping: nanoseconds))
        return offsetSeconds == 0 ? time : time.shifted(bySeconds: offsetSeconds)
    }

    private static func powerOfTen(_ exponent: Int) -> UInt64 {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
}

extension Timestamp {
    /// The point this many seconds later; saturates.
    fileprivate func shifted(bySeconds seconds: Int64) -> Timestamp {
        Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }
}
