// The output on its way to standard output. Every report appends to this buffer; the owner of the descriptor writes and
// clears it.

/// A growing byte buffer with only the formatting that reports need: no Foundation, no format strings.
///
/// Untrusted text (names of processes, files, interfaces, hosts) must go through `appendPrintable` or
/// `appendJSONString`; plain `append` is for our own literals and numbers.
public struct OutputBuffer: Sendable {
    /// The bytes, followed by room for more. All of it is initialized, so that appending is one comparison and a copy.
    private var memory: [UInt8]
    /// The number of bytes in use.
    public private(set) var count = 0

    /// The number of bytes by which storing a word of eight characters may exceed their count.
    private static let slack = 8
    /// The minimum amount by which the buffer grows.
    private static let leastRoom = 64

    /// An empty buffer.
    public init(capacity: Int = 0) { memory = Array(repeating: 0, count: capacity) }

    /// The bytes so far, UTF-8.
    public var bytes: ArraySlice<UInt8> { memory[..<count] }

    /// The byte at `index`, which must be less than `count`.
    @inline(__always) func byte(at index: Int) -> UInt8 {
        precondition(index < count)
        return memory[index]
    }

    /// Removes the bytes but keeps the memory.
    public mutating func clear() { count = 0 }

    /// Removes the bytes from `count` on.
    public mutating func truncate(to count: Int) { self.count = max(0, min(count, self.count)) }

    /// Replaces an existing byte.
    mutating func set(_ byte: UInt8, at index: Int) {
        precondition(index < count)
        memory[index] = byte
    }

    // MARK: Memory

    /// Lends `body` the memory of the next `size` bytes, all of which it must write, and the slack after them, which it
    /// may overwrite.
    @inline(__always) private mutating func extend(by size: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        if memory.count &- count < size &+ Self.slack { makeRoom(for: size) }
        let start = count
        unsafe memory.withUnsafeMutableBufferPointer { memory in
            // The first `count` octets are followed by `size` octets and the slack, as checked or allocated just above.
            if let base = memory.baseAddress { unsafe body(base + start) }
        }
        count = start &+ size
    }

    @inline(never) private mutating func makeRoom(for size: Int) {
        let more = max(size + Self.slack, memory.count, Self.leastRoom)
        var larger = [UInt8](repeating: 0, count: memory.count + more)
        defer { memory = larger }
        guard count > 0 else { return }
        unsafe larger.withUnsafeMutableBufferPointer { larger in
            unsafe memory.withUnsafeBufferPointer { memory in
                // `larger` has room for the old contents and more.
                if let old = memory.baseAddress { unsafe larger.baseAddress?.update(from: old, count: memory.count) }
            }
        }
    }

