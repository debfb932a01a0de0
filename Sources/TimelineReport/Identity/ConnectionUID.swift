// A connection's `uid`: it looks like Zeek's, but is a function of the packets, so that all runs and machines agree on
// it.

public import TCPTimeline

import TCPModel

/// The uid of a connection: `C` and 17 base-62 digits computed from the four-tuple, and from the first segment's
/// sequence number and time.
public func connectionUID(_ connection: ConnectionName) -> String {
    var buffer = OutputBuffer()
    buffer.append(uidOf: connection)
    return String(decoding: buffer.bytes, as: UTF8.self)
}

extension OutputBuffer {
    /// Appends a connection's uid.
    mutating func append(uidOf connection: ConnectionName) {
        let tuple = connection.tuple
        var message = ShortDigest()
        message.append(tuple.source.address)
        message.append(tuple.destination.address)
        message.append(tuple.source.port)
        message.append(tuple.destination.port)
        message.append(UInt64(connection.firstSequence.rawValue))
        message.append(UInt64(bitPattern: connection.firstTime.nanoseconds))
        let digest = message.digest()
        let head = UInt64(digest[0]) << 32 | UInt64(digest[1])
        var first = Characters()
        first.append(0x43)
        first.append(Self.base62Digit(head % 62))
        append(characters: first.word, count: first.count)
        append(base62: head / 62)
        append(base62: UInt64(digest[2]) << 32 | UInt64(digest[3]))
    }

    /// Appends the lowest eight digits of a number, least significant first.
    private mutating func append(base62 number: UInt64) {
        var rest = number
        var text = Characters()
        for _ in 0..<8 {
            text.append(Self.base62Digit(rest % 62))
            rest /= 62
        }
        append(characters: text.word, count: text.count)
    }

    @inline(__always) private static func base62Digit(_ value: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: value)
        return digit < 10 ? 0x30 + digit : digit < 36 ? 0x41 + digit - 10 : 0x61 + digit - 36
    }
}
