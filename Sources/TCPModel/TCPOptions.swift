// The decoded TCP options of one segment, as plain data: fixed size, no heap.

/// One SACK block (RFC 2018 3): `left ..< right` has been received.
public struct SACKBlock: Hashable, BitwiseCopyable, Sendable {
    /// First sequence number of the block.
    public var left: SequenceNumber
    /// The sequence number just after the block.
    public var right: SequenceNumber

    /// The block `left ..< right`.
    @inlinable public init(left: SequenceNumber, right: SequenceNumber) {
        self.left = left
        self.right = right
    }
}

/// The options of one segment that this tool understands. A value is meaningful only if its bit is in `present`.
@frozen public struct TCPOptions: BitwiseCopyable, Sendable {
    /// Which options a segment carried.
    public struct Kinds: OptionSet, Hashable, BitwiseCopyable, Sendable {
        /// One bit per kind.
        public var rawValue: UInt16
        /// The kinds with these bits.
        @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// Maximum segment size, kind 2 (RFC 9293 3.7.1).
        @inlinable public static var maximumSegmentSize: Kinds { Kinds(rawValue: 1 << 0) }
        /// Window scale, kind 3 (RFC 7323 2.2).
        @inlinable public static var windowScale: Kinds { Kinds(rawValue: 1 << 1) }
        /// SACK permitted, kind 4 (RFC 2018 2).
        @inlinable public static var sackPermitted: Kinds { Kinds(rawValue: 1 << 2) }
        /// SACK blocks, kind 5 (RFC 2018 3).
        @inlinable public static var sack: Kinds { Kinds(rawValue: 1 << 3) }
        /// Timestamps, kind 8 (RFC 7323 3.2).
        @inlinable public static var timestamps: Kinds { Kinds(rawValue: 1 << 4) }
        /// Fast Open cookie or request, kind 34 (RFC 7413 4.1.1), or its experimental form (kind 254, magic 0xF989).
        @inlinable public static var fastOpen: Kinds { Kinds(rawValue: 1 << 5) }
        /// MPTCP, kind 30 (RFC 8684 3).
        @inlinable public static var multipath: Kinds { Kinds(rawValue: 1 << 6) }
        /// TCP MD5 signature, kind 19 (RFC 2385).
        @inlinable public static var md5Signature: Kinds { Kinds(rawValue: 1 << 7) }
        /// TCP authentication option, kind 29 (RFC 5925).
        @inlinable public static var authentication: Kinds { Kinds(rawValue: 1 << 8) }
        /// User timeout, kind 28 (RFC 5482).
        @inlinable public static var userTimeout: Kinds { Kinds(rawValue: 1 << 9) }
        /// AccECN, kinds 172 and 174 (RFC 9768 3.2.3), or its experimental forms (magic 0xACC0, 0xACC1, 0xACCE).
        @inlinable public static var accurateECN: Kinds { Kinds(rawValue: 1 << 10) }
        /// An experiment of kind 253 or 254 (RFC 6994) that this tool does not know.
        @inlinable public static var experiment: Kinds { Kinds(rawValue: 1 << 11) }
        /// At least one option of a kind this tool does not know; it was skipped by its length.
        @inlinable public static var unknown: Kinds { Kinds(rawValue: 1 << 15) }
    }

    /// The kinds that were present and well formed.
    public var present: Kinds = []
    /// MSS in octets.
    public var maximumSegmentSize: UInt16 = 0
    /// Window scale shift as sent, 0 ... 255; see `usedWindowScale`.
    public var windowScale: UInt8 = 0
    /// How many of the four blocks below are set.
    public var sackBlockCount: UInt8 = 0
    /// Length of the Fast Open cookie in octets; 0 is a request for a cookie.
    public var fastOpenCookieLength: UInt8 = 0
    /// MPTCP subtype (high four bits of its third byte), RFC 8684 7.2.
    public var multipathSubtype: UInt8 = 0
    /// MPTCP: the version from MP_CAPABLE, or the reason code from MP_TCPRST; the two never come together.
    public var multipathDetail: UInt8 = 0
    /// MPTCP subtypes, one bit each: a segment may carry several MPTCP options.
    public var multipathSubtypes: UInt16 = 0
    /// User timeout as sent, in minutes if the highest bit is set, otherwise in seconds.
    public var userTimeout: UInt16 = 0
    /// The identifier of the last unknown experiment (RFC 6994 3.1).
    public var experimentIdentifier: UInt16 = 0
    /// TSval (RFC 7323 3.2).
    public var timestampValue: UInt32 = 0
    /// TSecr (RFC 7323 3.2).
    public var timestampEchoReply: UInt32 = 0
    /// SACK blocks in header order; the first may be a D-SACK (RFC 2883).
    public var sackBlocks: InlineArray<4, SACKBlock> = .init(
        repeating: SACKBlock(left: SequenceNumber(0), right: SequenceNumber(0)))

    /// The largest window scale: whatever is above counts as this one (RFC 7323 2.3).
    @inlinable public static var largestWindowScale: UInt8 { 14 }

    /// The window scale that both ends use for what this sender's SYN offers.
    @inlinable public var usedWindowScale: UInt8 { min(windowScale, Self.largestWindowScale) }

    /// MPTCP: the sender's key from MP_CAPABLE, or the token from the MP_JOIN of a SYN; 0 if there is neither.
    ///
    /// It shares the storage of the fourth SACK block: four blocks take 34 of at most 40 octets of options, and either
    /// of these options takes 12, so a segment cannot carry both.
    @inlinable public var multipathValue: UInt64 {
        get {
            if sackBlockCount > 3 { return 0 }
            return UInt64(sackBlocks[3].left.rawValue) << 32 | UInt64(sackBlocks[3].right.rawValue)
        }
        set {
            if sackBlockCount > 3 { return }
            sackBlocks[3] = SACKBlock(
                left: SequenceNumber(UInt32(truncatingIfNeeded: newValue >> 32)),
                right: SequenceNumber(UInt32(truncatingIfNeeded: newValue)))
        }
    }

    /// No options.
    @inlinable public init() {}
}
