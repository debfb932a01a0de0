// The list of TCP options (RFC 9293 3.1, Options).

public import TCPModel

/// Option kinds (IANA's "TCP Option Kind Numbers").
private enum OptionKind {
    static let end: UInt8 = 0
    static let noOperation: UInt8 = 1
    static let maximumSegmentSize: UInt8 = 2
    static let windowScale: UInt8 = 3
    static let sackPermitted: UInt8 = 4
    static let sack: UInt8 = 5
    static let timestamps: UInt8 = 8
    static let md5Signature: UInt8 = 19
    static let userTimeout: UInt8 = 28
    static let authentication: UInt8 = 29
    static let multipath: UInt8 = 30
    static let fastOpen: UInt8 = 34
    static let accurateECN0: UInt8 = 172
    static let accurateECN1: UInt8 = 174
    static let experiment1: UInt8 = 253
    static let experiment2: UInt8 = 254
}

/// Fast Open's experiment identifier (RFC 6994 3; IANA's TCP ExID registry).
private let fastOpenExperiment: UInt16 = 0xf989
/// AccECN's experiment identifiers: for the options of order 0 and 1 before they had kinds of their own, and the oldest
/// one (RFC 9768 7).
private enum AccurateECNExperiment {
    static let order0: UInt16 = 0xacc0
    static let order1: UInt16 = 0xacc1
    static let oldest: UInt16 = 0xacce
}

/// The options of nearly every segment on an established connection: NOP, NOP, timestamps (RFC 7323 appendix A).
@usableFromInline enum UsualOptions {
    @usableFromInline static var length: Int { 12 }
    @usableFromInline static var start: UInt32 { 0x0101_080a }
}

/// The options of nearly every SYN and SYN-ACK, in Linux's order: MSS, SACK permitted, timestamps, NOP, window scale.
private enum UsualSynOptions {
    static let length = 20
    static let maximumSegmentSize: UInt32 = 0x0204
    static let sackPermittedAndTimestamps: UInt32 = 0x0402_080a
    static let windowScale: UInt32 = 0x01_0303
    static var kinds: TCPOptions.Kinds { [.maximumSegmentSize, .sackPermitted, .timestamps, .windowScale] }
}

/// Reads the options from `start` to `headerEnd`, or only up to `readable` if that comes first.
///
/// If a kind occurs twice, the later one counts, as in Linux. Each path has a variable of its own: the last path would
/// force a shared one into memory, and reading it back right after writing it costs more than the rest of a frame.
@inline(__always) func tcpOptions(
    _ bytes: RawSpan, from start: Int, headerEnd: Int, readable: Int, _ remarks: inout SegmentRemarks
) -> TCPOptions {
    let length = headerEnd &- start
    if length == 0 { return TCPOptions() }
    if length == UsualOptions.length, readable >= headerEnd, bytes.big32(start) == UsualOptions.start {
        var options = TCPOptions()
        options.present = .timestamps
        options.timestampValue = bytes.big32(start &+ 4)
        options.timestampEchoReply = bytes.big32(start &+ 8)
        return options
    }
    var options = TCPOptions()
    remarks.formUnion(readOptions(bytes, from: start, headerEnd: headerEnd, readable: readable, into: &options))
    return options
}

/// Reads any list of options one by one into `options`, which must be empty before, and returns the remarks.
@usableFromInline @inline(never) func readOptions(
    _ bytes: RawSpan, from start: Int, headerEnd: Int, readable: Int, into options: inout TCPOptions
) -> SegmentRemarks {
    if headerEnd &- start == UsualSynOptions.length, readable >= headerEnd {
        let (first, last) = (bytes.big32(start), bytes.big32(start &+ 16))
        if first >> 16 == UsualSynOptions.maximumSegmentSize, last >> 8 == UsualSynOptions.windowScale,
            bytes.big32(start &+ 4) == UsualSynOptions.sackPermittedAndTimestamps
        {
            options.present = UsualSynOptions.kinds
            options.maximumSegmentSize = UInt16(truncatingIfNeeded: first)
            options.windowScale = UInt8(truncatingIfNeeded: last)
            options.timestampValue = bytes.big32(start &+ 8)
            options.timestampEchoReply = bytes.big32(start &+ 12)
            return SegmentRemarks(rawValue: 0)
        }
    }
    var remarks = SegmentRemarks(rawValue: 0)
    let end = min(headerEnd, readable)
    if end < headerEnd { remarks.formUnion(.truncatedOptions) }
    var at = start
    while at < end {
        let kind = bytes.octet(at)
        // RFC 9293 3.1, Options: everything after the end of the list is padding, whatever it looks like.
        if kind == OptionKind.end { return remarks }
        if kind == OptionKind.noOperation {
            at &+= 1
            continue
        }
        // RFC 9293 3.1, Options: the length includes the kind and itself, so with 0 or 1 the loop would never advance.
        guard headerEnd &- at >= 2 else { return remarks.union(.malformedOption) }
        guard end &- at >= 2 else { return remarks }
        let length = Int(bytes.octet(at &+ 1))
        guard length >= 2, length <= headerEnd &- at else { return remarks.union(.malformedOption) }
        guard length <= end &- at else { return remarks }
        if !options.read(bytes, kind: kind, at: at, length: length) { remarks.formUnion(.malformedOption) }
        at &+= length
    }
    return remarks
}

