// IP addresses of both families in one 16-byte value, and their text forms (RFC 791, RFC 5952).

/// An IPv4 or IPv6 address.
///
/// IPv4 addresses are held in IPv4-mapped form, ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that the kernel's view of a
/// dual-stack socket (`::ffff:127.0.0.1` in /proc/net/tcp6) equals the address on the wire. Two addresses are equal if
/// their 16 bytes are.
public struct IPAddress: Hashable, BitwiseCopyable, Sendable {
    /// The first eight bytes, in network order read as a big-endian number.
    public var high: UInt64
    /// The last eight bytes, in network order read as a big-endian number.
    public var low: UInt64

    /// The address with these two halves.
    @inlinable public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The IPv4 address whose four bytes, read as a big-endian number, are `v4`.
    @inlinable public init(v4: UInt32) {
        self.high = 0
        self.low = 0xffff_0000_0000 | UInt64(v4)
    }

    /// The IPv4 address a.b.c.d.
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        self.init(v4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
    }

    /// 0.0.0.0.
    public static let anyV4 = IPAddress(v4: 0)
    /// ::, the IPv6 wildcard.
    public static let anyV6 = IPAddress(high: 0, low: 0)
    /// 127.0.0.1.
    public static let loopbackV4 = IPAddress(v4: 0x7f00_0001)
    /// ::1.
    public static let loopbackV6 = IPAddress(high: 0, low: 1)

    /// Whether this is an IPv4 (or IPv4-mapped) address.
    @inlinable public var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// The four bytes of an IPv4 address as a big-endian number; meaningless unless `isV4`.
    @inlinable public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

    /// Whether this is in 127.0.0.0/8 or is ::1.
    @inlinable public var isLoopback: Bool { isV4 ? v4 >> 24 == 127 : self == .loopbackV6 }

    /// Byte `index` (0 ..< 16) in network order.
    @inlinable public func byte(_ index: Int) -> UInt8 {
        let half = index < 8 ? high : low
        return UInt8(truncatingIfNeeded: half >> UInt64((7 - index & 7) * 8))
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or IPv6 text in the form of RFC 5952: lower case, with `::` for the longest run of two or more
    /// zero groups (the first one if two are equally long).
    public var description: String {
        var text = ""
        forEachCharacter { text.unicodeScalars.append(Unicode.Scalar($0)) }
        return text
    }

    /// Calls `body` with each ASCII character of `description`, so that reports can write addresses without making a
    /// String.
    public func forEachCharacter(_ body: (UInt8) -> Void) {
        if isV4 { forEachCharacterV4(body) } else { forEachCharacterV6(body) }
    }

    private func forEachCharacterV4(_ body: (UInt8) -> Void) {
        for index in 12..<16 {
            if index > 12 { body(0x2e) }
            let octet = byte(index)
            if octet > 99 { body(0x30 + octet / 100) }
            if octet > 9 { body(0x30 + octet / 10 % 10) }
            body(0x30 + octet % 10)
        }
    }

    private func forEachCharacterV6(_ body: (UInt8) -> Void) {
        let zeros = longestZeroRun
        for index in 0..<8 {
            if zeros.contains(index) {
                if index == zeros.lowerBound {
                    body(0x3a)
                    body(0x3a)
                }
                continue
            }
            if index > 0 && index != zeros.upperBound { body(0x3a) }
            let group = group(index)
            var shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0
            while shift >= 0 {
                let digit = UInt8(truncatingIfNeeded: group >> UInt16(shift) & 0xf)
                body(digit < 10 ? 0x30 + digit : 0x57 + digit)
                shift -= 4
            }
        }
    }

    /// One of the eight 16-bit groups, in network order.
    private func group(_ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64((3 - index & 3) * 16))
    }

    /// The groups that `::` stands for; an empty range behind the last group if there are none.
    private var longestZeroRun: Range<Int> {
        var best = 8..<8
        var start = 0
        while start < 8 {
            var end = start
            while end < 8 && group(end) == 0 { end += 1 }
            if end - start >= 2 && end - start > best.count { best = start..<end }
            start = end + 1
        }
        return best
    }
}
