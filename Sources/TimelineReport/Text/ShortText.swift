// A short piece of ASCII in a fixed space: rows are put together in one and appended to the output at once.

import TCPModel

/// Something that text is appended to: the output, or a row on its way there.
protocol ByteSink {
    mutating func append(_ word: ShortWord)
    mutating func append(unsigned number: UInt64, minimumDigits: Int)
}

extension OutputBuffer: ByteSink {}

/// Up to 152 bytes; what is more is left out.
struct ShortText: ByteSink {
    /// One word less than there is, so that there is one behind each place.
    static let capacity = 152
    private var words: InlineArray<20, UInt64> = .init(repeating: Self.spaces)
    private(set) var count = 0

    private static var spaces: UInt64 { 0x2020_2020_2020_2020 }

    private init() {}

    /// Lends `body` an empty text, and appends to `out` what it has put there.
    @inline(__always) static func append(to out: inout OutputBuffer, _ body: (inout ShortText) -> Void) {
        var text = ShortText()
        body(&text)
        out.append(text.words, text.count)
    }

    /// Appends a short word.
    @inline(__always) mutating func append(_ word: ShortWord) { append(word.characters, word.count) }

    @inline(__always) private mutating func append(_ characters: UInt64, _ length: Int) {
        guard length > 0, length <= 8, count <= Self.capacity &- length else { return }
        // Bytes beyond the count are spaces: what differs from them is put there, in the two words that it falls on.
        let difference = characters ^ (Self.spaces &>> UInt64(64 &- 8 &* length))
        let place = count >> 3
        let shift = UInt64(8 &* (count & 7))
        words[place] ^= (difference &<< shift).littleEndian
        if shift > 0 { words[place &+ 1] ^= (difference &>> (64 &- shift)).littleEndian }
        count &+= length
    }

    /// Appends a short word behind as many spaces as make it `columns` wide.
    @inline(__always) mutating func append(_ word: ShortWord, rightIn columns: Int) {
        pad(to: count &+ max(0, columns &- word.count))
        append(word)
    }

    /// Appends a number behind as many spaces as make it `columns` wide.
    @inline(__always) mutating func append(number: UInt64, rightIn columns: Int) {
        if let word = ShortWord(number) { return append(word, rightIn: columns) }
        append(unsigned: number, minimumDigits: 1)
    }

    /// Appends a span, or `-` for one that is not known, behind as many spaces as make it `columns` wide.
    mutating func append(span: Int64, compact: Bool = false, rightIn columns: Int) {
        if span < 0 { return append(ShortWord(0x2d), rightIn: columns) }
        if let word = ShortWord(span: span.magnitude, compact: compact) { return append(word, rightIn: columns) }
        write(span: span, compact: compact)
    }

    /// Puts another byte where there is one already.
    mutating func set(_ byte: UInt8, at index: Int) {
        let (word, place) = (index >> 3, UInt64(8 &* (index & 7)))
        words[word] = (words[word].littleEndian & ~(0xff &<< place) | UInt64(byte) &<< place).littleEndian
    }

    /// Appends a literal of ours.
    @inline(__always) mutating func append(_ literal: StaticString) {
        var start = 0
        while start < literal.utf8CodeUnitCount {
            append(literal.characters(from: start), min(8, literal.utf8CodeUnitCount &- start))
            start &+= 8
        }
    }

    mutating func append(unsigned number: UInt64, minimumDigits: Int) {
        if minimumDigits <= 1, let word = ShortWord(number) { return append(word) }
        var digits: [UInt8] = []
        var rest = number
        repeat {
            digits.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0 || digits.count < minimumDigits
        for digit in digits.reversed() { append(ShortWord(digit)) }
    }

    /// Appends spaces up to `column`. Bytes beyond the count are spaces already.
    @inline(__always) mutating func pad(to column: Int) { count = max(count, min(column, Self.capacity)) }

    /// Appends `127.0.0.1:9500`; the address is an IPv4 one.
    @inline(__always) mutating func append(v4 end: SocketAddress) {
        let address = end.address.v4
        append(ShortWord(octet: address >> 24, before: 0x2e))
        append(ShortWord(octet: address >> 16 & 255, before: 0x2e))
        append(ShortWord(octet: address >> 8 & 255, before: 0x2e))
        append(ShortWord(octet: address & 255, before: 0x3a))
        append(number: UInt64(end.port), rightIn: 0)
    }
}
