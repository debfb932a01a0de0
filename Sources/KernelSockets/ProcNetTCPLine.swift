// Parses one line of /proc/net/tcp or tcp6 into a KernelSocket, in place (Documentation/networking/proc_net_tcp.rst).

import TCPModel

/// The result of parsing one line.
enum ProcNetTCPLine {
    /// A socket.
    case socket(KernelSocket)
    /// The column titles, or an empty line.
    case title
    /// A socket in a state unknown to this program, as newer kernels may have.
    case unknownState
    /// Truncated, or not a socket line at all.
    case malformed

    /// Parses the line at `range` of `bytes` (without its line feed). Never traps on any input.
    static func parse(_ bytes: Swift.Span<UInt8>, _ range: Range<Int>, isIPv6: Bool) -> ProcNetTCPLine {
        var cursor = FieldCursor(position: range.lowerBound, end: min(range.upperBound, bytes.count))
        cursor.skipSpaces(bytes)
        guard let first = cursor.peek(bytes) else { return .title }
        if first == UInt8(ascii: "s") { return .title }
        guard cursor.decimal(bytes) != nil, cursor.take(UInt8(ascii: ":"), bytes) else { return .malformed }
        guard let local = cursor.socketAddress(bytes, isIPv6: isIPv6),
            let remote = cursor.socketAddress(bytes, isIPv6: isIPv6),
            let stateNumber = cursor.hex(bytes, digits: 1...2),
            let transmit = cursor.hex(bytes, digits: 1...8), cursor.take(UInt8(ascii: ":"), bytes),
            let receive = cursor.hex(bytes, digits: 1...8),
            let timer = cursor.hex(bytes, digits: 1...2), cursor.take(UInt8(ascii: ":"), bytes),
            cursor.hex(bytes, digits: 1...16) != nil,  // when the timer ends
            cursor.hex(bytes, digits: 1...16) != nil,  // retransmissions without an answer
            let uid = cursor.decimal(bytes),
            cursor.decimal(bytes) != nil,  // probes without an answer
            let inode = cursor.decimal(bytes),
            // More fields follow. Without this space the inode may have been truncated, and half a number is a wrong
            // number.
            cursor.take(UInt8(ascii: " "), bytes)
        else { return .malformed }
        guard let state = TCPState(linuxNumber: stateNumber) else { return .unknownState }
        return .socket(
            KernelSocket(
                local: local, remote: remote, state: state, isIPv6: isIPv6,
                timer: UInt8(exactly: timer).flatMap(KernelSocket.Timer.init(rawValue:)) ?? .none,
                transmitQueue: UInt32(truncatingIfNeeded: transmit), receiveQueue: UInt32(truncatingIfNeeded: receive),
                uid: UInt32(truncatingIfNeeded: uid), inode: inode))
    }
}

/// A position in a line. The bytes are passed to each call, so that the cursor need not own or copy them.
private struct FieldCursor {
    var position: Int
    /// The end of the line, never past the end of the bytes.
    let end: Int

    func peek(_ bytes: Swift.Span<UInt8>) -> UInt8? { position < end ? bytes[position] : nil }

    mutating func skipSpaces(_ bytes: Swift.Span<UInt8>) {
        while position < end && bytes[position] == UInt8(ascii: " ") { position += 1 }
    }

    mutating func take(_ byte: UInt8, _ bytes: Swift.Span<UInt8>) -> Bool {
        guard position < end && bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Skips spaces, then parses a decimal number that fits in 64 bits.
    mutating func decimal(_ bytes: Swift.Span<UInt8>) -> UInt64? {
        skipSpaces(bytes)
        let start = position
        var number: UInt64 = 0
        while position < end {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            // 19 digits always fit; a twentieth may overflow.
            let (shifted, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            number = sum
            position += 1
        }
        return position > start ? number : nil
    }

    /// Skips spaces, then parses a hexadecimal number of as many digits as `digits` allows (at most 16).
    mutating func hex(_ bytes: Swift.Span<UInt8>, digits: ClosedRange<Int>) -> UInt64? {
        skipSpaces(bytes)
        let start = position
        var number: UInt64 = 0
        while position < end, position - start < digits.upperBound, let digit = hexDigit(bytes[position]) {
            number = number << 4 | UInt64(digit)
            position += 1
        }
        return position - start >= digits.lowerBound ? number : nil
    }

    /// Skips spaces, then parses `ADDRESS:PORT`: the address as 32-bit words printed in host byte order, the port as a
    /// number.
    mutating func socketAddress(_ bytes: Swift.Span<UInt8>, isIPv6: Bool) -> SocketAddress? {
        skipSpaces(bytes)
        var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0xffff, 0)
        if isIPv6 {
            guard let first = word(bytes), let second = word(bytes), let third = word(bytes) else { return nil }
            words = (first, second, third, 0)
        }
        guard let last = word(bytes), take(UInt8(ascii: ":"), bytes), let port = hexExactly(bytes, digits: 4) else {
            return nil
        }
        words.3 = last
        let address = IPAddress(
            high: UInt64(words.0) << 32 | UInt64(words.1), low: UInt64(words.2) << 32 | UInt64(words.3))
        return SocketAddress(address, UInt16(truncatingIfNeeded: port))
    }

    /// Eight hexadecimal digits, as the number that their four bytes form in network order.
    private mutating func word(_ bytes: Swift.Span<UInt8>) -> UInt32? {
        guard let printed = hexExactly(bytes, digits: 8) else { return nil }
        return UInt32(bigEndian: UInt32(truncatingIfNeeded: printed))
    }

    private mutating func hexExactly(_ bytes: Swift.Span<UInt8>, digits: Int) -> UInt64? {
        guard end - position >= digits else { return nil }
        var number: UInt64 = 0
        for _ in 0..<digits {
            guard let digit = hexDigit(bytes[position]) else { return nil }
            number = number << 4 | UInt64(digit)
            position += 1
        }
        return number
    }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
}
