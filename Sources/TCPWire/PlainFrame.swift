// The short way of one frame, for those that nearly all are: Ethernet without a tag, IPv4 without options, no fragment, a TCP
// header that was captured as a whole. It says the same of them as `decodeFrame`, which a test holds it to.

public import TCPModel

/// What is known of a plain frame before its fields are read; they are read in place.
public enum PlainFrame {
    // Offsets of fields from the start of an Ethernet frame (IEEE 802.3), with IPv4 (RFC 791) and TCP (RFC 9293 3.1) after it.
    @usableFromInline static var etherType: Int { 12 }
    @usableFromInline static var ip: Int { 14 }
    @usableFromInline static var ipLength: Int { 16 }
    @usableFromInline static var identification: Int { 18 }
    @usableFromInline static var fragment: Int { 20 }
    @usableFromInline static var timeToLive: Int { 22 }
    @usableFromInline static var transport: Int { 23 }
    @usableFromInline static var source: Int { 26 }
    @usableFromInline static var destination: Int { 30 }
    @usableFromInline static var tcp: Int { 34 }
    @usableFromInline static var sourcePort: Int { 34 }
    @usableFromInline static var destinationPort: Int { 36 }
    @usableFromInline static var sequence: Int { 38 }
    @usableFromInline static var acknowledgment: Int { 42 }
    @usableFromInline static var dataOffset: Int { 46 }
    @usableFromInline static var window: Int { 48 }
    @usableFromInline static var urgentPointer: Int { 52 }
    @usableFromInline static var options: Int { 54 }
    @usableFromInline static var timestampValue: Int { 58 }
    @usableFromInline static var timestampEchoReply: Int { 62 }

    /// Whether an Ethernet frame is a plain one, all headers of which were captured.
    @inlinable @inline(__always) public static func isPlain(_ bytes: RawSpan, originalLength: UInt32) -> Bool {
        guard bytes.byteCount >= options else { return false }
        // EtherType 0x0800; version 4 and a header of five words; protocol 6; neither a fragment's offset nor more to come.
        guard bytes.big32(etherType) & 0xffff_ff00 == 0x0800_4500, bytes.octet(transport) == 6,
            bytes.big16(fragment) & 0x3fff == 0
        else { return false }
        let length = Int(bytes.big16(ipLength))
        guard length <= max(bytes.byteCount, Int(originalLength)) &- ip else { return false }
        let headerLength = Int(bytes.octet(dataOffset) >> 4) &* 4
        return headerLength >= 20 && length &- 20 >= headerLength && bytes.byteCount >= tcp &+ headerLength
    }

    /// Who sent a plain frame's segment, to whom.
    @inlinable @inline(__always) public static func tuple(_ bytes: RawSpan) -> FourTuple {
        FourTuple(
            source: SocketAddress(IPAddress(v4: bytes.big32(source)), bytes.big16(sourcePort)),
            destination: SocketAddress(IPAddress(v4: bytes.big32(destination)), bytes.big16(destinationPort)))
    }

    /// The IPv4 identification of a plain frame.
    @inlinable @inline(__always) public static func ipIdentification(_ bytes: RawSpan) -> UInt16 {
        bytes.big16(identification)
    }

    /// A plain frame's segment.
    @inlinable @inline(__always) public static func segment(_ bytes: RawSpan) -> Segment {
        let bits = bytes.big16(dataOffset)
        let headerLength = UInt32(bits >> 12) &* 4
        let length = UInt32(bytes.big16(ipLength))
        var segment = Segment(
            tuple: tuple(bytes), sequence: SequenceNumber(bytes.big32(sequence)),
            acknowledgment: SequenceNumber(bytes.big32(acknowledgment)), flags: TCPFlags(rawValue: bits & 0x01ff),
            window: bytes.big16(window), urgentPointer: bytes.big16(urgentPointer),
            payloadLength: length &- 20 &- headerLength, ipLength: length,
            ipIdentification: bytes.big16(identification), hopLimit: bytes.octet(timeToLive),
            headerLength: UInt8(truncatingIfNeeded: headerLength))
        if headerLength == 32 && bytes.big32(options) == 0x0101_080a {
            // NOP, NOP, timestamps (RFC 7323 appendix A).
            segment.options.present = .timestamps
            segment.options.timestampValue = bytes.big32(timestampValue)
            segment.options.timestampEchoReply = bytes.big32(timestampEchoReply)
        }
        return segment
    }

    /// Whether a plain frame's segment has other options than `segment` reads.
    @inlinable @inline(__always) public static func hasMoreOptions(_ bytes: RawSpan) -> Bool {
        let words = bytes.octet(dataOffset) >> 4
        return words != 5 && (words != 8 || bytes.big32(options) != 0x0101_080a)
    }

    /// Reads a plain frame's options into its segment.
    public static func readMoreOptions(_ bytes: RawSpan, into segment: inout Segment) {
        let end = tcp + Int(segment.headerLength)
        segment.remarks.formUnion(
            readOptions(bytes, from: options, headerEnd: end, readable: end, into: &segment.options))
    }
}
