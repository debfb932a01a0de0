// What is remembered about recent SYNs, by their numbers.

/// Values for SYNs, each in the place that its ISN gives: a later SYN with the same place replaces it.
/// No memory is used before the first.
struct RecentSyns<Value: BitwiseCopyable & Sendable>: Sendable {
    /// The number of places is 2 to this power. The highest bits of a product choose the place:
    /// ISNs may differ in any of their bits.
    private static var bits: UInt32 { 8 }

    private var values: [Value?] = []

    /// The value in the place of the SYN with this number; the value itself must show whether it is about this SYN.
    subscript(sequence: UInt32) -> Value? {
        get { values.isEmpty ? nil : values[Self.place(sequence)] }
        set {
            if values.isEmpty { values = Array(repeating: nil, count: 1 << Self.bits) }
            values[Self.place(sequence)] = newValue
        }
    }

    private static func place(_ sequence: UInt32) -> Int { Int((sequence &* 0x9e37_79b1) >> (32 - bits)) }
}
