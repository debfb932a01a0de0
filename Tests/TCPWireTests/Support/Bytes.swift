// Builds frames from hex and from parts, and decodes them with few words.

import TCPModel
import TCPWire
import Testing

/// The octets of a hex string; white space is ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count % 2 == 0, "odd number of hex digits")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A number as two octets in network order.
func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

/// A number as four octets in network order.
func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

/// Decodes octets as a whole frame, or as the captured part of one that had `original` octets.
func decode(_ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil) throws(DecodeError) -> DecodedFrame {
    let header = FrameHeader(
        time: Timestamp(nanoseconds: 0), capturedLength: UInt32(bytes.count),
        originalLength: UInt32(original ?? bytes.count), linkType: link)
    // Every octet of an array of UInt8 is initialized; `bytes` is unsafe because it cannot know this of other element
    // types.
    return try decodeFrame(unsafe bytes.span.bytes, header)
}

extension FragmentReassembly {
    /// Decodes octets as a whole frame and reassembles fragments with earlier ones.
    mutating func decode(
        _ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil,
        at time: Timestamp = Timestamp(nanoseconds: 0), frame: UInt64 = 1
    ) throws(DecodeError) -> DecodedFrame {
        let decoded = try TCPWireTests.decode(bytes, link, original: original)
        guard case .fragment(let fragment) = decoded else { return decoded }
        // Every octet of an array of UInt8 is initialized, as above.
        return try take(fragment, unsafe bytes.span.bytes, at: time, frame: frame)
    }
}

/// A frame holds something other than the segment that the test expects.
struct NotASegment: Error {
    let other: OtherTraffic
}

/// The segment of a frame.
func segment(_ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil) throws -> Segment {
    switch try decode(bytes, link, original: original) {
    case .segment(let segment): return segment
    case .fragment: throw NotASegment(other: .fragment)
    case .icmp: throw NotASegment(other: .icmp)
    case .aggregate: throw NotASegment(other: .otherProtocol)
    case .other(let other): throw NotASegment(other: other)
    case .text: throw NotASegment(other: .otherProtocol)
    }
}

/// The kind of other traffic that a frame holds; nil if it is a segment, an ICMP error or several packets.
func other(_ bytes: [UInt8], _ link: LinkType = .ethernet) throws(DecodeError) -> OtherTraffic? {
    switch try decode(bytes, link) {
    case .other(let other): return other
    case .fragment: return .fragment
    case .segment, .icmp, .aggregate, .text: return nil
    }
}

/// The error with which a frame fails to decode, or nil.
func failure(_ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil) -> DecodeError? {
    do throws(DecodeError) {
        _ = try decode(bytes, link, original: original)
        return nil
    } catch {
        return error
    }
}

/// The packets of a frame that has several, without those that fail to decode, and the number of segments left out.
func packets(_ bytes: [UInt8], _ link: LinkType, original: Int? = nil) throws -> (all: [DecodedFrame], leftOut: UInt64)
{
    guard case .aggregate(var several) = try decode(bytes, link, original: original) else {
        throw NotASegment(other: .otherProtocol)
    }
    var all: [DecodedFrame] = []
    while true {
        do throws(DecodeError) {
            // Every octet of an array of UInt8 is initialized, as above.
            guard let next = try several.next(unsafe bytes.span.bytes) else { break }
            all.append(next)
        } catch {
            continue
        }
    }
    return (all, several.leftOut)
}
