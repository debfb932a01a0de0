// Several packets in one frame: an 802.11 A-MSDU (IEEE 802.11-2020 9.3.2.2.2).

import TCPModel

/// Offsets in a subframe's header: receiver, sender and length, with LLC behind them.
private enum SubframeHeader {
    static let bodyLength = 12
    static let length = 14
    /// All subframes but the last are padded to a multiple of this.
    static let alignment = 4
}

/// The packets of a frame that holds several; `next` reads them one by one.
///
/// Of its TCP segments, `next` returns the first, and later ones only if they belong to the same connection and have no
/// SYN: connections are identified by frame number, so at most one may begin in a frame. Segments left out are counted.
public struct Aggregate: BitwiseCopyable, Sendable {
    private let frame: FrameExtent
    private let nesting: Nesting
    private var offset: Int
    private var flow: FourTuple?
    /// TCP segments that were not returned.
    public private(set) var leftOut: UInt64 = 0

    init(_ frame: FrameExtent, at offset: Int, in nesting: Nesting) {
        self.frame = frame
        self.offset = offset
        self.nesting = nesting
    }

    /// Reads the next packet; nil if there are no more.
    ///
    /// - Parameter bytes: the same octets that `decodeFrame` was given.
    /// - Throws: a `DecodeError` about this packet. The packets after it can still be read.
    public mutating func next(_ bytes: RawSpan) throws(DecodeError) -> DecodedFrame? {
        while frame.captured - offset >= SubframeHeader.length {
            let start = offset + SubframeHeader.length
            let length = Int(bytes.big16(offset + SubframeHeader.bodyLength))
            offset += (SubframeHeader.length + length + SubframeHeader.alignment - 1) & -SubframeHeader.alignment
            // An empty subframe holds no packet, but further ones may follow.
            if length == 0 { continue }
            let inside = frame.clipped(to: start + length)
            let payload = try llcStep(bytes, inside, at: start).payload(bytes, inside)
            let decoded: DecodedFrame
            switch payload.network {
            case .ipv4: decoded = try ipv4Frame(bytes, inside, at: payload.offset, in: nesting)
            case .ipv6: decoded = try ipv6Frame(bytes, inside, at: payload.offset, in: nesting)
            case .none: return .other(payload.other)
            case .aggregate: return .other(.otherProtocol)
            }
            switch decoded {
            case .segment(let segment):
                if isWanted(segment.tuple, segment.flags) { return decoded }
                leftOut &+= 1
            case .text(let place):
                if isWanted(place.tuple, place.flags) { return decoded }
            // An aggregate in a tunnel in a subframe: no device produces that.
            case .aggregate: return .other(.tunnel)
            // Not reassembled: a connection might begin in it, see above.
            case .fragment: return .other(.otherTransport)
            case .icmp, .other: return decoded
            }
        }
        return nil
    }

    private mutating func isWanted(_ tuple: FourTuple, _ flags: TCPFlags) -> Bool {
        guard let flow else {
            self.flow = tuple
            return true
        }
        return !flags.has(.syn) && (tuple == flow || tuple == flow.reversed)
    }
}

/// Whether an A-MSDU is possible at `start`: its first packet must fit into the octets around it.
func isAggregate(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int) -> Bool {
    guard frame.captured - start >= SubframeHeader.length else { return false }
    let length = Int(bytes.big16(start + SubframeHeader.bodyLength))
    return length > 0 && frame.original - start - SubframeHeader.length >= length
}
