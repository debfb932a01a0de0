// SHA-1 (FIPS 180-4 6.1) of a message that fits into one block, without heap allocation:
// connection names, Community ID and the tokens of MPTCP 0 are defined in terms of it.
// It guards no secret; a cryptography library would add megabytes of code for it.

public import TCPModel

/// A message of at most 27 half-words (54 octets), and its digest.
public struct ShortDigest {
    /// The message in its first 16 words, then the schedule.
    private var words: InlineArray<80, UInt32> = .init(repeating: 0)
    private var halves = 0

    /// An empty message.
    public init() {}

    /// Appends two octets, the upper one first.
    public mutating func append(_ half: UInt16) {
        precondition(halves < 27)
        words[halves >> 1] |= UInt32(half) << (halves & 1 == 0 ? 16 : 0)
        halves &+= 1
    }

    /// Appends four octets.
    public mutating func append(_ word: UInt32) {
        append(UInt16(truncatingIfNeeded: word >> 16))
        append(UInt16(truncatingIfNeeded: word))
    }

    /// Appends eight octets.
    public mutating func append(_ number: UInt64) {
        append(UInt32(truncatingIfNeeded: number >> 32))
        append(UInt32(truncatingIfNeeded: number))
    }

    /// Appends an address: four octets of IPv4, 16 of IPv6.
    public mutating func append(_ address: IPAddress) {
        if address.isV4 { return append(address.v4) }
        append(address.high)
        append(address.low)
    }

    /// The digest: five words.
    public consuming func digest() -> InlineArray<5, UInt32> {
        // The message is followed by a single 1 bit, and by its length in bits at the end of the block.
        words[halves >> 1] |= halves & 1 == 0 ? 0x8000_0000 : 0x8000
        words[15] = UInt32(halves * 16)
        for t in 16..<80 {
            words[t] = Self.rotate(words[t &- 3] ^ words[t &- 8] ^ words[t &- 14] ^ words[t &- 16], 1)
        }
        var state = State()
        for t in 0..<20 { state.step(state.b & state.c | ~state.b & state.d, 0x5a82_7999, words[t]) }
        for t in 20..<40 { state.step(state.b ^ state.c ^ state.d, 0x6ed9_eba1, words[t]) }
        for t in 40..<60 { state.step(state.b & state.c | state.d & (state.b | state.c), 0x8f1b_bcdc, words[t]) }
        for t in 60..<80 { state.step(state.b ^ state.c ^ state.d, 0xca62_c1d6, words[t]) }
        let start = State()
        return [
            start.a &+ state.a, start.b &+ state.b, start.c &+ state.c, start.d &+ state.d, start.e &+ state.e,
        ]
    }

    private struct State {
        var a: UInt32 = 0x6745_2301
        var b: UInt32 = 0xefcd_ab89
        var c: UInt32 = 0x98ba_dcfe
        var d: UInt32 = 0x1032_5476
        var e: UInt32 = 0xc3d2_e1f0

        @inline(__always) mutating func step(_ f: UInt32, _ k: UInt32, _ word: UInt32) {
            let next = ShortDigest.rotate(a, 5) &+ f &+ e &+ k &+ word
            (e, d, c, b, a) = (d, c, ShortDigest.rotate(b, 30), a, next)
        }
    }

    @inline(__always) private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
        word &<< count | word &>> (32 &- count)
    }
}
