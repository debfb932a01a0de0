// Finds the other half of a connection that its own host redirects to itself.

public import TCPModel

/// Identifies answers that come from another address than the SYN went to.
///
/// If a host redirects its own connections to a server of its own (REDIRECT, or DNAT in OUTPUT, as in front of a
/// proxy), each packet is captured as its receiver gets it: the client's with the server's address, the server's with
/// the address that the client called. The answer to the SYN shows that: it goes to the client's own address and port,
/// and acknowledges ISN + 1 (RFC 9293 3.10.7.1; the SEG.SEQ of a RST is 0). All of this happens on a loopback
/// interface, so frames from elsewhere need not be examined.
///
/// A SYN that is captured under several addresses passed a router,
/// which shows each connection whole: see `Translations`.
public struct Redirections: Sendable {
    /// The redirection that applies to a segment.
    public struct Found: BitwiseCopyable, Sendable {
        /// The address that the client called (Linux: SO_ORIGINAL_DST): the segment was captured as coming from it.
        public let called: SocketAddress
        /// Whether this segment is the first that shows it.
        public let isNew: Bool
    }

    /// A SYN that may still be answered from elsewhere.
    private struct Opening: BitwiseCopyable, Sendable {
        var tuple: FourTuple
        var sequence: UInt32
        /// False once it was answered, or captured under other addresses.
        var isOpen: Bool
        var time: Timestamp
    }

    private struct Entry: BitwiseCopyable {
        /// The four-tuple with which the server's segments were captured.
        var answer: FourTuple
        /// The server's own address.
        var server: SocketAddress
        var latest: Timestamp
    }

    /// How long a SYN waits for its answer, in nanoseconds.
    private static let patience = Span.second
    /// Redirections that are remembered: in each set the oldest is replaced.
    private static let sets = 2048
    private static let ways = 8

    private var openings = RecentSyns<Opening>()
    private var entries: [Entry?] = []
    // Without a seed, so that every run gives the same result.
    private let hash = FlowHash(seed: 0)

    /// Whether redirections are looked for at all.
    @usableFromInline let isWanted: Bool

    /// Creates an instance that knows no redirection. Unless `isWanted`,
    /// the two halves of a connection stay separate, as in other tools.
    public init(isWanted: Bool = true) { self.isWanted = isWanted }

    /// Whether a segment with these flags must be passed to `restore`.
    @inlinable @inline(__always) public func concerns(_ flags: TCPFlags) -> Bool {
        isWanted && (flags.hasAny([.syn, .rst]) || !isEmpty)
    }

    /// Whether no redirection is known.
    public private(set) var isEmpty = true

    /// Takes in the ends of any segment and, if its connection is redirected,
    /// replaces them with the connection's; nil if it is not.
    public mutating func restore(
        _ tuple: inout FourTuple, _ flags: TCPFlags, sequence: SequenceNumber, acknowledgment: SequenceNumber,
        time: Timestamp
    ) -> Found? {
        if flags.has(.syn), !flags.hasAny([.ack, .rst, .fin]) {
            note(opening: tuple, sequence.rawValue, time)
            return nil
        }
        if flags.has(.ack), flags.has(.syn) != flags.has(.rst), flags.has(.syn) || sequence == SequenceNumber(0),
            let found = answer(&tuple, acknowledgment.rawValue &- 1, time)
        {
            return found
        }
        guard !isEmpty, let place = place(of: tuple), let entry = entries[place] else { return nil }
        entries[place]?.latest = time
        defer { tuple.source = entry.server }
        return Found(called: tuple.source, isNew: false)
    }

    /// `restore` for a whole segment.
    public mutating func restore(_ segment: inout Segment, time: Timestamp) -> Found? {
        restore(
            &segment.tuple, segment.flags, sequence: segment.sequence, acknowledgment: segment.acknowledgment,
            time: time)
    }

    private mutating func note(opening tuple: FourTuple, _ sequence: UInt32, _ time: Timestamp) {
        if var known = openings[sequence], known.sequence == sequence, time.since(known.time) <= Self.patience {
            known.time = time
            if known.tuple != tuple { known.isOpen = false }
            openings[sequence] = known
        } else {
            openings[sequence] = Opening(tuple: tuple, sequence: sequence, isOpen: true, time: time)
        }
        // The client calls this very address, and is not redirected.
        if !isEmpty, let place = self.place(of: tuple.reversed) { entries[place] = nil }
    }

    /// Handles the first answer to the SYN with this number.
    private mutating func answer(_ tuple: inout FourTuple, _ sequence: UInt32, _ time: Timestamp) -> Found? {
        guard let opening = openings[sequence], opening.isOpen, opening.sequence == sequence,
            opening.tuple.source == tuple.destination, 0...Self.patience ~= time.since(opening.time)
        else { return nil }
        openings[sequence]?.isOpen = false
        let server = opening.tuple.destination
        guard server != tuple.source else { return nil }
        keep(Entry(answer: tuple, server: server, latest: time))
        defer { tuple.source = server }
        return Found(called: tuple.source, isNew: true)
    }

    /// The places that may hold a redirection.
    private func set(_ answer: FourTuple) -> Range<Int> {
        let start = Int(truncatingIfNeeded: hash.hash(answer) >> 16) & (Self.sets - 1) * Self.ways
        return start..<start + Self.ways
    }

    private func place(of answer: FourTuple) -> Int? { set(answer).first { entries[$0]?.answer == answer } }

    private mutating func keep(_ entry: Entry) {
        if entries.isEmpty { entries = Array(repeating: nil, count: Self.sets * Self.ways) }
        isEmpty = false
        entries[place(of: entry.answer) ?? placeOfOldest(in: set(entry.answer))] = entry
    }

    private func placeOfOldest(in set: Range<Int>) -> Int {
        let free = Timestamp(nanoseconds: .min)
        return set.min { (entries[$0]?.latest ?? free) < (entries[$1]?.latest ?? free) } ?? set.lowerBound
    }
}
