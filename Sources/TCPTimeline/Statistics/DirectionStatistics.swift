// What one side sent, in numbers. Definitions are classic tcptrace's where it has the number.

public import TCPModel

/// Statistics of one direction. Octets of text exclude SYN and FIN; times are nanoseconds.
public struct DirectionStatistics: Sendable {
    // MARK: Segments

    /// Segments.
    public internal(set) var packets: UInt64 = 0
    /// Segments with RST.
    public internal(set) var resets: UInt64 = 0
    /// Segments with ACK.
    public internal(set) var ackPackets: UInt64 = 0
    /// Segments with ACK and neither text nor SYN, FIN or RST.
    public internal(set) var pureAcks: UInt64 = 0
    /// Segments with SACK blocks.
    public internal(set) var sackPackets: UInt64 = 0
    /// Segments with a D-SACK (RFC 2883).
    public internal(set) var duplicateSACKs: UInt64 = 0
    /// The most SACK blocks in one segment.
    public internal(set) var mostSACKBlocks: UInt8 = 0
    /// Segments with SYN.
    public internal(set) var syns: UInt64 = 0
    /// Segments with FIN.
    public internal(set) var fins: UInt64 = 0

    // MARK: Text

    /// Segments with text.
    public internal(set) var dataPackets: UInt64 = 0
    /// Octets of text, those sent again included.
    public internal(set) var dataBytes: UInt64 = 0
    /// Segments with text and PSH.
    public internal(set) var pushedPackets: UInt64 = 0
    /// Octets of text that were not sent before.
    public internal(set) var uniqueBytes: UInt64 = 0
    /// Octets of text that begin beyond the receiver's window and are not known to be real: its receiver drops them. Of these numbers
    /// `dataBytes` alone has them, too.
    public internal(set) var beyondWindowBytes: UInt64 = 0
    /// Those of `uniqueBytes` that were only sent into a closed window.
    var closedWindowBytes: Int64 = 0
    /// Segments with octets that were sent before; a SYN or FIN is one, and so, for classic tcptrace, is a keep-alive's.
    public internal(set) var retransmittedPackets: UInt64 = 0
    /// The octets of those that are retransmissions: not the ones of keep-alives.
    public internal(set) var repeatedBytes: UInt64 = 0
    /// The octets of all of them.
    public internal(set) var retransmittedBytes: UInt64 = 0
    /// Segments with text, SYN or FIN sent into a closed window: classic tcptrace's probes, whatever they are.
    public internal(set) var windowProbePackets: UInt64 = 0
    /// Their octets of text.
    public internal(set) var windowProbeBytes: UInt64 = 0
    /// Segments below the highest that had not been seen.
    public internal(set) var outOfOrderPackets: UInt64 = 0
    /// Segments with URG and text.
    public internal(set) var urgentPackets: UInt64 = 0
    /// The sum of their urgent pointers.
    public internal(set) var urgentBytes: UInt64 = 0
    /// The most text in a segment.
    public internal(set) var largestSegment: UInt32 = 0
    /// The least text in a segment that has some; 0 without any.
    public internal(set) var smallestSegment: UInt32 = 0
    /// Octets of text that the capture's snapshot length cut.
    public internal(set) var cutBytes: UInt64 = 0
    /// Segments that it cut.
    public internal(set) var cutPackets: UInt64 = 0
    /// Text sent before the first ACK of some.
    public internal(set) var initialWindowBytes: UInt64 = 0
    /// Segments of that.
    public internal(set) var initialWindowPackets: UInt64 = 0
    /// Time of the first segment with text.
    public internal(set) var firstDataTime: Timestamp?
    /// Time of the last segment with text.
    public internal(set) var lastDataTime: Timestamp?
    /// Time of its last segment.
    public internal(set) var lastTime: Timestamp?
    /// The longest silence between two of its segments.
    public internal(set) var longestIdle: Int64 = 0
    /// Octets from SYN to FIN, if both were seen; more than 4 GiB of them wrap the numbers.
    public internal(set) var streamLength: Int64?

    // MARK: Options

    /// The MSS that it offered; nil if it did not.
    public internal(set) var maximumSegmentSize: UInt16?
    /// The shift that it offered; nil if it did not.
    public internal(set) var windowScale: UInt8?
    /// Whether it sent time stamps.
    public internal(set) var offersTimestamps = false
    /// Whether it permitted SACK.
    public internal(set) var offersSACK = false

    // MARK: Windows and flight

    /// The greatest window advertised, scaled once both sides have offered scaling.
    public internal(set) var largestWindow: UInt64 = 0
    /// The least window advertised but 0.
    public internal(set) var smallestWindow: UInt64 = 0
    /// Segments with ACK that advertised a window of 0.
    public internal(set) var zeroWindowAdvertisements: UInt64 = 0
    var windowSum: UInt64 = 0
    var windowPackets: UInt64 = 0
    /// Segments before its windows were scaled: none of those counts in the mean then.
    var unscaledPackets: UInt64 = 0
    var isWindowScaled = false
    /// How often and how long its window was closed.
    public internal(set) var closedWindow = ClosedWindow()
    /// Keep-alives (RFC 9293 3.8.4).
    public internal(set) var keepAlives: UInt64 = 0
    /// Probes of a closed window, by their shape or as text again.
    public internal(set) var windowProbes: UInt64 = 0
    /// Those of them without an octet, as Linux sends them, at SND.UNA - 1.
    public internal(set) var emptyWindowProbes: UInt64 = 0
    /// The most octets that were sent and not acknowledged.
    public internal(set) var largestFlight: UInt64 = 0
    /// The most octets outstanding as classic tcptrace counts them, one more: at each new segment in order.
    public internal(set) var largestOutstanding: UInt64 = 0
    /// The least of those but 0.
    public internal(set) var smallestOutstanding: UInt64 = 0
    var outstandingSum: UInt64 = 0
    var outstandingCount: UInt64 = 0
    var outstandingArea = 0.0
    var outstandingSample: (time: Timestamp, octets: UInt64)?

