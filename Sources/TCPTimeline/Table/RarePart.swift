// The part of a connection that only few connections have; kept apart from what every segment touches.

import TCPModel

/// What only few connections have: holes, resets, windows of 0, retransmitted FINs. Kept apart,
/// and only if there is any.
struct RarePart: BitwiseCopyable, Sendable {
    /// What is rare about one side.
    struct Side: BitwiseCopyable, Sendable {
        /// What `number` belongs to.
        private enum Numbered: UInt8 { case nothing, reset, window }

        /// The sequence number of its last RST; as long as there is none, `windowFrom`.
        private var number = SequenceNumber(0)
        /// How often it advertised a window of 0 that Zeek takes into account.
        var zeroWindows: UInt16 = 0
        /// Retransmissions without text, SYN or FIN alone: Zeek's `t` counts the others. Stays at 255.
        var controlRetransmissions: UInt8 = 0
        /// How often the peer acknowledged octets from it that the capture lacks. Stays at 255.
        var contentGaps: UInt8 = 0
        private var numbered = Numbered.nothing
        /// Whether the receiver of its last RST is thought to have ignored it.
        var isResetUnheeded = false
        /// Whether it reported text behind a hole.
        private var hasReported = false
        /// Whether it reported any block.
        private var hasBlock = false
        /// The right edge of the rightmost block of text that it reported.
        private var reported = SequenceNumber(0)
        /// The latest value of `newestBlock`.
        private var latestBlock: UInt32 = 0

        init() {}

        /// The sequence number of its last RST.
        var lastReset: SequenceNumber? {
            get { numbered == .reset ? number : nil }
            set {
                numbered = newValue == nil ? .nothing : .reset
                number = newValue ?? SequenceNumber(0)
            }
        }

        /// The sequence number of the bare ACK that brought its window, if it lies beyond SND.NXT: a segment from before
        /// it that acknowledges as much was overtaken.
        var windowFrom: SequenceNumber? {
            get { numbered == .window ? number : nil }
            set {
                guard numbered != .reset else { return }
                numbered = newValue == nil ? .nothing : .window
                number = newValue ?? SequenceNumber(0)
            }
        }

        var isEmpty: Bool {
            zeroWindows == 0 && controlRetransmissions == 0 && contentGaps == 0 && numbered == .nothing
                && !hasReported && !hasBlock
        }

        /// Notes the SACK blocks in a segment from this side (RFC 2018 3), which has all text before `next`.
        mutating func noteReported(_ segment: Segment, behind next: SequenceNumber) {
            guard segment.options.present.contains(.sack), segment.flags.has(.ack) else { return }
            if let block = Self.newestBlock(of: segment) {
                hasBlock = true
                latestBlock = block
            }
            for index in 0..<min(Int(segment.options.sackBlockCount), segment.options.sackBlocks.count) {
                let edge = segment.options.sackBlocks[index].right
                // Otherwise the block repeats what was acknowledged (RFC 2883),
                // or lay behind a hole that is filled by now.
                guard edge.isAfter(next) else { continue }
                if !hasReported || !reported.isAfter(next) || edge.isAfter(reported) { reported = edge }
                hasReported = true
            }
        }

        /// Whether a segment from this side reports text that it has not reported before.
        func reportsMore(_ segment: Segment) -> Bool {
            guard let block = Self.newestBlock(of: segment) else { return false }
            return !hasBlock || block != latestBlock
        }

        /// The block that contains the latest arrival (RFC 2018 4), its edges combined in one
        /// number: two successive blocks hardly ever have the same one. Nil if there is none,
        /// or if the latest arrival had arrived before (RFC 2883 4).
        private static func newestBlock(of segment: Segment) -> UInt32? {
            let count = segment.options.sackBlockCount
            guard segment.options.present.contains(.sack), segment.flags.has(.ack), count > 0 else { return nil }
            let (first, second) = (segment.options.sackBlocks[0], segment.options.sackBlocks[1])
            if count > 1, first.left.isAtOrAfter(second.left), first.right.isAtOrBefore(second.right) { return nil }
            guard first.right.isAfter(segment.acknowledgment) else { return nil }
            return first.left.rawValue ^ (first.right.rawValue << 16 | first.right.rawValue >> 16)
        }

        /// Whether `sequence` is just beyond everything that it has, though it lacks some of what comes before.
        func hasReported(upTo sequence: SequenceNumber, behind next: SequenceNumber) -> Bool {
            hasReported && reported == sequence && reported.isAfter(next)
        }
    }

    /// Octets of text from either side that were acknowledged but are missing from the capture.
    var missedBytes: UInt64 = 0
    /// When the latest RST was captured that its receiver is thought to have ignored.
    var unheededReset = Timestamp(nanoseconds: 0)
    /// What the capture has skipped, until it arrives or is acknowledged.
    var gaps = ContentGaps()
    var sides: InlineArray<2, Side> = .init(repeating: Side())
    /// What the latest ICMP error said; nil if there was none.
    var icmpKind: ICMPError.Kind?

    init() {}

    /// Whether the next segments must take the general path, which asks for holes and for windows from beyond SND.NXT.
    var needsGeneralPath: Bool { !gaps.isEmpty || sides[0].windowFrom != nil || sides[1].windowFrom != nil }

    /// Whether there is nothing to keep.
    var isEmpty: Bool { missedBytes == 0 && icmpKind == nil && gaps.isEmpty && sides[0].isEmpty && sides[1].isEmpty }
}
