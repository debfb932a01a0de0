// The chain of IPv6 extension headers between the fixed header and TCP (RFC 8200 4).

import TCPModel

/// Offsets that all extension headers share.
private enum ExtensionHeader {
    static let nextHeader = 0
    static let length = 1
    static let options = 2
    /// Every extension header has at least eight octets.
    static let leastLength = 8
    /// RFC 8200 4.1 lists at most seven; more than this is an attack on parsers.
    static let most = 16
}

/// Offsets in the fragment header (RFC 8200 4.5).
private enum FragmentHeader {
    static let offsetAndMore = 2
    static let identification = 4
    static let length = 8
    static let offsetMask: UInt16 = 0xfff8
    static let moreMask: UInt16 = 0x0001
}

/// The jumbo payload option (RFC 2675 2).
private enum JumboOption {
    static let type: UInt8 = 0xc2
    static let length = 4
}

/// The unread part of an IPv6 packet while its extension headers are being read.
struct IPv6Payload: BitwiseCopyable {
    /// The type of the header at `offset`.
    var nextHeader: UInt8
    /// How far the packet has been read.
    var offset: Int
    /// Where the packet ends.
    var end: Int
    /// Where `end` comes from.
    var limit: DecodeError.Limit
    /// Remarks for the segment.
    var remarks: SegmentRemarks
    /// Whether this is a fragment: the octets behind its fragment header are part of a larger packet.
    var isFragment = false
    /// Offset and More flag from the fragment header.
    var fragmentField: UInt16 = 0
    /// Identification from the fragment header.
    var fragmentIdentification: UInt32 = 0

    /// This payload with its end determined and its extension headers skipped; `start` is the end of the fixed header.
    @inline(never) func completed(
        _ bytes: RawSpan, _ frame: FrameExtent, from start: Int, length: Int
    ) throws(DecodeError) -> IPv6Payload {
        var payload = self
        if length == 0 {
            // RFC 2675 3: 0 announces a jumbo payload option, which replaces this end when it is found. Without that
            // option, the sender's network card has not yet segmented the packet (BIG TCP), and only the capture record
            // has the length.
            payload.end = frame.original
            payload.limit = .frame
            payload.remarks = .lengthFromCapture
        }
        try payload.skipExtensions(bytes, frame, from: start)
        return payload
    }

    /// Advances to the first header that is not an extension header; `start` is the end of the fixed header.
    mutating func skipExtensions(_ bytes: RawSpan, _ frame: FrameExtent, from start: Int) throws(DecodeError) {
        var count = 0
        while !isFragment {
            switch nextHeader {
            case IPProtocol.hopByHop, IPProtocol.destinationOptions, IPProtocol.routing, IPProtocol.fragment,
                IPProtocol.authentication, IPProtocol.mobility, IPProtocol.hostIdentity, IPProtocol.shim6:
                break
            default: return
            }
            guard count < ExtensionHeader.most else {
                throw .malformed(
                    .ipv6Extension, .tooManyExtensionHeaders, at: offset, needed: count + 1,
                    available: ExtensionHeader.most)
            }
            count += 1
            try need(ExtensionHeader.leastLength, frame)
            try skipOne(bytes, frame, from: start)
        }
    }

    /// Advances past the extension header at `offset`, of which eight octets must be readable.
    private mutating func skipOne(_ bytes: RawSpan, _ frame: FrameExtent, from start: Int) throws(DecodeError) {
        let following = bytes.octet(offset + ExtensionHeader.nextHeader)
        let lengthField = Int(bytes.octet(offset + ExtensionHeader.length))
        var length = (lengthField + 1) * 8
        switch nextHeader {
        case IPProtocol.fragment:
            // RFC 8200 4.5. Offset 0 without More is an atomic fragment (RFC 6946): a whole packet.
            length = FragmentHeader.length
            let field = bytes.big16(offset + FragmentHeader.offsetAndMore)
            if field & (FragmentHeader.offsetMask | FragmentHeader.moreMask) != 0 {
                isFragment = true
                fragmentField = field
                fragmentIdentification = bytes.big32(offset + FragmentHeader.identification)
            }
        case IPProtocol.authentication:
            // RFC 4302 2.2: in units of four octets, minus two.
            length = (lengthField + 2) * 4
            try need(length, frame)
        case IPProtocol.hopByHop:
            try need(length, frame)
            readJumboLength(bytes, length: length, from: start)
        default:
            try need(length, frame)
        }
        offset += length
        nextHeader = following
    }

    /// The fragment behind the last fragment header read; `start` is where the IPv6 header begins.
    @inline(never) func fragmentFrame(
        _ frame: FrameExtent, from source: IPAddress, to destination: IPAddress, hopLimit: UInt8, start: Int,
        in nesting: Nesting
    ) -> DecodedFrame {
        let fragment = Fragment(
            frame, from: source, to: destination, identification: fragmentIdentification, protocolNumber: nextHeader,
            isIPv4: false, hopLimit: hopLimit, hasMore: fragmentField & FragmentHeader.moreMask != 0,
            offset: Int(fragmentField & FragmentHeader.offsetMask),
            headerLength: offset - FragmentHeader.length - start, start: offset, end: end, in: nesting)
        return .fragment(fragment)
    }

    /// Takes the packet's length from a jumbo payload option if the fixed header left it open (RFC 2675 3).
    private mutating func readJumboLength(_ bytes: RawSpan, length: Int, from start: Int) {
        guard remarks.contains(.lengthFromCapture) else { return }
        var at = offset + ExtensionHeader.options
        let optionsEnd = offset + length
        // RFC 8200 4.2: Pad1 is the only option without a length.
        while at < optionsEnd {
            if bytes.octet(at) == 0 {
                at += 1
                continue
            }
            guard optionsEnd - at >= 2 else { return }
            let size = Int(bytes.octet(at + 1))
            guard optionsEnd - at - 2 >= size else { return }
            if bytes.octet(at) == JumboOption.type && size == JumboOption.length {
                end = start + Int(bytes.big32(at + 2))
                limit = .jumboLength
                remarks.subtract(.lengthFromCapture)
                return
            }
            at += 2 + size
        }
    }

    /// Throws unless `octets` octets from `offset` on are both inside the packet and captured.
    private func need(_ octets: Int, _ frame: FrameExtent) throws(DecodeError) {
        guard end - offset >= octets else {
            throw .truncated(
                .ipv6Extension, at: offset, needed: octets, available: max(0, end - offset), limitedBy: limit)
        }
        guard frame.captured - offset >= octets else {
            throw frame.truncated(.ipv6Extension, at: offset, needed: octets)
        }
    }
}
