// Time arithmetic saturates, because a capture file may contain any value.

import TCPModel
import Testing

@Suite("Timestamps") struct TimestampTests {
    @Test func ordinary() {
        let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789)
        #expect(time.nanoseconds == 1_700_000_000_123_456_789)
        #expect(time.advanced(by: Span.millisecond).since(time) == 1_000_000)
        #expect(time.since(time.advanced(by: Span.second)) == -1_000_000_000)
        #expect(time < time.advanced(by: 1))
        #expect(Timestamp(seconds: -1, nanoseconds: 999_999_999).nanoseconds == -1)
    }

    @Test("32-bit seconds with any 32-bit fraction are exact")
    func classicPcap() {
        let time = Timestamp(seconds: 0xffff_ffff, nanoseconds: 0xffff_ffff * 1000)
        #expect(time.nanoseconds == 0xffff_ffff * 1_000_000_000 + 0xffff_ffff * 1000)
    }

    @Test func saturation() {
        #expect(Timestamp(seconds: .max, nanoseconds: 0).nanoseconds == .max)
        #expect(Timestamp(seconds: .min, nanoseconds: 0).nanoseconds == .min)
        #expect(Timestamp(seconds: 9_223_372_036, nanoseconds: .max).nanoseconds == .max)
        #expect(Timestamp(seconds: -9_223_372_036, nanoseconds: .min).nanoseconds == .min)
        let first = Timestamp(nanoseconds: .min)
        let last = Timestamp(nanoseconds: .max)
        #expect(last.since(first) == .max)
        #expect(first.since(last) == .min)
        #expect(last.advanced(by: 1) == last)
        #expect(first.advanced(by: -1) == first)
        #expect(last.advanced(by: .min) == Timestamp(nanoseconds: -1))
    }
}
