// Recognises the same SYN under other addresses: a connection captured both before and behind address translation.

public import TCPModel

/// What distinguishes a SYN from others, whatever its addresses are.
public struct SynTraits: BitwiseCopyable, Sendable {
    /// The traits of a segment that is not a SYN.
    public static let none = SynTraits(time: Timestamp(nanoseconds: .min))

    fileprivate let time: Timestamp
    fileprivate var sequence: UInt32 = 0
    fileprivate var timestamp: UInt32 = 0
    fileprivate var rest: UInt64 = 0
    fileprivate var hopLimit: UInt8 = 0
    fileprivate var hasTimestamps = false

    private init(time: Timestamp) { self.time = time }

    /// The traits of a connection's first segment; `none` if that is not a SYN.
    public init(_ segment: Segment, time: Timestamp) {
        guard segment.flags.has(.syn), !segment.flags.hasAny([.ack, .fin, .rst]) else {
            self = .none
            return
        }
        let options = segment.options
        self.time = time
        sequence = segment.sequence.rawValue
        timestamp = options.timestampValue
        rest =
            UInt64(options.present.rawValue) << 48 | UInt64(options.windowScale) << 40
            | UInt64(segment.window) << 16 | UInt64(UInt16(truncatingIfNeeded: segment.payloadLength))
        hopLimit = segment.hopLimit
        hasTimestamps = options.present.contains(.timestamps)
    }

    fileprivate var isNone: Bool { time.nanoseconds == .min }

    /// Whether both are the same SYN, seen in two places.
    fileprivate func repeats(_ old: SynTraits) -> Bool {
        guard old.sequence == sequence, old.timestamp == timestamp, old.rest == rest,
            hasTimestamps || old.hopLimit != hopLimit
        else { return false }
        let bound = DuplicateFilter.Bound.sameIdentification
        return -bound...bound ~= time.since(old.time)
    }
}

/// The newest SYN of each place, and the name of the connection that it opened.
private struct RepeatedSyns<Name: BitwiseCopyable & Sendable>: Sendable {
    private struct Opening: BitwiseCopyable, Sendable {
        let syn: SynTraits
        let name: Name
    }

    private var openings = RecentSyns<Opening>()

    /// Takes in the SYN that opened a connection; returns the name of the
    /// connection whose SYN it repeats, if there is one.
    mutating func source(of syn: SynTraits, _ name: Name) -> Name? {
        guard !syn.isNone else { return nil }
        let before = openings[syn.sequence]
        openings[syn.sequence] = Opening(syn: syn, name: name)
        return before.flatMap { syn.repeats($0.syn) ? $0.name : nil }
    }
}

/// Links a connection to the one whose SYN it repeats under other addresses (CASES X1: captured before and after NAT).
/// Links a connection to the one whose SYN it repeats under other addresses (CASES X1: captured before and after NAT).
///
/// Only SYNs are compared, and only with the newest of each hash: ISN, TSval, options and length must be the same,
/// within 100 ms. A SYN without timestamps must have another hop limit too: ISNs alone can be forged or coincide.
public struct Translations: Sendable {
    private var openings = RepeatedSyns<UInt64>()

    /// No SYN has been taken in yet.
    public init() {}

    /// Takes in the SYN that opened a connection.
    ///
    /// - Returns: the number of the connection that this one is a translation of; nil if it is none.
    public mutating func source(of syn: SynTraits, number: UInt64) -> UInt64? { openings.source(of: syn, number) }
}

/// `Translations` by the names of connections, for a timeline that tracks all of them itself.
struct NamedTranslations {
    private var openings = RepeatedSyns<ConnectionName>()
    /// How many translations were found.
    private(set) var count: UInt64 = 0

    /// Takes in the SYN that opened a connection; returns the name of the connection that this
    /// one is a translation of, if there is one.
    mutating func source(of syn: SynTraits, _ name: ConnectionName) -> ConnectionName? {
        guard let source = openings.source(of: syn, name) else { return nil }
        count &+= 1
        return source
    }
}