    /// Appends octets that stay valid during the call.
    @inline(__always) private mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        // A buffer without a base address is empty.
        guard let base = text.baseAddress else { return }
        let size = text.count
        unsafe extend(by: size) { unsafe $0.update(from: base, count: size) }
    }

    // MARK: Bytes and text

    /// Appends one byte.
    @inline(__always) public mutating func append(byte: UInt8) {
        // The one octet requested.
        unsafe extend(by: 1) { unsafe $0.pointee = byte }
    }

    /// Appends `count` copies of one byte; none if `count` is negative.
    public mutating func append(repeating byte: UInt8, count: Int) {
        // Exactly the octets requested.
        if count > 0 { unsafe extend(by: count) { unsafe $0.update(repeating: byte, count: count) } }
    }

    /// Appends `count` copies of a literal.
    mutating func append(repeating literal: StaticString, count: Int) {
        guard count > 0 else { return }
        let length = literal.utf8CodeUnitCount
        unsafe extend(by: length * count) { place in
            // `count` copies of the literal's octets, which is exactly the room requested.
            if length == 1 { return unsafe place.update(repeating: literal.utf8Start.pointee, count: count) }
            for index in 0..<count { unsafe (place + index * length).update(from: literal.utf8Start, count: length) }
        }
    }

    /// Appends a literal.
    @inline(__always) public mutating func append(_ literal: StaticString) {
        // The literal lives as long as the program. If it is a constant, this compiles to a few stores.
        unsafe append(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends `,"name":`.
    @inline(__always) mutating func append(key name: StaticString) {
        let length = name.utf8CodeUnitCount
        unsafe extend(by: length &+ 4) { place in
            // Two octets before the name and two after it: exactly the room requested.
            unsafe place[0] = 0x2c
            unsafe place[1] = 0x22
            unsafe (place + 2).update(from: name.utf8Start, count: length)
            unsafe place[length &+ 2] = 0x22
            unsafe place[length &+ 3] = 0x3a
        }
    }

    /// Appends `"literal"`.
    @inline(__always) mutating func append(quoted literal: StaticString) {
        let length = literal.utf8CodeUnitCount
        unsafe extend(by: length &+ 2) { place in
            // One octet before the literal and one after it: exactly the room requested.
            unsafe place[0] = 0x22
            unsafe (place + 1).update(from: literal.utf8Start, count: length)
            unsafe place[length &+ 1] = 0x22
        }
    }

    /// Appends `,"name":"literal"`.
    @inline(__always) mutating func append(key name: StaticString, quoted literal: StaticString) {
        let length = name.utf8CodeUnitCount
        let more = literal.utf8CodeUnitCount
        unsafe extend(by: length &+ more &+ 6) { place in
            // Two octets before the name, three after it, one after the literal: exactly the room requested.
            unsafe place[0] = 0x2c
            unsafe place[1] = 0x22
            unsafe (place + 2).update(from: name.utf8Start, count: length)
            let value = unsafe place + length + 2
            unsafe value[0] = 0x22
            unsafe value[1] = 0x3a
            unsafe value[2] = 0x22
            unsafe (value + 3).update(from: literal.utf8Start, count: more)
            unsafe value[more &+ 3] = 0x22
        }
    }

    /// Appends the first `count` characters, at most eight, of a word that has the first in its lowest octet.
    @inline(__always) mutating func append(characters word: UInt64, count: Int) {
        precondition(0...8 ~= count)
        // Eight octets are stored; those beyond the count are in the slack.
        unsafe extend(by: count) {
            unsafe UnsafeMutableRawPointer($0).storeBytes(of: word.littleEndian, as: UInt64.self)
        }
    }

    /// Appends a short word.
    @inline(__always) mutating func append(_ word: ShortWord) { append(characters: word.characters, count: word.count) }

    /// Appends text that is known to be printable.
    public mutating func append(text: String) {
        var text = text
        // The string stays valid during the call.
        text.withUTF8 { unsafe append($0) }
    }

    /// Appends bytes that are known to be printable.
    public mutating func append(contentsOf other: [UInt8]) {
        // The array stays valid during the call.
        unsafe other.withUnsafeBufferPointer { unsafe append($0) }
    }

    /// Appends bytes that are known to be printable.
    public mutating func append(contentsOf other: ArraySlice<UInt8>) {
        // The array stays valid during the call.
        unsafe other.withUnsafeBufferPointer { unsafe append($0) }
    }

    /// Appends a range of another buffer's bytes.
    @inline(__always) public mutating func append(_ other: borrowing OutputBuffer, _ range: Range<Int>) {
        precondition(range.upperBound <= other.count)
        // The range is checked, and the other buffer's bytes stay valid during the call.
        unsafe other.memory.withUnsafeBufferPointer { unsafe append(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    /// Appends a number, a space and a range of another buffer's bytes in one step.
    @inline(__always) mutating func append(_ number: EightDigits, _ other: borrowing OutputBuffer, _ range: Range<Int>)
    {
        precondition(range.upperBound <= other.count)
        let digits = number.significant
        let size = range.count
        unsafe extend(by: digits &+ 1 &+ size) { place in
            // The word of digits takes eight octets, which stay within the requested room and the slack; then a space
            // and the row.
            unsafe number.store(last: digits, to: place)
            unsafe place[digits] = 0x20
            unsafe other.memory.withUnsafeBufferPointer { other in
                // The range is checked, and the other buffer's bytes stay valid during the call.
                guard let from = other.baseAddress else { return }
                unsafe (place + digits + 1).update(from: from + range.lowerBound, count: size)
            }
        }
    }

    /// Lends `body` room for a row, filled with spaces, and appends as many octets of it as `body` returns.
    @inline(__always) mutating func append(row body: (RowRoom) -> Int) {
        if memory.count &- count < RowRoom.size &+ Self.slack { makeRoom(for: RowRoom.size) }
        let start = count
        let length = unsafe memory.withUnsafeMutableBufferPointer { memory in
            // The first `count` octets are followed by this many and the slack, as checked or allocated just above.
            guard let base = memory.baseAddress else { return 0 }
            return unsafe body(RowRoom(base + start))
        }
        count = start &+ max(0, min(length, RowRoom.size))
    }

    /// Appends text and returns true if all its characters are printable ASCII other than `excepted` and the backslash.
    mutating func append(plain text: String, except excepted: UInt8 = 0x5c) -> Bool {
        var text = text
        // The string stays valid during the call.
        return text.withUTF8 { utf8 in
            var oddities: UInt8 = 0
            // The loop has no exit and no branch, so that it can be vectorized. The index stays below the count.
            for index in 0..<utf8.count {
                let octet = unsafe utf8[index]
                oddities |= octet &- 0x20 < 0x5f ? 0 : 1
                oddities |= octet == 0x5c || octet == excepted ? 1 : 0
            }
            let isPlain = oddities == 0
            if isPlain { unsafe append(utf8) }
            return isPlain
        }
    }

    /// Appends a line feed.
    public mutating func newline() { append(byte: 0x0a) }

    // MARK: Numbers

    /// Appends a number in decimal.
    @inline(__always) public mutating func append<Number: BinaryInteger>(number: Number) {
        if number < 0 { append(byte: 0x2d) }
        append(unsigned: UInt64(number.magnitude), minimumDigits: 1)
    }

    /// Appends a number in decimal with leading zeros up to `minimumDigits`, which is at most 24.
    public mutating func append(unsigned number: UInt64, minimumDigits: Int) {
        if number < EightDigits.limit && minimumDigits <= 8 {
            let digits = EightDigits(number)
            let size = max(digits.significant, minimumDigits)
            // At most eight octets are stored, which may exceed `size` but not the slack; the same applies below.
            return unsafe extend(by: size) { unsafe digits.store(last: size, to: $0) }
        }
        let (upper, low) = number.quotientAndRemainder(dividingBy: EightDigits.limit)
        let (high, middle) = upper.quotientAndRemainder(dividingBy: EightDigits.limit)
        let lowDigits = EightDigits(low)
        let middleDigits = EightDigits(middle)
        if high == 0 && minimumDigits <= 16 {
            let size = max(middle == 0 ? 0 : middleDigits.significant, minimumDigits - 8)
            return unsafe extend(by: size &+ 8) {
                unsafe middleDigits.store(last: size, to: $0)
                unsafe lowDigits.store(last: 8, to: $0 + size)
            }
        }
        let highDigits = EightDigits(high)
        let size = min(8, max(high == 0 ? 0 : highDigits.significant, minimumDigits - 16))
        unsafe extend(by: size &+ 16) {
            unsafe highDigits.store(last: size, to: $0)
            unsafe middleDigits.store(last: 8, to: $0 + size)
            unsafe lowDigits.store(last: 8, to: $0 + size + 8)
        }
    }

    /// Appends nanoseconds as seconds with nine decimals.
    mutating func append(seconds nanoseconds: Int64) {
        let second: UInt64 = 1_000_000_000
        let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: second)
        guard nanoseconds >= 0 && whole < EightDigits.limit else {
            return append(fixed: nanoseconds, decimals: 9, digits: 9)
        }
        let digits = EightDigits(whole)
        let (fraction, last) = rest.quotientAndRemainder(dividingBy: 10)
        let fractionDigits = EightDigits(fraction)
        let size = digits.significant
        unsafe extend(by: size &+ 10) {
            // The point, eight digits and one more after the whole number: exactly the room requested.
            unsafe digits.store(last: size, to: $0)
            unsafe $0[size] = 0x2e
            unsafe fractionDigits.store(last: 8, to: $0 + size + 1)
            unsafe $0[size &+ 9] = 0x30 | UInt8(truncatingIfNeeded: last)
        }
    }

    /// Appends `,"ts":1795363634.454475,"ts_ns":1795363634454475001`: the same time twice, with its digits computed
    /// once.
    mutating func append(timeMembers nanoseconds: Int64) {
        let (seconds, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        // The seconds have ten digits in the years from 2001 to 2286.
        guard nanoseconds >= 0, seconds >= 1_000_000_000 else {
            append(",\"ts\":")
            append(fixed: nanoseconds, decimals: 9, digits: 6)
            append(",\"ts_ns\":")
            return append(number: nanoseconds)
        }
        let (hundreds, twoDigits) = seconds.quotientAndRemainder(dividingBy: 100)
        let (micro, nano) = rest.quotientAndRemainder(dividingBy: 1000)
        let (first, second, third) = (
            EightDigits(hundreds), EightDigits(twoDigits * 1_000_000 + micro), EightDigits(nano)
        )
        append(",\"ts\":")
        unsafe extend(by: 17) {
            // Eight digits, two, the point and six more: exactly the room requested.
            unsafe first.store(last: 8, to: $0)
            unsafe second.store(last: 8, to: $0 + 8)
            unsafe $0[10] = 0x2e
            unsafe second.store(last: 6, to: $0 + 11)
        }
        append(",\"ts_ns\":")
        unsafe extend(by: 19) {
            // Eight digits, eight more and three: exactly the room requested.
            unsafe first.store(last: 8, to: $0)
            unsafe second.store(last: 8, to: $0 + 8)
            unsafe third.store(last: 3, to: $0 + 16)
        }
    }

    /// Appends `scaled / 10^decimals` in decimal notation, truncated to `digits` decimals.
    public mutating func append(fixed scaled: Int64, decimals: Int, digits: Int) {
        if scaled < 0 { append(byte: 0x2d) }
        let magnitude = scaled.magnitude
        // Usually these are nanoseconds as seconds: division by a constant compiles to a multiplication.
        if decimals == 9 && (digits == 9 || digits == 6) {
            let (whole, rest) = magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
            append(unsigned: whole, minimumDigits: 1)
            append(byte: 0x2e)
            return append(unsigned: digits == 9 ? rest : rest / 1000, minimumDigits: digits)
        }
        var unit: UInt64 = 1
        for _ in 0..<decimals { unit *= 10 }
        append(unsigned: magnitude / unit, minimumDigits: 1)
        guard digits > 0 else { return }
        var fraction = magnitude % unit
        for _ in digits..<max(digits, decimals) { fraction /= 10 }
        append(byte: 0x2e)
        append(unsigned: fraction, minimumDigits: digits)
    }

    // MARK: Lines

    /// Appends spaces until the line that began at `start` is `column` columns wide (all its text must be ASCII).
    public mutating func pad(to column: Int, from start: Int) {
        append(repeating: 0x20, count: start + column - count)
    }

    /// Inserts spaces before the text from `start` on, so that it becomes `columns` wide.
    mutating func indent(from start: Int, to columns: Int) {
        let width = count - start
        let missing = columns - width
        guard start >= 0, width >= 0, missing > 0 else { return }
        append(repeating: 0x20, count: missing)
        guard width > 0 else { return }
        unsafe memory.withUnsafeMutableBufferPointer { memory in
            // `missing` plus `width` octets follow `start`, all of them in use by now; the two ranges may overlap.
            guard let place = unsafe memory.baseAddress.map({ unsafe $0 + start }) else { return }
            unsafe (place + missing).update(from: place, count: width)
            unsafe place.update(repeating: 0x20, count: missing)
        }
    }

    /// Breaks the printable line that began at `start` after commas, so that no part exceeds `width` if possible. Parts
    /// after the first begin with the line's first `margin` bytes and are indented.
    mutating func fold(from start: Int, to width: Int, margin: Int) {
        let line = Array(bytes[start...])
        guard TextColumns.count(line[...]) > width else { return }
        truncate(to: start)
        var column = 0
        for (index, word) in line.split(separator: 0x20, omittingEmptySubsequences: false).enumerated() {
            let isAfterComma = column > 0 && bytes.last == 0x2c
            // The whole list item counts, including its comma.
            let rest = line[word.startIndex...]
            let comma = rest.firstIndex(of: 0x2c)
            // One or two letters, as a history may have, should not be a line of their own: the last item is kept with
            // them.
            let isNextTiny = comma.map { TextColumns.count(rest[$0...]) <= 4 } ?? false
            let item = isNextTiny ? rest : comma.map { rest[...$0] } ?? rest
            if isAfterComma && column + 1 + TextColumns.count(item) > width {
                newline()
                append(contentsOf: line[..<margin])
                append("  ")
                column = margin + 2
            } else if index > 0 {
                append(byte: 0x20)
                column += 1
            }
            append(contentsOf: word)
            column += TextColumns.count(word)
        }
    }
}

/// The memory of a row under construction.
@safe struct RowRoom {
    /// The size in octets.
    static let size = 192
    private let base: UnsafeMutableRawPointer

    /// Takes `size` octets and fills them with spaces.
    @inline(__always) fileprivate init(_ base: UnsafeMutablePointer<UInt8>) {
        unsafe self.base = UnsafeMutableRawPointer(base)
        var place = 0
        while place < Self.size {
            // The caller has made room for all of them.
            unsafe self.base.storeBytes(of: 0x2020_2020_2020_2020, toByteOffset: place, as: UInt64.self)
            place &+= 8
        }
    }

    /// Stores eight characters, the first from the lowest octet.
    @inline(__always) func store(_ characters: UInt64, at place: Int) {
        precondition(UInt(bitPattern: place) <= UInt(Self.size - 8))
        // Checked just above.
        unsafe base.storeBytes(of: characters.littleEndian, toByteOffset: place, as: UInt64.self)
    }

    /// Stores one character.
    @inline(__always) func store(_ character: UInt8, at place: Int) {
        precondition(UInt(bitPattern: place) < UInt(Self.size))
        // Checked just above.
        unsafe base.storeBytes(of: character, toByteOffset: place, as: UInt8.self)
    }
}

extension EightDigits {
    /// Stores the last `count` of eight digits, in a word of eight octets of which the rest is arbitrary.
    @inline(__always) fileprivate func store(last count: Int, to place: UnsafeMutablePointer<UInt8>) {
        // The caller has made room for eight octets.
        unsafe UnsafeMutableRawPointer(place).storeBytes(
            of: characters(last: count).littleEndian, as: UInt64.self)
    }
}

extension StaticString {
    /// Up to eight characters from `start` on, the first in the lowest octet, padded with zeros.
    @inline(__always) func characters(from start: Int) -> UInt64 {
        let rest = utf8CodeUnitCount &- start
        guard start >= 0, rest > 0 else { return 0 }
        // At least `rest` octets of the literal follow, and each load below stays within them.
        let place = unsafe UnsafeRawPointer(utf8Start) + start
        if rest >= 8 { return UInt64(littleEndian: unsafe place.loadUnaligned(as: UInt64.self)) }
        if rest >= 4 {
            let low = UInt64(UInt32(littleEndian: unsafe place.loadUnaligned(as: UInt32.self)))
            let high = UInt64(
                UInt32(littleEndian: unsafe place.loadUnaligned(fromByteOffset: rest &- 4, as: UInt32.self)))
            return low | high &<< UInt64(8 &* (rest &- 4))
        }
        var characters = UInt64(unsafe place.load(as: UInt8.self))
        if rest > 1 { characters |= UInt64(unsafe place.load(fromByteOffset: 1, as: UInt8.self)) << 8 }
        if rest > 2 { characters |= UInt64(unsafe place.load(fromByteOffset: 2, as: UInt8.self)) << 16 }
        return characters
    }
}
