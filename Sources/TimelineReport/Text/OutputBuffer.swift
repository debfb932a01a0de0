// The bytes on their way to standard output. Every report appends here; whoever owns the descriptor writes and clears it.

/// A growing byte buffer with just the formatting that reports need: no Foundation, no format strings.
///
/// Text from outside (names of processes, files, interfaces, hosts) goes through `appendPrintable` or
/// `appendJSONString`; the plain `append` is for our own literals and numbers.
public struct OutputBuffer: Sendable {
    /// The bytes so far, UTF-8.
    public private(set) var bytes: [UInt8] = []

    /// An empty buffer.
    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// How many bytes there are.
    public var count: Int { bytes.count }

    /// Forgets the bytes but keeps the memory.
    public mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// Forgets the bytes from `count` on.
    public mutating func truncate(to count: Int) {
        if count < bytes.count { bytes.removeSubrange(count...) }
    }

    /// Appends one byte.
    public mutating func append(byte: UInt8) { bytes.append(byte) }

    /// Puts another byte where there is one already.
    mutating func set(_ byte: UInt8, at index: Int) { bytes[index] = byte }

    /// Appends `count` copies of one byte; none if `count` is negative.
    public mutating func append(repeating byte: UInt8, count: Int) {
        if count > 0 { bytes.append(contentsOf: repeatElement(byte, count: count)) }
    }

