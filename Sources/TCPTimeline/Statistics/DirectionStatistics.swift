// What one side sent, in numbers. Definitions are classic tcptrace's wherever it has the same number.

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
    /// Octets of text, retransmissions included.
    public internal(set) var dataBytes: UInt64 = 0
    /// Segments with text and PSH.
    public internal(set) var pushedPackets: UInt64 = 0
    /// Octets of text that were not sent before.
    public internal(set) var uniqueBytes: UInt64 = 0
    /// Octets of text in segments that begin beyond the receiver's window and are not known to be genuine: the receiver
    /// drops them. Of the other numbers only `dataBytes` includes them.
    public internal(set) var beyondWindowBytes: UInt64 = 0
    /// The part of `uniqueBytes` that was only sent into a closed window.
    var closedWindowBytes: Int64 = 0
    /// Segments with octets that were sent before; SYN and FIN count as octets and, for classic tcptrace,
    /// so does a keep-alive's.
    public internal(set) var retransmittedPackets: UInt64 = 0
    /// The repeated octets of actual retransmissions: without those of keep-alives.
    public internal(set) var repeatedBytes: UInt64 = 0
    /// The repeated octets of all segments in `retransmittedPackets`.
    public internal(set) var retransmittedBytes: UInt64 = 0
    /// Segments with text, SYN or FIN sent into a closed window: classic tcptrace's probes, whatever they are.
    public internal(set) var windowProbePackets: UInt64 = 0
    /// The octets of text in those segments.
    public internal(set) var windowProbeBytes: UInt64 = 0
    /// Segments below the highest one that had not been seen before.
    public internal(set) var outOfOrderPackets: UInt64 = 0
    /// Segments with URG and text.
    public internal(set) var urgentPackets: UInt64 = 0
    /// The sum of their urgent pointers.
    public internal(set) var urgentBytes: UInt64 = 0
    /// The most octets of text in a segment.
    public internal(set) var largestSegment: UInt32 = 0
    /// The fewest octets of text in a segment with text; 0 if there is none.
    public internal(set) var smallestSegment: UInt32 = 0
    /// Octets of text that the capture's snapshot length cut off.
    public internal(set) var cutBytes: UInt64 = 0
    /// Segments with text that were cut.
    public internal(set) var cutPackets: UInt64 = 0
    /// Octets of text sent before the first ACK of any text.
    public internal(set) var initialWindowBytes: UInt64 = 0
    /// Segments with that text.
    public internal(set) var initialWindowPackets: UInt64 = 0
    /// Time of the first segment with text.
    public internal(set) var firstDataTime: Timestamp?
    /// Time of the last segment with text.
    public internal(set) var lastDataTime: Timestamp?
    /// Time of its last segment.
    public internal(set) var lastTime: Timestamp?
    /// The longest time between two successive segments from this side.
    public internal(set) var longestIdle: Int64 = 0
    /// Octets between SYN and FIN, if both were seen; correct even if numbers wrap after 4 GiB.
    public internal(set) var streamLength: Int64?

    // MARK: Options

    /// The MSS that it offered; nil if it did not.
    public internal(set) var maximumSegmentSize: UInt16?
    /// The shift that it offered; nil if it did not.
    public internal(set) var windowScale: UInt8?
    /// Whether it sent timestamps.
    public internal(set) var offersTimestamps = false
    /// Whether it permitted SACK.
    public internal(set) var offersSACK = false

    // MARK: Windows and flight

    /// The largest window advertised, scaled once both sides have offered scaling.
    public internal(set) var largestWindow: UInt64 = 0
    /// The smallest window advertised, except 0.
    public internal(set) var smallestWindow: UInt64 = 0
    /// Segments with ACK that advertised a window of 0.
    public internal(set) var zeroWindowAdvertisements: UInt64 = 0
    var windowSum: UInt64 = 0
    var windowPackets: UInt64 = 0
    /// Segments sent before its windows were scaled: these then do not count in the mean.
    var unscaledPackets: UInt64 = 0
    var isWindowScaled = false
    /// How often and how long its window was closed.
    public internal(set) var closedWindow = ClosedWindow()
    /// Keep-alives (RFC 9293 3.8.4).
    public internal(set) var keepAlives: UInt64 = 0
    /// Probes of a closed window, by their shape or as retransmitted text.
    public internal(set) var windowProbes: UInt64 = 0
    /// Those of `windowProbes` without an octet, at SND.UNA - 1, as Linux sends them.
    public internal(set) var emptyWindowProbes: UInt64 = 0
    /// The most octets that were sent and not acknowledged at any time.
    public internal(set) var largestFlight: UInt64 = 0
    /// The most octets outstanding as classic tcptrace counts them, which is one more: at each new segment in order.
    public internal(set) var largestOutstanding: UInt64 = 0
    /// The fewest of those, except 0.
    public internal(set) var smallestOutstanding: UInt64 = 0
    var outstandingSum: UInt64 = 0
    var outstandingCount: UInt64 = 0
    var outstandingArea = 0.0
    var outstandingSample: (time: Timestamp, octets: UInt64)?

    // MARK: Round trips, as seen from this side's segments

    /// From a segment, or a piece of one, to the ACK that ends with it: sent only once,
    /// and nothing older retransmitted since (Karn).
    public internal(set) var roundTrip = Tally()
    /// From a retransmitted segment to its ACK, if the echoed timestamp shows
    /// which copy was acknowledged (RFC 7323 4.1).
    public internal(set) var resolvedRoundTrip = Tally()
    /// From the latest copy of a retransmitted segment to its ACK: ambiguous, and not counted in `roundTrip`.
    public internal(set) var ambiguousRoundTrip = Tally()
    /// The samples of `roundTrip` from the largest segments only.
    public internal(set) var fullSizeRoundTrip = Tally()
    /// From SYN or SYN-ACK to its ACK, in nanoseconds; nil if there is no sample.
    public internal(set) var handshakeRoundTrip: Int64?
    /// ACKs that gave no sample because they had waited for older octets.
    public internal(set) var ackedAfterLoss: UInt64 = 0
    /// Segments, or pieces of them, acknowledged by an ACK of later ones.
    public internal(set) var cumulativelyAcked: UInt64 = 0
    /// Duplicate ACKs that it received (RFC 5681 2).
    public internal(set) var duplicateAcks: UInt64 = 0
    /// How often it received three in a row.
    public internal(set) var tripleDuplicateAcks: UInt64 = 0
    /// The most duplicate ACKs in a row.
    public internal(set) var longestDuplicateRun: UInt32 = 0

    // MARK: Retransmissions by kind

    /// How many retransmissions there are of each kind, by `RetransmissionKind.rawValue`. Later evidence changes the
    /// next three numbers, and may turn a `timeoutOrProbe` into either kind.
    public internal(set) var kinds: InlineArray<10, UInt32> = .init(repeating: 0)
    /// Retransmissions known to be unnecessary.
    public internal(set) var spurious: UInt32 = 0
    /// Openings (SYNs and SYN-ACKs) among the unnecessary retransmissions.
    public internal(set) var spuriousOpenings: UInt32 = 0
    /// Fast retransmissions among the unnecessary ones: the first copy was reordered on its way.
    public internal(set) var spuriousFast: UInt32 = 0
    /// Tail loss probes among the unnecessary retransmissions, if no timeout followed.
    public internal(set) var harmlessProbes: UInt32 = 0
    /// The most timeouts in a row.
    public internal(set) var longestBackoff: UInt8 = 0
    /// The most retransmissions of one segment, or of a piece of one.
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
    /// Retransmissions of all kinds (keep-alives and window probes are not retransmissions).
    public var retransmissions: UInt32 {
        RetransmissionKind.allCases.reduce(0) { $0 + count($1) }
    }
    /// Retransmissions that nothing shows to have been unnecessary, without those of text that a router reported as too
    /// big, or that the server did not accept with a SYN.
    public var losses: UInt32 {
        retransmissions - min(retransmissions, spurious + count(.pathMTU) + count(.fastOpen))
    }
    /// The openings (SYNs and SYN-ACKs) among `losses`.
    public var lostOpenings: UInt32 { min(losses, count(.opening) - min(count(.opening), spuriousOpenings)) }
    /// All that was lost: `losses`, and segments whose first copy was lost before it reached the capture point.
    ///
    /// - Parameter openings: whether openings count; otherwise the outcome, or findings of their own, report them.
    public func lost(openings: Bool) -> UInt32 {
        (openings ? losses : losses - lostOpenings) + count(.lostBeforeCapture)
    }
    /// The mean window advertised, over the segments that advertised one: RSTs do not,
    /// nor do segments that their receiver drops.
    public var averageWindow: UInt64 {
        windowPackets == 0 ? 0 : windowSum / windowPackets
    }
    /// Classic tcptrace's mean: the same sum, over all segments.
    public var classicAverageWindow: UInt64 {
        packets == unscaledPackets ? 0 : windowSum / (packets - unscaledPackets)
    }
    /// The mean number of octets outstanding.
    public var averageOutstanding: UInt64 { outstandingCount == 0 ? 0 : outstandingSum / outstandingCount }
    /// The mean number of octets outstanding, weighted by time, over `duration` nanoseconds.
    public func weightedOutstanding(over duration: Int64) -> UInt64 {
        duration <= 0 ? 0 : UInt64(max(0, min(1e18, outstandingArea / (Double(duration) / 1e9))))
    }
    /// Octets between SYN and FIN that were never seen; nil unless both were.
    public var missedBytes: Int64? { streamLength.map { $0 - Int64(clamping: uniqueBytes) } }
    /// Classic tcptrace's unique octets: without those that were only sent into a closed window.
    public var classicUniqueBytes: Int64 { Int64(clamping: uniqueBytes) - closedWindowBytes }
    /// Classic tcptrace's missed octets.
    public var classicMissedBytes: Int64? { streamLength.map { $0 - classicUniqueBytes } }
}