    // MARK: Round trips, as seen from this side's segments

    /// From a segment, or a piece of one, to the ACK that ends with it: sent once, and nothing older sent again since (Karn).
    public internal(set) var roundTrip = Tally()
    /// From a segment that was sent again to its ACK, where the echoed time stamp tells which copy (RFC 7323 4.1).
    public internal(set) var resolvedRoundTrip = Tally()
    /// The same without that knowledge, from the latest copy: ambiguous, and in no other number.
    public internal(set) var ambiguousRoundTrip = Tally()
    /// Samples from the largest segments only.
    public internal(set) var fullSizeRoundTrip = Tally()
    /// From SYN or SYN-ACK to its ACK; nil if that is no sample.
    public internal(set) var handshakeRoundTrip: Int64?
    /// ACKs that gave no sample because they waited for older octets.
    public internal(set) var ackedAfterLoss: UInt64 = 0
    /// Segments, or pieces of them, acknowledged by an ACK of later ones.
    public internal(set) var cumulativelyAcked: UInt64 = 0
    /// Duplicate ACKs that it got (RFC 5681 2).
    public internal(set) var duplicateAcks: UInt64 = 0
    /// How often there were three in a row.
    public internal(set) var tripleDuplicateAcks: UInt64 = 0
    /// The most in a row.
    public internal(set) var longestDuplicateRun: UInt32 = 0

    // MARK: Retransmissions by kind

    /// How many of each kind, by `RetransmissionKind.rawValue`; evidence that comes later changes the next three, and what may
    /// have been a timeout or a probe may turn out to have been either.
    public internal(set) var kinds: InlineArray<10, UInt32> = .init(repeating: 0)
    /// Retransmissions that were not needed.
    public internal(set) var spurious: UInt32 = 0
    /// Openings (SYNs and SYN-ACKs) among those.
    public internal(set) var spuriousOpenings: UInt32 = 0
    /// Tail loss probes among those.
    public internal(set) var harmlessProbes: UInt32 = 0
    /// The most timeouts in a row.
    public internal(set) var longestBackoff: UInt8 = 0
    /// The most retransmissions of one segment, or piece of one.
    public internal(set) var mostRetransmissions: UInt32 = 0
    /// Times from one transmission of a segment to the next.
    public internal(set) var retransmissionTime = Tally()
    /// Late segments by `LateKind.rawValue`.
    public internal(set) var lateKinds: InlineArray<3, UInt32> = .init(repeating: 0)

    init() {}

    // MARK: Derived

    /// How many retransmissions are of a kind.
    public func count(_ kind: RetransmissionKind) -> UInt32 { kinds[Int(kind.rawValue)] }
    /// How many late segments are of a kind.
    public func count(_ kind: LateKind) -> UInt32 { lateKinds[Int(kind.rawValue)] }
    /// Retransmissions of every kind (keep-alives and window probes are none).
    public var retransmissions: UInt32 {
        RetransmissionKind.allCases.reduce(0) { $0 + count($1) }
    }
    /// Retransmissions that nothing shows to have been unneeded, but for those of what a router refused and said so, or the server did
    /// with a SYN.
    public var losses: UInt32 {
        retransmissions - min(retransmissions, spurious + count(.pathMTU) + count(.fastOpen))
    }
    /// The openings (SYNs and SYN-ACKs) among those.
    public var lostOpenings: UInt32 { min(losses, count(.opening) - min(count(.opening), spuriousOpenings)) }
    /// All that was lost: those, and segments whose first copy was lost before it came to where the capture is.
    ///
    /// - Parameter openings: whether openings count: the outcome tells of them, or findings of their own.
    public func lost(openings: Bool) -> UInt32 {
        (openings ? losses : losses - lostOpenings) + count(.lostBeforeCapture)
    }
    /// The mean window advertised, over the segments that advertised one: RSTs do not, nor does what its receiver drops.
    public var averageWindow: UInt64 {
        windowPackets == 0 ? 0 : windowSum / windowPackets
    }
    /// Classic tcptrace's mean: the same sum, over all segments.
    public var classicAverageWindow: UInt64 {
        packets == unscaledPackets ? 0 : windowSum / (packets - unscaledPackets)
    }
    /// The mean of the octets outstanding.
    public var averageOutstanding: UInt64 { outstandingCount == 0 ? 0 : outstandingSum / outstandingCount }
    /// The mean of the octets outstanding, weighted by time, over `duration` nanoseconds.
    public func weightedOutstanding(over duration: Int64) -> UInt64 {
        duration <= 0 ? 0 : UInt64(max(0, min(1e18, outstandingArea / (Double(duration) / 1e9))))
    }
    /// Octets between SYN and FIN that were never seen; nil without both.
    public var missedBytes: Int64? { streamLength.map { $0 - Int64(clamping: uniqueBytes) } }
    /// Classic tcptrace's unique octets: without those that were only sent into a closed window.
    public var classicUniqueBytes: Int64 { Int64(clamping: uniqueBytes) - closedWindowBytes }
    /// Classic tcptrace's missed octets.
    public var classicMissedBytes: Int64? { streamLength.map { $0 - classicUniqueBytes } }
}
