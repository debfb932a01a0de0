// The octets of a payload under construction: numbers, texts, addresses and sockets in the file's format.

import TCPModel

/// Octets of a payload, appended piece by piece.
struct RecordOctets {
    private(set) var octets: [UInt8] = []

    var count: Int { octets.count }

    mutating func removeAll() { octets.removeAll(keepingCapacity: true) }

    mutating func append(_ more: RecordOctets) { octets += more.octets }

    mutating func append(_ number: UInt8) { octets.append(number) }

    mutating func append(_ number: UInt16) {
        append(UInt8(truncatingIfNeeded: number))
        append(UInt8(truncatingIfNeeded: number >> 8))
    }

    mutating func append(_ number: UInt32) {
        append(UInt16(truncatingIfNeeded: number))
        append(UInt16(truncatingIfNeeded: number >> 16))
    }

    mutating func append(_ number: UInt64) {
        append(UInt32(truncatingIfNeeded: number))
        append(UInt32(truncatingIfNeeded: number >> 32))
    }

    mutating func append(_ number: Int32) { append(UInt32(bitPattern: number)) }

    mutating func append(_ time: Timestamp) { append(UInt64(bitPattern: time.nanoseconds)) }

    mutating func append(_ state: TCPState) { append(state.fileNumber) }

    mutating func append(_ source: KernelSource) { append(source.fileNumber) }

    /// Appends a number of elements; memory never holds 2^32 of them.
    mutating func append(count: Int) { append(UInt32(clamping: count)) }

    /// Appends a text of at most `limit` octets; the limit must fit in 16 bits.
    mutating func append(_ text: String, limit: Int) {
        let utf8 = cutUTF8(text, limit: limit)
        append(UInt16(truncatingIfNeeded: utf8.count))
        octets += utf8
    }

    /// Appends a word as UTF-8 that has already been cut to a length of 8 bits.
    mutating func append(word utf8: [UInt8]) {
        append(UInt8(truncatingIfNeeded: utf8.count))
        octets += utf8
    }

    /// Appends an endpoint, whose address family is indicated by a flag.
    mutating func append(_ end: SocketAddress) {
        // Addresses are in network order, as in packets.
        if end.address.isV4 {
            append(end.address.v4.byteSwapped)
        } else {
            append(end.address.high.byteSwapped)
            append(end.address.low.byteSwapped)
        }
        append(end.port)
    }

    mutating func append(_ socket: KernelSocket) {
        var flags: SocketFlags = []
        if socket.local.address.isV4 { flags.insert(.localV4) }
        if socket.remote.address.isV4 { flags.insert(.remoteV4) }
        if socket.isIPv6 { flags.insert(.isIPv6) }
        if socket.backlog != nil { flags.insert(.backlog) }
        if socket.drops != nil { flags.insert(.drops) }
        append(flags.rawValue)
        append(socket.state)
        append(socket.timer.rawValue)
        append(socket.local)
        append(socket.remote)
        append(socket.transmitQueue)
        append(socket.receiveQueue)
        append(socket.uid)
        append(socket.inode)
        if let backlog = socket.backlog { append(backlog) }
        if let drops = socket.drops { append(drops) }
    }
}

/// The UTF-8 of a text, cut to the whole scalars that fit in `limit` octets.
func cutUTF8(_ text: String, limit: Int) -> [UInt8] {
    var octets = Array(text.utf8.prefix(limit + 1))
    guard octets.count > limit else { return octets }
    var end = limit
    // 10xxxxxx continues a scalar (RFC 3629 3), so it must not be the first octet left out.
    while end > 0 && octets[end] & 0xc0 == 0x80 { end -= 1 }
    octets.removeSubrange(end...)
    return octets
}
