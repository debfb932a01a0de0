// A short piece of ASCII in a fixed space: rows are assembled in one and appended to the output at once.

import TCPModel

/// A destination for text: the output, or a row under construction.
protocol ByteSink {
    mutating func append(_ word: ShortWord)
    mutating func append(number: UInt64)
}

extension OutputBuffer: ByteSink {}

/// Up to 184 bytes; anything beyond that is left out.
struct ShortText: ByteSink {
    /// Eight less than the room available, so that a whole word may be stored at each position.
    static let capacity = RowRoom.size - 8
    private let room: RowRoom
    private(set) var count = 0

    private static var spaces: UInt64 { 0x2020_2020_2020_2020 }

    private init(_ room: RowRoom) { self.room = room }

    /// Lends `body` an empty text, which is appended to `out`.
    @inline(__always) static func append(to out: inout OutputBuffer, _ body: (inout ShortText) -> Void) {
        out.append { room in
            var text = ShortText(room)
            body(&text)
            return text.count
        }
    }

    /// Appends a short word.
    @inline(__always) mutating func append(_ word: ShortWord) { append(word.characters, word.count) }

    @inline(__always) private mutating func append(_ characters: UInt64, _ length: Int) {
        guard length <= Self.capacity &- count else { return }
        // Bytes beyond the count remain spaces. Two shifts, because the total may be 64 bits.
        let half = UInt64(4 &* length & 63)
        room.store(characters | (Self.spaces &<< half) &<< half, at: count)
        count &+= length
    }

    /// Appends a short word, right-aligned in `columns` columns.
    @inline(__always) mutating func append(_ word: ShortWord, rightIn columns: Int) {
        pad(to: count &+ max(0, columns &- word.count))
        append(word)
    }

    /// Appends a number, right-aligned in `columns` columns.
    @inline(__always) mutating func append(number: UInt64, rightIn columns: Int) {
        if let word = ShortWord(number) { return append(word, rightIn: columns) }
        append(number: number)
    }

    /// Appends a span, or `-` if it is unknown, right-aligned in `columns` columns.
    mutating func append(span: Int64, _ style: SpanStyle = .measured, rightIn columns: Int) {
        if span < 0 { return append(ShortWord(0x2d), rightIn: columns) }
        if let word = ShortWord(span: span.magnitude, style) { return append(word, rightIn: columns) }
        write(span: span, style)
    }

    /// Appends bytes one by one.
    mutating func append(bytes: [UInt8]) {
        for byte in bytes where count < Self.capacity {
            room.store(byte, at: count)
            count += 1
        }
    }

    /// Replaces an existing byte.
    @inline(__always) mutating func set(_ byte: UInt8, at index: Int) { room.store(byte, at: index) }

    /// Appends a literal.
    @inline(__always) mutating func append(_ literal: StaticString) {
        var start = 0
        while start < literal.utf8CodeUnitCount {
            append(literal.characters(from: start), min(8, literal.utf8CodeUnitCount &- start))
            start &+= 8
        }
    }

    /// Appends a number in decimal.
    mutating func append(number: UInt64) {
        if let word = ShortWord(number) { return append(word) }
        let (upper, lower) = number.quotientAndRemainder(dividingBy: EightDigits.limit)
        append(number: upper)
        append(EightDigits(lower).characters(last: 8), 8)
    }

    /// Appends spaces up to `column`. Bytes beyond the count already are spaces.
    @inline(__always) mutating func pad(to column: Int) { count = max(count, min(column, Self.capacity)) }

    /// Appends an end as in `127.0.0.1:9500`.
    ///
    /// - Parameter text: the column's latest address, which becomes this one.
    @inline(__always) mutating func append(_ end: SocketAddress, _ text: inout AddressText) {
        if !text.isOf(end.address) { text.become(end.address) }
        // 48 octets are more than an address takes.
        guard count <= Self.capacity - 48 else { return }
        text.forEachWord { room.store($0, at: count &+ $1) }
        count &+= text.count
        append(number: UInt64(end.port), rightIn: 0)
    }
}
