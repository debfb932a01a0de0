// The short way through the headers of a plain frame, from its IP header on. They are so few octets that they can be copied and
// decoded elsewhere. It says the same of them as `decodeFrame` of the whole frame, which a test holds it to.

public import TCPModel

/// An IP header without options or extension headers, and a TCP header, one behind the other.
public enum PlainHeaders {
    /// The version of IP.
    public enum Version: UInt8, BitwiseCopyable, Sendable {
        /// RFC 791.
        case ipv4
        /// RFC 8200.
        case ipv6

        /// Octets of the IP header.
        @inlinable @inline(__always) public var length: Int { self == .ipv4 ? 20 : 40 }
    }

    /// Octets that such headers may have, at most: IPv4's longest, IPv6's with up to 36 octets of options.
    @inlinable public static var most: Int { 96 }
    /// Octets that they have at least.
    @inlinable public static var least: Int { 40 }

    /// Offsets of the timestamps in the TCP header, where they are the only option.
    @usableFromInline static var timestampValue: Int { 24 }
    @usableFromInline static var timestampEchoReply: Int { 28 }

    /// How many octets the plain headers have that begin at `start`; nil if none do. The frame has `least` octets from there on,
    /// or 60 with IPv6.
    @inlinable @inline(__always) public static func count(
        _ bytes: RawSpan, at start: Int, _ version: Version, originalLength: UInt32
    ) -> Int? {
        let room = max(bytes.byteCount, Int(originalLength)) &- start
        // Octets of TCP header and text, as the IP header says.
        let length: Int
        switch version {
        case .ipv4:
            // A header of five words; neither a fragment's offset nor more to come, and protocol 6: in one look at both.
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

    /// Octets of the TCP header.
    @inlinable @inline(__always) static func headerLength(_ bytes: RawSpan, at start: Int, _ version: Version) -> Int {
        Int(bytes.octet(start &+ version.length &+ TCPHeader.dataOffsetAndFlags) >> 4) &* 4
    }

    /// Who sent the segment, to whom.
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

    /// The identification of the datagram; 0 with IPv6.
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

    /// The segment of headers that `count` found.
    ///
    /// - Parameter bytes: the headers or their copy, of `most` octets; what is behind them does not matter.
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
