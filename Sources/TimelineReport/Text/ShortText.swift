// A short piece of ASCII in a fixed space: rows are put together in one and appended to the output at once.

import TCPModel

/// Something that bytes and literals are appended to: the output, or a row on its way there.
protocol ByteSink {
    mutating func append(byte: UInt8)
    mutating func append(_ literal: StaticString)
    mutating func append(unsigned number: UInt64, minimumDigits: Int)
}

extension OutputBuffer: ByteSink {
    /// Appends a short text's bytes.
    mutating func append(_ text: borrowing ShortText) { text.write(to: &self) }
}

/// Up to 160 bytes; what is more is left out.
struct ShortText: ByteSink {
    static let capacity = 160
    private var bytes: InlineArray<160, UInt8> = .init(repeating: 0x20)
    private(set) var count = 0

    init() {}

    @inline(__always) mutating func append(byte: UInt8) {
        guard count < Self.capacity else { return }
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
        guard count &+ digits <= Self.capacity else { return }
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

    /// Appends spaces up to `column`.
    mutating func pad(to column: Int) {
        while count < min(column, Self.capacity) { append(byte: 0x20) }
    }

    /// Puts spaces before the text from `start` on, so that it takes `columns` columns.
    mutating func indent(from start: Int, to columns: Int) {
        let missing = columns - (count - start)
        guard missing > 0, count + missing <= Self.capacity else { return }
        var index = count
        while index > start {
            index &-= 1
            bytes[index &+ missing] = bytes[index]
        }
        for index in start..<start + missing { bytes[index] = 0x20 }
        count += missing
    }

    /// Appends `127.0.0.1:9500`; false, and nothing, for an IPv6 address.
    mutating func append(v4 end: SocketAddress) -> Bool {
        guard end.address.isV4 else { return false }
        let address = end.address.low
        for index: UInt64 in 0..<4 {
            append(unsigned: address >> (24 - index * 8) & 255, minimumDigits: 1)
            append(byte: index < 3 ? 0x2e : 0x3a)
        }
        append(unsigned: UInt64(end.port), minimumDigits: 1)
        return true
    }

    func write(to out: inout OutputBuffer) { out.append(bytes, count) }
}
