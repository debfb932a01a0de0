// IP addresses of both families in one 16-byte value, and their text forms (RFC 791, RFC 5952).

/// An IPv4 or IPv6 address.
///
/// IPv4 is held as the IPv4-mapped address ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that the kernel's view of a dual-stack
/// socket (`::ffff:127.0.0.1` in /proc/net/tcp6) equals the address that is on the wire. Equality is equality of the 16
/// bytes.
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

    /// Whether this is 0.0.0.0 or ::.
    @inlinable public var isWildcard: Bool { self == .anyV4 || self == .anyV6 }

    /// Whether this is in 127.0.0.0/8 or is ::1.
    @inlinable public var isLoopback: Bool { isV4 ? v4 >> 24 == 127 : self == .loopbackV6 }

    /// Byte `index` (0 ..< 16) in network order.
    @inlinable public func byte(_ index: Int) -> UInt8 {
        let half = index < 8 ? high : low
        return UInt8(truncatingIfNeeded: half >> UInt64((7 - index & 7) * 8))
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal for IPv4; RFC 5952's canonical text for IPv6 (lower case, longest run of zeros as `::`).
    public var description: String {
        if isV4 {
            return "\(v4 >> 24).\(v4 >> 16 & 0xff).\(v4 >> 8 & 0xff).\(v4 & 0xff)"
        }
        let groups = (0..<8).map { UInt16(byte($0 * 2)) << 8 | UInt16(byte($0 * 2 + 1)) }
        let run = Self.longestZeroRun(groups)
        func text(_ range: Range<Int>) -> String {
            range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        guard let run else { return text(0..<8) }
        return text(0..<run.lowerBound) + "::" + text(run.upperBound..<8)
    }

    /// The leftmost longest run of two or more zero groups (RFC 5952 4.2), or nil.
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count && groups[end] == 0 { end += 1 }
            if end - start >= 2 && end - start > (best?.count ?? 0) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }
}
