// Time spans as people read them, in each style.

import TCPModel
import Testing

@Suite struct RoundedSpanTests {
    @Test(arguments: [
        (0, "0ns", "0ns", "0us", "0 us"), (999, "999ns", "999ns", "0.9us", "0.9 us"),
        (22_000, "22us", "22us", "22us", "22 us"), (22_560, "22.6us", "22.6us", "22.5us", "22.5 us"),
        (999_999, "1.000ms", "1.00ms", "999us", "999 us"), (40_492_000, "40.49ms", "40.5ms", "40.4ms", "40.4 ms"),
        (1_000_000_000, "1.00s", "1.00s", "1s", "1 s"), (59_990_000_000, "60.0s", "60.0s", "59.9s", "59.9 s"),
        (100_900_000_000, "101s", "101s", "100s", "100 s"), (-2_500_000_000, "-2.50s", "-2.50s", "-2.5s", "-2.5 s"),
        (.max, "9223372037s", "9223372037s", "9223372036s", "9223372036 s"),
    ])
    func styles(_ nanoseconds: Int64, _ measured: String, _ compact: String, _ sentence: String, _ prose: String) {
        #expect(spanText(nanoseconds, .measured) == measured)
        #expect(spanText(nanoseconds, .compact) == compact)
        #expect(spanText(nanoseconds, .sentence) == sentence)
        #expect(spanText(nanoseconds, .prose) == prose)
    }

    /// A value with fewer digits than decimals gets leading zeros: 5 with two decimals is 0.05.
    @Test func thePartBeforeThePointIsNeverEmpty() {
        #expect(spanText(500, .sentence) == "0.5us")
        #expect(spanText(.min, .measured) == "-9223372037s")
    }
}
