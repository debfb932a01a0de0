// One decoded TCP segment: plain data, no heap, everything that the state machine and the reports need.

/// Remarks that decoding a frame left on its segment. None of them is an error: the segment is usable.
public struct SegmentRemarks: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// One bit per remark.
    public var rawValue: UInt16
    /// The remarks with these bits.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// An option had an impossible length (0, 1, or beyond the header); the options after it were not read.
    @inlinable public static var malformedOption: SegmentRemarks { SegmentRemarks(rawValue: 1 << 0) }
    /// The capture's snapshot length cut the options short.
    @inlinable public static var truncatedOptions: SegmentRemarks { SegmentRemarks(rawValue: 1 << 1) }
    /// The IP length field was 0 (segmentation offload, BIG TCP); the payload length comes from the capture record.
    @inlinable public static var lengthFromCapture: SegmentRemarks { SegmentRemarks(rawValue: 1 << 2) }
    /// Reassembled from IP fragments; its frame is the one that completed the packet.
    @inlinable public static var reassembled: SegmentRemarks { SegmentRemarks(rawValue: 1 << 3) }
    /// The frame is shorter than the IP length says, and not because of the snapshot length. The payload length is what
    /// IP claims.
    @inlinable public static var lengthBeyondFrame: SegmentRemarks { SegmentRemarks(rawValue: 1 << 4) }
    /// Some of its IPv4 fragments overlapped. How the receiver resolved this is unknown.
    @inlinable public static var overlappingFragments: SegmentRemarks { SegmentRemarks(rawValue: 1 << 5) }
    /// The TCP checksum or the IPv4 header checksum is wrong, and no offload explains it. Set only if checksums are
    /// verified.
    @inlinable public static var badChecksum: SegmentRemarks { SegmentRemarks(rawValue: 1 << 6) }
    /// The first fragment of a packet whose other fragments did not arrive, so that its receiver gets none of it.
    /// Lengths are those of this fragment.
    @inlinable public static var incomplete: SegmentRemarks { SegmentRemarks(rawValue: 1 << 7) }
    /// The remarks for which the receiver drops a segment.
    @inlinable public static var dropped: SegmentRemarks { [.badChecksum, .incomplete] }
}

/// One TCP segment as it was captured.
public struct Segment: BitwiseCopyable, Sendable {
    /// Sender and receiver; inside a tunnel, those of the innermost IP header.
    public var tuple: FourTuple
    /// The innermost tunnel around its IP packet. (This octet and the next fill padding that the tuple leaves.)
    public var tunnel: Tunnel
    /// The number of tunnels around its IP packet.
    public var tunnelDepth: UInt8
    /// SEG.SEQ.
    public var sequence: SequenceNumber
    /// SEG.ACK; meaningful only if ACK is set.
    public var acknowledgment: SequenceNumber
    /// The control bits.
    public var flags: TCPFlags
    /// SEG.WND as sent, not scaled.
    public var window: UInt16
    /// The urgent pointer; meaningful only if URG is set.
    public var urgentPointer: UInt16
    /// Remarks that decoding left.
    public var remarks: SegmentRemarks
    /// Octets of text, without SYN and FIN, according to the IP length, so that a short snapshot length does not
    /// matter.
    public var payloadLength: UInt32
    /// Octets of the whole IP datagram, header included (Zeek's ip_bytes); inside a tunnel, of the innermost one.
    public var ipLength: UInt32
    /// IPv4 identification, or 0.
    public var ipIdentification: UInt16
    /// TTL or hop limit.
    public var hopLimit: UInt8
    /// Octets of the TCP header, options included.
    public var headerLength: UInt8
    /// The decoded options.
    public var options: TCPOptions

    /// A segment from its fields; those that rarely matter to tests have defaults.
    @inlinable public init(
        tuple: FourTuple, sequence: SequenceNumber, acknowledgment: SequenceNumber = SequenceNumber(0),
        flags: TCPFlags, window: UInt16 = 0, urgentPointer: UInt16 = 0, remarks: SegmentRemarks = [],
        payloadLength: UInt32 = 0, ipLength: UInt32 = 40, ipIdentification: UInt16 = 0, hopLimit: UInt8 = 64,
        headerLength: UInt8 = 20, options: TCPOptions = TCPOptions(), tunnel: Tunnel = .none, tunnelDepth: UInt8 = 0
    ) {
        self.tuple = tuple
        self.tunnel = tunnel
        self.tunnelDepth = tunnelDepth
        self.sequence = sequence
        self.acknowledgment = acknowledgment
        self.flags = flags
        self.window = window
        self.urgentPointer = urgentPointer
        self.remarks = remarks
        self.payloadLength = payloadLength
        self.ipLength = ipLength
        self.ipIdentification = ipIdentification
        self.hopLimit = hopLimit
        self.headerLength = headerLength
        self.options = options
    }

    /// SEG.LEN of RFC 9293 3.3.1: payload octets, plus one for SYN and one for FIN.
    @inlinable public var sequenceLength: UInt32 {
        payloadLength &+ (flags.has(.syn) ? 1 : 0) &+ (flags.has(.fin) ? 1 : 0)
    }

    /// The sequence number just after this segment.
    @inlinable public var sequenceEnd: SequenceNumber { sequence.advanced(by: sequenceLength) }

    /// The sequence number of the FIN, if there is one: after SYN and payload.
    @inlinable public var finSequence: SequenceNumber {
        sequence.advanced(by: payloadLength &+ (flags.has(.syn) ? 1 : 0))
    }

    /// Whether this is a pure acknowledgment: ACK, no payload, no SYN, FIN or RST.
    @inlinable public var isPureAck: Bool {
        flags.has(.ack) && payloadLength == 0 && !flags.hasAny(.synFinRst)
    }
}