extension TCPOptions {
    /// Reads the option at `at`, all of whose `length` (at least 2) octets must be readable; false if its kind does not
    /// allow that length.
    @inline(__always) fileprivate mutating func read(_ bytes: RawSpan, kind: UInt8, at: Int, length: Int) -> Bool {
        switch kind {
        case OptionKind.maximumSegmentSize:  // RFC 9293 3.7.1
            guard length == 4 else { return false }
            maximumSegmentSize = bytes.big16(at + 2)
            present.formUnion(.maximumSegmentSize)
        case OptionKind.windowScale:  // RFC 7323 2.2
            guard length == 3 else { return false }
            windowScale = bytes.octet(at + 2)
            present.formUnion(.windowScale)
        case OptionKind.sackPermitted:  // RFC 2018 2
            guard length == 2 else { return false }
            present.formUnion(.sackPermitted)
        case OptionKind.sack:  // RFC 2018 3
            return readSACK(bytes, at: at, length: length)
        case OptionKind.timestamps:  // RFC 7323 3.2
            guard length == 10 else { return false }
            timestampValue = bytes.big32(at + 2)
            timestampEchoReply = bytes.big32(at + 6)
            present.formUnion(.timestamps)
        case OptionKind.md5Signature:  // RFC 2385 3.0
            guard length == 18 else { return false }
            present.formUnion(.md5Signature)
        case OptionKind.authentication:  // RFC 5925 2.2
            guard length >= 4 else { return false }
            present.formUnion(.authentication)
        case OptionKind.multipath:  // RFC 8684 3
            guard length >= 3 else { return false }
            readMultipath(bytes, at: at, length: length)
        case OptionKind.userTimeout:  // RFC 5482 3.3
            guard length == 4 else { return false }
            userTimeout = bytes.big16(at + 2)
            present.formUnion(.userTimeout)
        case OptionKind.accurateECN0, OptionKind.accurateECN1:  // RFC 9768 3.2.3: none to three counters of 24 bits
            guard length <= 11, (length - 2) % 3 == 0 else { return false }
            present.formUnion(.accurateECN)
        case OptionKind.fastOpen:
            return readFastOpen(cookieLength: length - 2)
        case OptionKind.experiment1, OptionKind.experiment2:  // RFC 6994 3: a magic number tells the experiment
            guard length >= 4 else {
                present.formUnion(.unknown)
                return true
            }
            switch bytes.big16(at + 2) {
            case fastOpenExperiment: return readFastOpen(cookieLength: length - 4)
            case AccurateECNExperiment.order0, AccurateECNExperiment.order1, AccurateECNExperiment.oldest:
                present.formUnion(.accurateECN)
            case let identifier:
                experimentIdentifier = identifier
                present.formUnion(.experiment)
            }
        default:
            present.formUnion(.unknown)
        }
        return true
    }

    /// RFC 8684 3: the subtype, and the values that identify connections; values for which the length is wrong are not
    /// read.
    private mutating func readMultipath(_ bytes: RawSpan, at: Int, length: Int) {
        let first = bytes.octet(at + 2)
        multipathSubtype = first >> 4
        multipathSubtypes |= 1 << UInt16(first >> 4)
        present.formUnion(.multipath)
        switch MultipathSubtype(rawValue: first >> 4) {
        case .capable:  // 3.1: the sender's key, but in a version 1 SYN
            multipathDetail = first & 0x0f
            if length >= 12 { multipathValue = bytes.big64(at + 4) }
        case .join:  // 3.2: twelve octets in the SYN, others have no token
            if length == 12 { multipathValue = UInt64(bytes.big32(at + 4)) }
        case .reset:  // 3.6
            if length >= 4 { multipathDetail = bytes.octet(at + 3) }
        case .dataSequence, .addAddress, .removeAddress, .priority, .fail, .fastClose, nil: break
        }
    }

    /// RFC 7413 4.1.1: no cookie (a request), or a cookie of 4 to 16 octets and even length; other lengths are invalid.
    private mutating func readFastOpen(cookieLength: Int) -> Bool {
        guard cookieLength == 0 || 4...16 ~= cookieLength && cookieLength % 2 == 0 else { return false }
        fastOpenCookieLength = UInt8(truncatingIfNeeded: cookieLength)
        present.formUnion(.fastOpen)
        return true
    }

    /// RFC 2018 3: one to four blocks of eight octets (a fifth does not fit into a header).
    private mutating func readSACK(_ bytes: RawSpan, at: Int, length: Int) -> Bool {
        let count = (length - 2) / 8
        guard 1...4 ~= count, length == 2 + 8 * count else { return false }
        for index in 0..<count {
            let block = at + 2 + 8 * index
            sackBlocks[index] = SACKBlock(
                left: SequenceNumber(bytes.big32(block)), right: SequenceNumber(bytes.big32(block + 4)))
        }
        sackBlockCount = UInt8(truncatingIfNeeded: count)
        present.formUnion(.sack)
        return true
    }
}
