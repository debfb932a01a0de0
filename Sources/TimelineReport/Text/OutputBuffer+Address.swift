// Formats addresses.

import TCPModel

extension OutputBuffer {
    /// Appends an address as in `description`.
    mutating func append(_ address: IPAddress) {
        guard address.isV4 else { return address.forEachCharacter { append(byte: $0) } }
        // Two octets with their dots are at most eight characters.
        var pair = Characters()
        pair.append(octet: address.v4 >> 24)
        pair.append(0x2e)
        pair.append(octet: address.v4 >> 16 & 0xff)
        pair.append(0x2e)
        append(characters: pair.word, count: pair.count)
        pair = Characters()
        pair.append(octet: address.v4 >> 8 & 0xff)
        pair.append(0x2e)
        pair.append(octet: address.v4 & 0xff)
        append(characters: pair.word, count: pair.count)
    }

    /// Appends an address and port as in `description`.
    mutating func append(_ end: SocketAddress) {
        let isV4 = end.address.isV4
        if !isV4 { append(byte: 0x5b) }
        append(end.address)
        if !isV4 { append(byte: 0x5d) }
        append(byte: 0x3a)
        append(number: end.port)
    }

    /// Appends the addresses and ports of both ends, with a separator before each item.
    mutating func append(_ tuple: FourTuple, separator: UInt8) {
        append(byte: separator)
        append(tuple.source.address)
        append(byte: separator)
        append(number: tuple.source.port)
        append(byte: separator)
        append(tuple.destination.address)
        append(byte: separator)
        append(number: tuple.destination.port)
    }
}

/// Up to eight characters in a word, the first in the lowest octet.
struct Characters {
    private(set) var word: UInt64 = 0
    private(set) var count = 0

    /// Appends a character. There is room for eight; a ninth is lost.
    @inline(__always) mutating func append(_ character: UInt8) {
        word |= UInt64(character) << UInt64(8 * count)
        count &+= 1
    }

    /// Appends a number below 256 in decimal.
    @inline(__always) fileprivate mutating func append(octet: UInt32) {
        let octet = UInt8(truncatingIfNeeded: octet)
        if octet >= 100 { append(0x30 + octet / 100) }
        if octet >= 10 { append(0x30 + octet / 10 % 10) }
        append(0x30 + octet % 10)
    }
}