    /// Appends a literal of ours.
    public mutating func append(_ literal: StaticString) {
        literal.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends `"name":`, after a comma if it is not the first, in one go.
    mutating func append(key name: StaticString, separated: Bool) {
        name.withUTF8Buffer { utf8 in
            bytes.append(addingCapacity: utf8.count + 4) { room in
                if separated { room.append(0x2c) }
                room.append(0x22)
                // The literal's own octets: the index is below its count.
                for index in 0..<utf8.count { unsafe room.append(utf8[index]) }
                room.append(0x22)
                room.append(0x3a)
            }
        }
    }

    /// Appends text that is known to be printable.
    public mutating func append(text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends bytes that are known to be printable.
    public mutating func append(contentsOf other: [UInt8]) { bytes.append(contentsOf: other) }

    /// Appends some of another buffer's bytes.
    @inline(__always) public mutating func append(_ other: borrowing OutputBuffer, _ range: Range<Int>) {
        // The range is checked here; the other buffer's bytes live through the call.
        unsafe other.bytes.withUnsafeBufferPointer { unsafe append(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    /// Appends the first `count` of these bytes.
    mutating func append(_ text: borrowing InlineArray<160, UInt8>, _ count: Int) {
        // The slice is checked; the bytes live through the call.
        unsafe text.span.withUnsafeBufferPointer { unsafe append(UnsafeBufferPointer(rebasing: $0[..<count])) }
    }

    /// Appends these bytes.
    @inline(__always) private mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        unsafe bytes.append(contentsOf: text)
    }

    /// Appends a line feed.
    public mutating func newline() { bytes.append(0x0a) }

    /// Appends a number in decimal.
    public mutating func append<Number: BinaryInteger>(number: Number) {
        if number < 0 { bytes.append(0x2d) }
        append(unsigned: UInt64(number.magnitude), minimumDigits: 1)
    }

    /// Appends a number in decimal with leading zeros up to `minimumDigits`, which is at most 24.
    public mutating func append(unsigned number: UInt64, minimumDigits: Int) {
        if number < 10 && minimumDigits <= 1 { return bytes.append(0x30 + UInt8(truncatingIfNeeded: number)) }
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { digits in
            var start = 24
            var rest = number
            // 20 digits at most, and 24 with zeros before them: start stays within the 24 bytes.
            repeat {
                start &-= 1
                let tenth = rest / 10
                unsafe digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- tenth &* 10)
                rest = tenth
            } while rest > 0
            while start > 0 && 24 - start < minimumDigits {
                start &-= 1
                unsafe digits[start] = 0x30
            }
            unsafe append(UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    /// Appends `scaled / 10^decimals` in decimal notation, truncated to `digits` decimals.
    public mutating func append(fixed scaled: Int64, decimals: Int, digits: Int) {
        if scaled < 0 { bytes.append(0x2d) }
        var unit: UInt64 = 1
        for _ in 0..<decimals { unit *= 10 }
        append(unsigned: scaled.magnitude / unit, minimumDigits: 1)
        guard digits > 0 else { return }
        var fraction = scaled.magnitude % unit
        for _ in digits..<max(digits, decimals) { fraction /= 10 }
        bytes.append(0x2e)
        append(unsigned: fraction, minimumDigits: digits)
    }

    /// Appends spaces until the line that began at `start` is `column` columns wide (all text so far being ASCII).
    public mutating func pad(to column: Int, from start: Int) {
        append(repeating: 0x20, count: start + column - bytes.count)
    }

    /// Moves the last `amount` bytes to `start`.
    mutating func rotate(from start: Int, by amount: Int) {
        let end = bytes.count
        guard start >= 0, amount > 0, start + amount <= end else { return }
        // Three reversals move a block without room for a copy.
        reverse(start..<end)
        reverse(start..<start + amount)
        reverse(start + amount..<end)
    }

    private mutating func reverse(_ range: Range<Int>) {
        var low = range.lowerBound
        var high = range.upperBound - 1
        while low < high {
            bytes.swapAt(low, high)
            low += 1
            high -= 1
        }
    }

    /// Breaks the ASCII line that began at `start` after commas, so that no part is wider than `width` where that can be. The
    /// parts after the first begin with the line's first `margin` bytes and are indented.
    mutating func fold(from start: Int, to width: Int, margin: Int) {
        guard bytes.count - start > width else { return }
        let line = Array(bytes[start...])
        bytes.removeSubrange(start...)
        var partStart = start
        for (index, word) in line.split(separator: 0x20, omittingEmptySubsequences: false).enumerated() {
            let isAfterComma = bytes.count > partStart && bytes.last == 0x2c
            // The whole list item counts: up to and with its comma.
            let rest = line[word.startIndex...]
            let item = rest.firstIndex(of: 0x2c).map { $0 - word.startIndex + 1 } ?? rest.count
            if isAfterComma && bytes.count - partStart + 1 + item > width {
                newline()
                partStart = bytes.count
                bytes.append(contentsOf: line[..<margin])
                append("  ")
            } else if index > 0 {
                append(byte: 0x20)
            }
            bytes.append(contentsOf: word)
        }
    }

    /// Appends untrusted text so that nothing in it can act on a terminal: control characters, bidirectional and
    /// invisible format characters and the C1 set come out as `\x1b`, `\u{202e}`; a backslash is doubled.
    public mutating func appendPrintable(_ text: String) {
        // Nearly always there is nothing to escape.
        if text.utf8.allSatisfy({ 0x20...0x7e ~= $0 && $0 != 0x5c }) { return bytes.append(contentsOf: text.utf8) }
        for scalar in text.unicodeScalars { appendPrintable(scalar) }
    }

    private mutating func appendPrintable(_ scalar: Unicode.Scalar) {
        if scalar == "\\" {
            append("\\\\")
        } else if scalar.isUnsafeOnTerminals {
            if scalar.value < 0x100 {
                append("\\x")
                append(hex: scalar.value, digits: 2)
            } else {
                append("\\u{")
                append(hex: scalar.value, digits: 4)
                append("}")
            }
        } else {
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// Appends untrusted text as a JSON string with its quotes (RFC 8259 7).
    public mutating func appendJSONString(_ text: String) {
        bytes.append(0x22)
        if text.utf8.allSatisfy({ 0x20...0x7e ~= $0 && $0 != 0x5c && $0 != 0x22 }) {
            bytes.append(contentsOf: text.utf8)
            return bytes.append(0x22)
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\t": append("\\t")
            case "\r": append("\\r")
            case _ where scalar.isUnsafeOnTerminals:
                // Beyond the first plane (tags, private use) it takes a surrogate pair.
                for unit in String(scalar).utf16 {
                    append("\\u")
                    append(hex: UInt32(unit), digits: 4)
                }
            default:
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        bytes.append(0x22)
    }

    /// Appends a number in lower-case hexadecimal with leading zeros up to `digits`.
    public mutating func append(hex number: UInt32, digits: Int) {
        let text = String(number, radix: 16)
        append(repeating: 0x30, count: digits - text.utf8.count)
        append(text: text)
    }
}

extension StaticString {
    /// Calls `body` with each byte of a literal.
    func forEachByte(_ body: (UInt8) -> Void) {
        withUTF8Buffer { text in
            // The index stays below the count; the literal lives as long as the program.
            for index in 0..<text.count { body(unsafe text[index]) }
        }
    }
}

extension Unicode.Scalar {
    /// Whether a terminal may act on this scalar, or show the text around it in another order or not at all.
    var isUnsafeOnTerminals: Bool {
        // Nearly everything is ASCII, and the table of categories is slow.
        if value < 0x7f { return value < 0x20 }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
