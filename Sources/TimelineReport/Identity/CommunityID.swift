// Community ID v1: the flow identifier shared by Zeek, Suricata, Wireshark and other tools.

import TCPModel
import TCPTimeline

extension OutputBuffer {
    /// Appends a flow's Community ID: `1:` and the base64 of SHA-1 over seed 0, the ordered addresses, the protocol
    /// (6), a zero octet and the ports.
    mutating func append(communityIDOf tuple: FourTuple) {
        let (first, second) =
            tuple.isInOctetOrder ? (tuple.source, tuple.destination) : (tuple.destination, tuple.source)
        var message = ShortDigest()
        message.append(UInt16(0))
        message.append(first.address)
        message.append(second.address)
        message.append(UInt16(6 << 8))
        message.append(first.port)
        message.append(second.port)
        append("1:")
        append(base64: message.digest())
    }

    /// Appends 20 octets in base64 with padding (RFC 4648 4).
    private mutating func append(base64 words: InlineArray<5, UInt32>) {
        // Six groups of three octets, and one of two.
        for group in 0..<7 {
            let bit = group * 24
            let pair = UInt64(words[bit >> 5]) << 32 | UInt64(bit >> 5 < 4 ? words[bit >> 5 + 1] : 0)
            let octets = (pair << UInt64(bit & 31)) >> 40
            var digits = Characters()
            digits.append(Self.base64Digit(octets >> 18))
            digits.append(Self.base64Digit(octets >> 12))
            digits.append(Self.base64Digit(octets >> 6))
            digits.append(group == 6 ? 0x3d : Self.base64Digit(octets))
            append(characters: digits.word, count: digits.count)
        }
    }

    @inline(__always) private static func base64Digit(_ bits: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 63)
        return switch value {
        case 0..<26: 0x41 + value
        case 26..<52: 0x61 + value - 26
        case 52..<62: 0x30 + value - 52
        case 62: 0x2b
        default: 0x2f
        }
    }
}

extension FourTuple {
    /// Whether the source comes first in Community ID's order: by the octets of the address, then by the port.
    fileprivate var isInOctetOrder: Bool {
        let (one, other) = (source.address, destination.address)
        if one == other { return source.port <= destination.port }
        if one.isV4 == other.isV4 { return one.high == other.high ? one.low < other.low : one.high < other.high }
        // One end is IPv6 and the other an IPv4-mapped address, which has four octets here: these decide, then the
        // length.
        let (first, second) = (one.firstOctets, other.firstOctets)
        return first == second ? one.isV4 : first < second
    }
}

extension IPAddress {
    /// The first four octets.
    fileprivate var firstOctets: UInt32 { isV4 ? v4 : UInt32(truncatingIfNeeded: high >> 32) }
}
