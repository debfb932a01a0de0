// Sequence numbers: a point in TCP's 32-bit circular space, and its arithmetic (RFC 9293 3.4).

/// A TCP sequence or acknowledgment number.
///
/// Points on a circle have no total order, so this type is deliberately not `Comparable`: ask `isBefore` and friends,
/// which compare as RFC 9293 3.4 does and are meaningful for points less than 2^31 apart. All arithmetic wraps.
public struct SequenceNumber: Hashable, BitwiseCopyable, Sendable {
    /// More octets than any sender can have in flight: 2^30, which every window stays below (RFC 7323 2.3). A capture
    /// cannot show an order for numbers at least this far apart.
    @inlinable public static var furthestInFlight: UInt32 { 1 << 30 }

    /// The 32 bits as in the header.
    public var rawValue: UInt32

    /// The sequence number with these 32 bits.
    @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// The point `octets` further on, wrapping at 2^32.
    @inlinable public func advanced(by octets: UInt32) -> SequenceNumber { SequenceNumber(rawValue &+ octets) }

    /// The point one octet back: where a SYN or FIN stands whose number comes just before this one.
    @inlinable public var previous: SequenceNumber { SequenceNumber(rawValue &- 1) }

    /// The signed distance in octets from `other` to this point: positive if this one is ahead.
    @inlinable public func distance(from other: SequenceNumber) -> Int32 {
        rawValue.circularDistance(from: other.rawValue)
    }

    /// The distance in octets from `base` forward to this point, however long the way is (0 ..< 2^32).
    @inlinable public func offset(from base: SequenceNumber) -> UInt32 { rawValue &- base.rawValue }

    /// Whether this point comes before `other` on the circle.
    @inlinable public func isBefore(_ other: SequenceNumber) -> Bool { distance(from: other) < 0 }

    /// Whether this point comes after `other` on the circle.
    @inlinable public func isAfter(_ other: SequenceNumber) -> Bool { distance(from: other) > 0 }

    /// Whether this point is `other` or comes after it.
    @inlinable public func isAtOrAfter(_ other: SequenceNumber) -> Bool { distance(from: other) >= 0 }

    /// Whether this point is `other` or comes before it.
    @inlinable public func isAtOrBefore(_ other: SequenceNumber) -> Bool { distance(from: other) <= 0 }

    /// Whether `start <= self < start + length`: the window test of RFC 9293 3.4.
    @inlinable public func isWithin(_ start: SequenceNumber, length: UInt32) -> Bool {
        rawValue &- start.rawValue < length
    }
}

extension UInt32 {
    /// The signed distance from `other` to this number on the circle of 32 bits: positive if this one is ahead. For what
    /// wraps and is no sequence number as such: numbers relative to a connection's start, and timestamps (RFC 7323 5.2).
    @inlinable public func circularDistance(from other: UInt32) -> Int32 { Int32(bitPattern: self &- other) }
}
