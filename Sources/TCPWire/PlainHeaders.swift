// The fast path through the headers of a plain frame, from its IP header on. These headers are short enough to be
// copied and decoded elsewhere. The result equals that of `decodeFrame` on the whole frame; a test enforces this.

public import TCPModel

/// An IP header without options or extension headers, directly followed by a TCP header.
public enum PlainHeaders {
    /// The IP version.
    public enum Version: UInt8, BitwiseCopyable, Sendable {
        /// RFC 791.
        case ipv4
        /// RFC 8200.
        case ipv6

        /// Length of the IP header in octets.
        @inlinable @inline(__always) public var length: Int { self == .ipv4 ? 20 : 40 }
    }

    /// The most octets that plain headers may have: IPv4's longest fit, and IPv6's with up to 36 octets of TCP options.
    @inlinable public static var most: Int { 96 }
    /// The fewest octets that plain headers have.
    @inlinable public static var least: Int { 40 }

    /// Offsets of the two timestamps in a TCP header that has no other options.
    @usableFromInline static var timestampValue: Int { 24 }
    @usableFromInline static var timestampEchoReply: Int { 28 }

    /// The length of the plain headers that begin at `start`; nil if there are none. At least `least` octets must be
    /// captured from there on, or 60 for IPv6.
    @inlinable @inline(__always) public static func count(
        _ bytes: RawSpan, at start: Int, _ version: Version, originalLength: UInt32
    ) -> Int? {
        let room = max(bytes.byteCount, Int(originalLength)) &- start
        // Octets of TCP header and text, according to the IP header.
        let length: Int
        switch version {
        case .ipv4:
            // Five words of header. One load then covers the fragment field, where offset and More Fragments must be 0,
            // and the protocol, which must be 6.
            let fragmentMask = UInt32(IPv4Header.fragmentMask) << 16
            guard bytes.octet(start) == 0x45, bytes.big32(start &+ IPv4Header.fragment) & (fragmentMask | 0xff) == 6
            else { return nil }
            length = Int(bytes.big16(start &+ IPv4Header.totalLength)) &- IPv4Header.leastLength
        case .ipv6:
            guard bytes.octet(start) >> 4 == 6, bytes.octet(start &+ IPv6Header.nextHeader) == 6 else { return nil }
            length = Int(bytes.big16(start &+ IPv6Header.payloadLength))
        }
        guard length <= room &- version.length else { return nil }
        let header = headerLength(bytes, at: start, version)
        let count = version.length &+ header
        guard header >= 20, length >= header, count <= most, bytes.byteCount >= start &+ count else { return nil }
        return count
    }

    /// Length of the TCP header in octets.
    @inlinable @inline(__always) static func headerLength(_ bytes: RawSpan, at start: Int, _ version: Version) -> Int {
        Int(bytes.octet(start &+ version.length &+ TCPHeader.dataOffsetAndFlags) >> 4) &* 4
    }

    /// The segment's sender and receiver.
    @inlinable @inline(__always) public static func tuple(
        _ bytes: RawSpan, at start: Int, _ version: Version
    ) -> FourTuple {
        let tcp = start &+ version.length
        return FourTuple(
            source: SocketAddress(
                address(bytes, at: start &+ (version == .ipv4 ? IPv4Header.source : IPv6Header.source), version),
                bytes.big16(tcp &+ TCPHeader.sourcePort)),
            destination: SocketAddress(
                address(
                    bytes, at: start &+ (version == .ipv4 ? IPv4Header.destination : IPv6Header.destination), version),
                bytes.big16(tcp &+ TCPHeader.destinationPort)))
    }

    @inlinable @inline(__always) static func address(_ bytes: RawSpan, at start: Int, _ version: Version) -> IPAddress {
        switch version {
        case .ipv4: IPAddress(v4: bytes.big32(start))
        case .ipv6: IPAddress(high: bytes.big64(start), low: bytes.big64(start &+ 8))
        }
    }

    /// The datagram's identification; 0 for IPv6.
    @inlinable @inline(__always) public static func identification(
        _ bytes: RawSpan, at start: Int, _ version: Version
    ) -> UInt16 {
        version == .ipv4 ? bytes.big16(start &+ IPv4Header.identification) : 0
    }

    /// The flags of the segment.
    @inlinable @inline(__always) public static func flags(_ bytes: RawSpan, at start: Int, _ version: Version)
        -> TCPFlags
    {
        TCPFlags(rawValue: bytes.big16(start &+ version.length &+ TCPHeader.dataOffsetAndFlags) & TCPHeader.flagsMask)
    }

    /// The segment's sequence number.
    @inlinable public static func sequence(_ bytes: RawSpan, at start: Int, _ version: Version) -> SequenceNumber {
        SequenceNumber(bytes.big32(start &+ version.length &+ TCPHeader.sequence))
    }

    /// The segment's acknowledgment number.
    @inlinable public static func acknowledgment(_ bytes: RawSpan, at start: Int, _ version: Version) -> SequenceNumber
    {
        SequenceNumber(bytes.big32(start &+ version.length &+ TCPHeader.acknowledgment))
    }

    /// The segment described by headers that `count` has found.
    ///
    /// - Parameter bytes: the headers or a copy of them, `most` octets long; the octets behind the headers do not
    ///   matter.
    @inlinable @inline(__always) public static func segment(_ bytes: RawSpan, _ version: Version) -> Segment {
        let tcp = version.length
        let bits = bytes.big16(tcp &+ TCPHeader.dataOffsetAndFlags)
        let headerLength = UInt32(bits >> 12) &* 4
        let length =
            version == .ipv4
            ? UInt32(bytes.big16(IPv4Header.totalLength))
            : UInt32(bytes.big16(IPv6Header.payloadLength)) &+ UInt32(version.length)
        var segment = Segment(
            tuple: tuple(bytes, at: 0, version), sequence: SequenceNumber(bytes.big32(tcp &+ TCPHeader.sequence)),
            acknowledgment: SequenceNumber(bytes.big32(tcp &+ TCPHeader.acknowledgment)),
            flags: TCPFlags(rawValue: bits & TCPHeader.flagsMask), window: bytes.big16(tcp &+ TCPHeader.window),
            urgentPointer: bytes.big16(tcp &+ TCPHeader.urgentPointer),
            payloadLength: length &- UInt32(version.length) &- headerLength, ipLength: length,
            ipIdentification: identification(bytes, at: 0, version),
            hopLimit: bytes.octet(version == .ipv4 ? IPv4Header.timeToLive : IPv6Header.hopLimit),
            headerLength: UInt8(truncatingIfNeeded: headerLength))
        if headerLength == UInt32(TCPHeader.leastLength &+ UsualOptions.length)
            && bytes.big32(tcp &+ TCPHeader.leastLength) == UsualOptions.start
        {
            segment.options.present = .timestamps
            segment.options.timestampValue = bytes.big32(tcp &+ timestampValue)
            segment.options.timestampEchoReply = bytes.big32(tcp &+ timestampEchoReply)
        } else if headerLength != UInt32(TCPHeader.leastLength) {
            readOtherOptions(bytes, version, into: &segment)
        }
        return segment
    }

    @usableFromInline @inline(never) static func readOtherOptions(
        _ bytes: RawSpan, _ version: Version, into segment: inout Segment
    ) {
        let start = version.length + TCPHeader.leastLength
        let end = version.length + Int(segment.headerLength)
        segment.remarks.formUnion(
            readOptions(
                bytes, from: start, headerEnd: end, readable: min(end, bytes.byteCount), into: &segment.options))
    }
}
