// Frames from hex and from parts, and the shortest way to decode them.

import TCPModel
import TCPWire
import Testing

/// The octets of a hex string; white space is ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count % 2 == 0, "odd number of hex digits")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A number as two octets, network order.
func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

/// A number as four octets, network order.
func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

/// Decodes octets as a whole frame, or as the captured part of one that had `original` octets.
func decode(_ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil) throws(DecodeError) -> DecodedFrame {
    let header = FrameHeader(
        time: Timestamp(nanoseconds: 0), capturedLength: UInt32(bytes.count),
        originalLength: UInt32(original ?? bytes.count), linkType: link)
    // Every octet of an array of UInt8 is initialized, which is what this property cannot know of other elements.
    return try decodeFrame(unsafe bytes.span.bytes, header)
}

extension FragmentReassembly {
    /// Decodes octets as a whole frame; fragments are put together with those before.
    mutating func decode(
        _ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil,
        at time: Timestamp = Timestamp(nanoseconds: 0), frame: UInt64 = 1
    ) throws(DecodeError) -> DecodedFrame {
        let decoded = try TCPWireTests.decode(bytes, link, original: original)
        guard case .fragment(let fragment) = decoded else { return decoded }
        // As above.
        return try take(fragment, unsafe bytes.span.bytes, at: time, frame: frame)
    }
}

/// A frame turned out to hold something else than the test is about.
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

/// What a frame holds if not a segment, else nil.
func other(_ bytes: [UInt8], _ link: LinkType = .ethernet) throws(DecodeError) -> OtherTraffic? {
    switch try decode(bytes, link) {
    case .other(let other): return other
    case .fragment: return .fragment
    case .segment, .icmp, .aggregate, .text: return nil
    }
}

/// The error of a frame, or nil.
func failure(_ bytes: [UInt8], _ link: LinkType = .ethernet, original: Int? = nil) -> DecodeError? {
    do throws(DecodeError) {
        _ = try decode(bytes, link, original: original)
        return nil
    } catch {
        return error
    }
}

/// The packets of a frame with several, errors left out, and how many segments were left out.
func packets(_ bytes: [UInt8], _ link: LinkType, original: Int? = nil) throws -> (all: [DecodedFrame], leftOut: UInt64)
{
    guard case .aggregate(var several) = try decode(bytes, link, original: original) else {
        throw NotASegment(other: .otherProtocol)
    }
    var all: [DecodedFrame] = []
    while true {
        do throws(DecodeError) {
            // As above.
            guard let next = try several.next(unsafe bytes.span.bytes) else { break }
            all.append(next)
        } catch {
            continue
        }
    }
    return (all, several.leftOut)
}
