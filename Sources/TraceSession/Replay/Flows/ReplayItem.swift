// What the reader passes of a frame to its part: the headers as captured, which the part decodes, or a decoded segment.
//
// The reader hands over as few octets as possible: with several threads they move from one core's cache to another's.

import TCPModel
import TCPTimeline
import TCPWire

/// A segment on its way to its part.
struct ReplayItem: BitwiseCopyable {
    /// The form in which the segment is given.
    enum Content: UInt8, BitwiseCopyable {
        /// As plain headers.
        case ipv4, ipv6
        /// Decoded: see `ReplayShare.decode`.
        case segment
    }

    /// Room for `PlainHeaders.most` octets; first, so that a share finds the headers at the item's own address.
    private var headers: InlineArray<12, UInt64> = .init(repeating: 0)
    /// The tuple's `FlowHash`.
    var hash: UInt64 = 0
    var time = Timestamp(nanoseconds: 0)
    /// Counted from the batch's first frame.
    var offset: UInt32 = 0
    /// The place on the link where the frame was seen, if nothing else can tell its copies apart.
    var vantage: UInt32 = 0
    /// The index of a decoded segment.
    var place: UInt32 = 0
    var interface: UInt16 = 0
    var content = Content.ipv4

    init() {}

    /// Copies plain headers into the item.
    ///
    /// - Parameters:
    ///   - start: the offset of the headers.
    ///   - count: their length in octets, from `PlainHeaders.count`.
    @inline(__always) mutating func copyHeaders(_ bytes: RawSpan, from start: Int, count: Int) {
        precondition(
            start >= 0 && count >= PlainHeaders.least && count <= PlainHeaders.most
                && start &+ count <= bytes.byteCount)
        unsafe withUnsafeMutableBytes(of: &headers) { room in
            unsafe bytes.withUnsafeBytes { octets in
                // Checked just above: there are `count` octets from `start` on, at least 40, and there is room for
                // them.
                guard let from = octets.baseAddress, let to = room.baseAddress else { return }
                // Sixteen octets at a time; the last move ends where the headers do.
                unsafe Self.move(from + start, to, 0)
                unsafe Self.move(from + start, to, 16)
                if count > 48 { unsafe Self.move(from + start, to, 32) }
                if count > 64 { unsafe Self.move(from + start, to, 48) }
                if count > 80 { unsafe Self.move(from + start, to, 64) }
                unsafe Self.move(from + start, to, count &- 16)
            }
        }
    }

    @inline(__always) private static func move(
        _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ offset: Int
    ) {
        // copyHeaders has checked that there are sixteen octets on both sides.
        unsafe (to + offset).storeBytes(
            of: from.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
    }
}

/// The rare items besides segments, on their way to their part.
struct ReplayAside: BitwiseCopyable {
    enum Content: BitwiseCopyable {
        case icmp(ICMPError)
        /// The answer with these endpoints, in the same frame, shows that its client called this address.
        case called(FourTuple, SocketAddress)
    }

    var content: Content
    var time: Timestamp
    /// Counted from the batch's first frame.
    var offset: UInt32
}

/// The items of one part in a batch.
@safe struct ReplayShare: BitwiseCopyable {
    private let items: UnsafePointer<ReplayItem>
    private let segments: UnsafePointer<Segment>
    let count: Int

    /// - Parameters:
    ///   - items: `count` items, which must not be written to as long as the share is used.
    ///   - segments: the decoded segments that the items refer to by `place`.
    @unsafe init(items: UnsafePointer<ReplayItem>, count: Int, segments: UnsafePointer<Segment>) {
        unsafe self.items = items
        unsafe self.segments = segments
        self.count = count
    }

    subscript(index: Int) -> ReplayItem {
        @inline(__always) unsafeAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // Checked just above.
            return unsafe items + index
        }
    }

    /// Decodes the segment of an item into `segment`.
    @inline(__always) func decode(_ index: Int, into segment: inout Segment) {
        switch self[index].content {
        case .ipv4: segment = plainSegment(index, .ipv4)
        case .ipv6: segment = plainSegment(index, .ipv6)
        // The reader wrote the segment before it wrote the item.
        case .segment: segment = unsafe segments[Int(self[index].place)]
        }
    }

    /// The segment of an item's plain headers, decoded in place: a copy of them would cost as much as everything else.
    @inline(__always) private func plainSegment(_ index: Int, _ version: PlainHeaders.Version) -> Segment {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // Checked just above. An item begins with room for its headers, and no octet behind those that were copied is
        // read.
        let headers = unsafe UnsafeRawBufferPointer(start: items + index, count: PlainHeaders.most)
        return PlainHeaders.segment(unsafe headers.bytes, version)
    }
}

extension Segment {
    /// A segment without contents, to be overwritten.
    static var blank: Segment {
        let nobody = SocketAddress(IPAddress(v4: 0), 0)
        return Segment(tuple: FourTuple(source: nobody, destination: nobody), sequence: SequenceNumber(0), flags: [])
    }
}
