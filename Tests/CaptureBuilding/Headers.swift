// Numbers and the headers of IPv4, IPv6 and TCP, as octets from which tests assemble frames.

/// A number in network byte order.
public func big(_ number: some FixedWidthInteger) -> [UInt8] { little(number).reversed() }

/// A number in little-endian byte order.
public func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

/// The Internet checksum (RFC 1071).
public func internetChecksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
        sum += UInt32(bytes[index]) << 8 | UInt32(index + 1 < bytes.count ? bytes[index + 1] : 0)
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    return ~UInt16(sum)
}

/// An IPv4 packet. `length` overrides the total length in its header.
public func ipv4Packet(
    from source: [UInt8], to destination: [UInt8], protocol number: UInt8 = 6, length: Int? = nil,
    identification: UInt16 = 0, fragment: UInt16 = 0x4000, _ content: some Collection<UInt8>
) -> [UInt8] {
    var header: [UInt8] = [0x45, 0] + big(UInt16(length ?? 20 + content.count)) + big(identification) + big(fragment)
    header += [64, number, 0, 0] + source + destination
    header.replaceSubrange(10..<12, with: big(internetChecksum(header)))
    return header + content
}

/// An IPv6 packet that carries TCP. `length` overrides the payload length in its header.
public func ipv6Packet(
    from source: [UInt8], to destination: [UInt8], length: Int? = nil, _ content: [UInt8]
) -> [UInt8] {
    [0x60, 0, 0, 0] + big(UInt16(length ?? content.count)) + [6, 64] + source + destination + content
}

/// A TCP segment with a checksum of 0. The options must fill whole 32-bit words.
public func tcpSegment(
    from source: UInt16, to destination: UInt16, sequence: UInt32, acknowledgment: UInt32, flags: UInt16,
    window: UInt16 = .max, urgentPointer: UInt16 = 0, options: [UInt8] = [], _ text: [UInt8] = []
) -> [UInt8] {
    big(source) + big(destination) + big(sequence) + big(acknowledgment)
        + big(UInt16((20 + options.count) / 4) << 12 | flags) + big(window) + [0, 0] + big(urgentPointer) + options
        + text
}
