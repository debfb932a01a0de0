// Walks the netlink messages of a datagram and the attributes of a message, with every length checked (netlink(7)).

import CLinux
import Glibc

/// Reads numbers from a datagram, those of netlink in this machine's byte order. The caller checks the range; each load
/// is bounds-checked as well.
extension Swift.Span where Element == UInt8 {
    func netlink16(_ offset: Int) -> UInt16 {
        let (first, second) = (UInt16(self[offset]), UInt16(self[offset + 1]))
        return UInt16(1).littleEndian == 1 ? second << 8 | first : first << 8 | second
    }

    func netlink32(_ offset: Int) -> UInt32 {
        let (first, second) = (UInt32(netlink16(offset)), UInt32(netlink16(offset + 2)))
        return UInt32(1).littleEndian == 1 ? second << 16 | first : first << 16 | second
    }

    func netlink64(_ offset: Int) -> UInt64 {
        let (first, second) = (UInt64(netlink32(offset)), UInt64(netlink32(offset + 4)))
        return UInt32(1).littleEndian == 1 ? second << 32 | first : first << 32 | second
    }

    /// A 16-bit number in network order.
    func network16(_ offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

    /// A 32-bit number in network order.
    func network32(_ offset: Int) -> UInt32 { UInt32(network16(offset)) << 16 | UInt32(network16(offset + 2)) }

    /// A 64-bit number in network order.
    func network64(_ offset: Int) -> UInt64 { UInt64(network32(offset)) << 32 | UInt64(network32(offset + 4)) }
}

/// One message: the fields of its header (struct nlmsghdr) and the range of its payload.
struct NetlinkMessage {
    static let headerLength = 16

    var kind: UInt16
    var flags: UInt16
    var sequence: UInt32
    var payload: Range<Int>

    /// How this message ends an answer: 0 for success or an errno; nil if it does not end it. The end of a list also
    /// carries an errno if the kernel broke the list off or could not begin it, for example because the TCP module is
    /// missing.
    func end(_ bytes: Swift.Span<UInt8>) -> Int32? {
        switch Int32(kind) {
        case NLMSG_ERROR: payload.count >= 4 ? code(bytes) : EBADMSG
        case NLMSG_DONE: payload.count >= 4 ? code(bytes) : 0
        default: nil
        }
    }

    private func code(_ bytes: Swift.Span<UInt8>) -> Int32 {
        let code = Int32(bitPattern: bytes.netlink32(payload.lowerBound))
        return code == .min ? EBADMSG : abs(code)
    }
}

/// Iterates over the messages of a datagram.
struct NetlinkMessages {
    private var position = 0
    private let end: Int
    /// Whether the walk stopped at an invalid header: truncated, or with an impossible length.
    private(set) var isDamaged = false

    /// Iterates over the first `count` octets of `bytes`.
    init(_ bytes: Swift.Span<UInt8>, count: Int) { end = Swift.max(0, Swift.min(count, bytes.count)) }

    /// The next message; nil at the end or at an invalid header.
    mutating func next(_ bytes: Swift.Span<UInt8>) -> NetlinkMessage? {
        guard position < end, !isDamaged else { return nil }
        guard end - position >= NetlinkMessage.headerLength,
            case let length = Int(bytes.netlink32(position)),
            length >= NetlinkMessage.headerLength, length <= end - position
        else {
            isDamaged = true
            return nil
        }
        let start = position
        // Messages are aligned to 4 octets; the padding of the last one may be missing.
        position = Swift.min(end, start + (length + 3) & ~3)
        return NetlinkMessage(
            kind: bytes.netlink16(start + 4), flags: bytes.netlink16(start + 6), sequence: bytes.netlink32(start + 8),
            payload: start + NetlinkMessage.headerLength..<start + length)
    }
}

/// Iterates over the attributes (struct rtattr) of a message.
struct NetlinkAttributes {
    private var position: Int
    private let end: Int
    private(set) var isDamaged = false

    /// Iterates over the attributes in `range`, which must be within the bytes.
    init(_ range: Range<Int>) {
        position = range.lowerBound
        end = range.upperBound
    }

    /// The type and payload of the next attribute; nil at the end or at an invalid header.
    mutating func next(_ bytes: Swift.Span<UInt8>) -> (kind: Int, payload: Range<Int>)? {
        guard position < end, !isDamaged else { return nil }
        guard end <= bytes.count, end - position >= 4, case let length = Int(bytes.netlink16(position)), length >= 4,
            length <= end - position
        else {
            isDamaged = true
            return nil
        }
        let start = position
        position = Swift.min(end, start + (length + 3) & ~3)
        // The two top bits of the type are flags (nested, network byte order).
        return (Int(bytes.netlink16(start + 2) & 0x3fff), start + 4..<start + length)
    }
}
