// Caches the text of a column's latest address: there are few servers, and clients come in groups.

import TCPModel

/// The part before the port of `127.0.0.1:9500` or `[::1]:9500`, colon included, cached for the next row.
struct AddressText {
    private var address: IPAddress?
    /// The characters, eight per word with the first in the lowest octet, padded with spaces.
    private var words: InlineArray<6, UInt64> = .init(repeating: Self.spaces)
    private(set) var count = 0

    private static var spaces: UInt64 { 0x2020_2020_2020_2020 }

    init() {}

    /// Whether this is the text of `other`.
    @inline(__always) func isOf(_ other: IPAddress) -> Bool { address == other }

    /// Makes this the text of another address.
    @inline(never) mutating func become(_ other: IPAddress) {
        address = other
        if other.isV4 { return become(v4: other.v4) }
        count = 0
        words = .init(repeating: Self.spaces)
        append(0x5b)
        other.forEachCharacter { append($0) }
        append(0x5d)
        append(0x3a)
    }

    /// At most sixteen characters, assembled in a single 128-bit word.
    private mutating func become(v4 address: UInt32) {
        var characters: UInt128 = 0
        count = 0
        for place in 0..<4 {
            let shift = UInt32(24 - 8 * place)
            let octet = ShortWord(octet: address >> shift & 255, before: place < 3 ? 0x2e : 0x3a)
            characters |= UInt128(octet.characters) << UInt128(8 * count)
            count += octet.count
        }
        words[0] = UInt64(truncatingIfNeeded: characters)
        words[1] = UInt64(truncatingIfNeeded: characters >> 64)
        if count < 8 { words[0] |= Self.spaces << UInt64(8 * count) }
        words[1] |= Self.spaces << UInt64(max(0, 8 * (count - 8)))
    }

    /// The maximum is 43 octets: eight groups of four digits, seven colons between them, brackets, and the final colon.
    private mutating func append(_ character: UInt8) {
        let shift = UInt64(count & 7) * 8
        words[count >> 3] = words[count >> 3] & ~(0xff << shift) | UInt64(character) << shift
        count += 1
    }

    /// Calls `body` with each word that has characters, and its position in the text.
    @inline(__always) func forEachWord(_ body: (UInt64, Int) -> Void) {
        // Two words are enough for IPv4.
        body(words[0], 0)
        body(words[1], 8)
        var index = 2
        while index &* 8 < count {
            body(words[index], index &* 8)
            index &+= 1
        }
    }
}
