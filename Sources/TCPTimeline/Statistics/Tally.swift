// Count, minimum, maximum, sum and sum of squares of a series, without keeping the series.

/// A series of measured times, in nanoseconds.
public struct Tally: BitwiseCopyable, Sendable {
    /// The number of values.
    public private(set) var count: UInt64 = 0
    /// The smallest value; 0 if there is none.
    public private(set) var minimum: Int64 = 0
    /// The largest value; 0 if there is none.
    public private(set) var maximum: Int64 = 0
    /// The latest value; 0 if there is none.
    public private(set) var last: Int64 = 0
    private var sum = 0.0
    private var squares = 0.0

    init() {}

    mutating func add(_ value: Int64) {
        minimum = count == 0 ? value : min(minimum, value)
        maximum = count == 0 ? value : max(maximum, value)
        last = value
        count &+= 1
        sum += Double(value)
        squares += Double(value) * Double(value)
    }

    /// The mean; 0 if there is no value.
    public var average: Double { count == 0 ? 0 : sum / Double(count) }

    /// The standard deviation of the sample (n - 1); 0 for fewer than two values.
    public var deviation: Double {
        guard count > 1 else { return 0 }
        let variance = (squares - sum * sum / Double(count)) / Double(count - 1)
        return variance > 0 ? variance.squareRoot() : 0
    }
}
