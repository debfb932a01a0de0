// A short piece of ASCII in a fixed space: rows are put together in one and appended to the output at once.

import TCPModel

/// Something that bytes and literals are appended to: the output, or a row on its way there.
protocol ByteSink {
    mutating func append(byte: UInt8)
    mutating func append(_ literal: StaticString)
    mutating func append(unsigned number: UInt64, minimumDigits: Int)
}

extension OutputBuffer: ByteSink {}

/// Up to 160 bytes; what is more is left out.
struct ShortText: ByteSink {
    static let capacity = 160
    private var bytes: InlineArray<160, UInt8> = .init(repeating: 0x20)
    private(set) var count = 0

    private init() {}

    /// Lends `body` an empty text, and appends to `out` what it has put there.
    @inline(__always) static func append(to out: inout OutputBuffer, _ body: (inout ShortText) -> Void) {
        var text = ShortText()
        body(&text)
        out.append(text.bytes, text.count)
    }

    /// Whether there is room for `more` bytes.
    @inline(__always) private func hasRoom(_ more: Int) -> Bool { more >= 0 && more <= Self.capacity &- count }

    @inline(__always) mutating func append(byte: UInt8) {
        guard hasRoom(1) else { return }
        bytes[count] = byte
        count &+= 1
    }

    /// Puts another byte where there is one already.
    mutating func set(_ byte: UInt8, at index: Int) { bytes[index] = byte }

    mutating func append(_ literal: StaticString) {
        literal.forEachByte { append(byte: $0) }
    }

    mutating func append(unsigned number: UInt64, minimumDigits: Int) {
        var digits = 1
        var limit: UInt64 = 10
        while digits < 19 && number >= limit {
            digits &+= 1
            limit &*= 10
        }
        if digits == 19 && number >= limit { digits = 20 }
        digits = max(digits, minimumDigits)
        guard hasRoom(digits) else { return }
        var place = count &+ digits
        count = place
        var rest = number
        for _ in 0..<digits {
            place &-= 1
            let tenth = rest / 10
            bytes[place] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- tenth &* 10)
            rest = tenth
        }
    }

    /// Appends spaces up to `column`. Bytes beyond the count are spaces already.
    @inline(__always) mutating func pad(to column: Int) { count = max(count, min(column, Self.capacity)) }

    /// Puts spaces before the text from `start` on, so that it takes `columns` columns.
    mutating func indent(from start: Int, to columns: Int) {
        let missing = columns - (count - start)
        guard missing > 0, hasRoom(missing), start >= 0, start <= count else { return }
        var index = count
        while index > start {
            index &-= 1
            bytes[index &+ missing] = bytes[index]
        }
        for index in start..<start + missing { bytes[index] = 0x20 }
        count &+= missing
    }

    /// Appends `127.0.0.1:9500`; the address is an IPv4 one.
    mutating func append(v4 end: SocketAddress) {
        let address = end.address.v4
        for index: UInt32 in 0..<4 {
            append(octet: address >> (24 &- index &* 8) & 255)
            append(byte: index < 3 ? 0x2e : 0x3a)
        }
        append(unsigned: UInt64(end.port), minimumDigits: 1)
    }

    /// Appends a number below 256 in decimal.
    @inline(__always) private mutating func append(octet: UInt32) {
        let hundreds = (octet &* 41) >> 12
        let rest = octet &- hundreds &* 100
        let tens = (rest &* 103) >> 10
        if hundreds > 0 { append(byte: 0x30 &+ UInt8(truncatingIfNeeded: hundreds)) }
        if octet > 9 { append(byte: 0x30 &+ UInt8(truncatingIfNeeded: tens)) }
        append(byte: 0x30 &+ UInt8(truncatingIfNeeded: rest &- tens &* 10))
    }
}
