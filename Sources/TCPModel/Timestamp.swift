// Points in time and the spans between them, as exact nanoseconds.

/// A point in time: nanoseconds since 1970-01-01 00:00:00 UTC, by the capture's clock.
public struct Timestamp: Hashable, Comparable, BitwiseCopyable, Sendable {
    /// Nanoseconds since the Unix epoch, negative before it. Int64 covers the years 1677 to 2262.
    public var nanoseconds: Int64

    /// The point `nanoseconds` after the Unix epoch.
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The point at whole seconds plus nanoseconds. Saturates instead of trapping on absurd capture files.
    @inlinable public init(seconds: Int64, nanoseconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(nanoseconds)
        self.nanoseconds = overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// Nanoseconds from `earlier` to this point; negative if the clock was set back. Saturates.
    @inlinable public func since(_ earlier: Timestamp) -> Int64 {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return overflow ? (nanoseconds < 0 ? .min : .max) : difference
    }

    /// The point `span` nanoseconds later; saturates.
    @inlinable public func advanced(by span: Int64) -> Timestamp {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(span)
        return Timestamp(nanoseconds: overflow ? (span < 0 ? .min : .max) : sum)
    }

    /// Earlier than.
    @inlinable public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// Spans of time in nanoseconds, for readable constants.
public enum Span {
    /// One microsecond in nanoseconds.
    public static let microsecond: Int64 = 1_000
    /// One millisecond in nanoseconds.
    public static let millisecond: Int64 = 1_000_000
    /// One second in nanoseconds.
    public static let second: Int64 = 1_000_000_000

    /// The sum of two spans. Saturates, since a capture may claim any times.
    @inlinable public static func sum(_ first: Int64, _ second: Int64) -> Int64 {
        let (sum, overflow) = first.addingReportingOverflow(second)
        return overflow ? (first < 0 ? .min : .max) : sum
    }
}
