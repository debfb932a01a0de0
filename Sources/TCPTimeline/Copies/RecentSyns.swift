// What is remembered of the SYNs that came lately, by their numbers.

/// Values for SYNs, each in the place that its ISN gives: a later SYN of the same place takes it. Nothing is kept before the first.
struct RecentSyns<Value: BitwiseCopyable & Sendable>: Sendable {
    /// There are 2 to this power places. Which one it is the highest bits of a product say: ISNs may differ in any of their bits.
    private static var bits: UInt32 { 8 }

    private var values: [Value?] = []

    /// What the place of the SYN with this number has; whether it is of this SYN the value has to say.
    subscript(sequence: UInt32) -> Value? {
        get { values.isEmpty ? nil : values[Self.place(sequence)] }
        set {
            if values.isEmpty { values = Array(repeating: nil, count: 1 << Self.bits) }
            values[Self.place(sequence)] = newValue
        }
    }

    private static func place(_ sequence: UInt32) -> Int { Int((sequence &* 0x9e37_79b1) >> (32 - bits)) }
}
