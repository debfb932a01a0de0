// Wireshark's sequence analysis (version 4.0): the rules behind tcp.analysis.*, right or wrong,
// so that users can compare.
//
// It is independent of this tool's own state machine, and runs only if a report asks for it. Where a
// rule is wrong (a number of 0 stands for "not seen", windows are compared before scaling, 3 ms and
// 20 ms are fixed), it is wrong here, too.

public import TCPModel

/// What Wireshark keeps for one four-tuple, both directions.
public struct WiresharkAnalysis: BitwiseCopyable, Sendable {
    private enum Limit {
        /// How soon after the last ACK a retransmission is called fast, in nanoseconds.
        static let fastRetransmission = UInt64(20 * Span.millisecond)
        /// How soon after the highest segment a late one is out of order, in nanoseconds,
        /// if the handshake's round trip is unknown.
        static let outOfOrder = UInt64(3 * Span.millisecond)
    }

    /// The sender of the first segment: its direction is 0.
    private let first: SocketAddress
    private var directions: InlineArray<2, AnalysedDirection> = .init(repeating: AnalysedDirection())
    /// Time of the latest SYN without ACK.
    private var lastSyn: Timestamp?
    /// Nanoseconds from the latest SYN to the first ACK after it; 0 as long as that is unknown.
    private var initialRoundTrip: Int64 = 0
    /// The MPTCP operations seen in either direction.
    private var operations = MultipathOperations()
    /// Whether a SYN without ACK had a Fast Open cookie and data.
    private var hasFastOpenData = false

    /// The analysis of a four-tuple whose first segment is `segment`, which has yet to be analysed.
    public init(first segment: Segment) { self.init(first: segment.tuple.source) }

    private init(first: SocketAddress) { self.first = first }

    /// Takes in the next segment of the four-tuple.
    public mutating func analyse(_ segment: Segment, time: Timestamp) -> AnalysisFlags {
        // A socket that talks to itself has one direction only.
        let own = segment.tuple.source == first ? 0 : 1
        var flags = noteReuse(segment, own)
        var sender = directions[own]
        var receiver = directions[1 - own]

        sender.noteBase(segment)
        receiver.noteBase(acknowledgedBy: segment)
        flags.formUnion(sender.compare(segment, with: receiver, operations))
        if segment.acknowledgment != sender.lastAck { sender.duplicateAcks = 0 }
        flags.formUnion(receiver.noteUnseen(acknowledgedBy: segment))
        flags.formUnion(repetition(segment, time, sender, receiver, flags))
        sender.advance(segment, time, isProbe: flags.contains(.zeroWindowProbe))
        sender.lastFlags = flags
        sender.operations = operations

        // The segment's own options count from the next segment on.
        operations.note(segment.options)
        flags.formUnion(fastOpen(segment, receiver))
        sender.noteScale(segment, &receiver)
        directions[own] = sender
        directions[1 - own] = receiver
        noteHandshake(segment, time)
        // Wireshark adds this remark to both of them.
        if !flags.intersection([.fastRetransmission, .spuriousRetransmission]).isEmpty {
            flags.insert(.retransmission)
        }
        return flags
    }

    /// A SYN with another ISN starts over; one with the same ISN undoes what a RST in between may have moved.
    private mutating func noteReuse(_ segment: Segment, _ own: Int) -> AnalysisFlags {
        guard segment.flags.has(.syn), let base = directions[own].base else { return [] }
        if segment.flags.has(.ack) {
            guard base != segment.sequence else { return [] }
            directions[own].base = segment.sequence
        } else if base == segment.sequence {
            directions[own].next = directions[own].highestInOrder
            return []
        } else {
            self = WiresharkAnalysis(first: first)
        }
        return .reusedPorts
    }

    /// Whether the segment repeats something, and how. Only one kind is reported.
    private func repetition(
        _ segment: Segment, _ time: Timestamp, _ sender: AnalysedDirection, _ receiver: AnalysedDirection,
        _ flags: AnalysisFlags
    ) -> AnalysisFlags {
        guard segment.payloadLength > 0 || segment.flags.hasAny(.synFin), !flags.contains(.keepAlive) else { return [] }
        let end = segment.sequence.advanced(by: segment.payloadLength)
        if segment.payloadLength > 0 && receiver.lastAck.isSeen && end.isAtOrBefore(receiver.lastAck) {
            return .spuriousRetransmission
        }
        guard sender.next.isSeen, segment.sequence.isBefore(sender.next) else { return [] }
        // After a probe of one octet, the text that begins with that octet follows as a whole.
        if segment.payloadLength > 1 && segment.sequence == sender.next.previous { return [] }
        // Differences are unsigned, as in Wireshark: a clock that went back appears as far in the future.
        let sinceAck = UInt64(bitPattern: time.since(receiver.lastAckTime))
        if receiver.duplicateAcks >= 2 && receiver.lastAck == segment.sequence && sinceAck < Limit.fastRetransmission {
            return .fastRetransmission
        }
        let sinceHighest = UInt64(bitPattern: time.since(sender.nextTime))
        let threshold = initialRoundTrip == 0 ? Limit.outOfOrder : UInt64(bitPattern: initialRoundTrip)
        let controls: UInt32 = segment.flags.hasAny(.synFin) ? 1 : 0
        if sinceHighest < threshold && sender.next != end.advanced(by: controls) { return .outOfOrder }
        return .retransmission
    }

    private mutating func fastOpen(_ segment: Segment, _ receiver: AnalysedDirection) -> AnalysisFlags {
        guard segment.flags.has(.syn) else { return [] }
        if segment.flags.has(.ack) {
            if segment.acknowledgment.offset(from: receiver.base ?? SequenceNumber(0)) > 1 { return .fastOpenAck }
            return hasFastOpenData ? .fastOpenIgnored : []
        }
        let options = segment.options
        guard options.present.contains(.fastOpen), options.fastOpenCookieLength > 0 else { return [] }
        if segment.payloadLength > 0 { hasFastOpenData = true }
        return .fastOpenSyn
    }

    private mutating func noteHandshake(_ segment: Segment, _ time: Timestamp) {
        if segment.flags.has(.syn) {
            if !segment.flags.has(.ack) { lastSyn = time }
        } else if segment.flags.has(.ack), initialRoundTrip == 0, let lastSyn {
            initialRoundTrip = time.since(lastSyn)
        }
    }
}

/// What Wireshark keeps for one direction.
private struct AnalysedDirection: BitwiseCopyable {
    /// The base of relative numbers; nil before the first segment.
    var base: SequenceNumber?
    /// The highest SEG.SEQ + SEG.LEN sent; 0 = none.
    var next = SequenceNumber(0)
    /// When the segment with that end was sent.
    var nextTime = Timestamp(nanoseconds: 0)
    /// The highest number sent without a hole before it; 0 = none.
    var highestInOrder = SequenceNumber(0)
    /// The latest SEG.ACK, whether or not ACK was set.
    var lastAck = SequenceNumber(0)
    /// When that segment was sent.
    var lastAckTime = Timestamp(nanoseconds: 0)
    /// The latest SEG.WND, unscaled; before the first segment, a value that no window has.
    var window: UInt32 = .max
    /// The scale of its windows.
    var scale = Scale.unknown
    /// Whether its windows are not scaled yet: no ACK has come after the SYN.
    var isBeforeFirstAck = false
    /// Duplicate ACKs since SEG.ACK moved; the maximum after an ACK of something that was not captured.
    var duplicateAcks: UInt32 = 0
    /// The flags of the latest segment.
    var lastFlags: AnalysisFlags = []
    /// The MPTCP operations seen in either direction by the time of that segment.
    var operations = MultipathOperations()

    /// What is known about a direction's window scale.
    enum Scale: BitwiseCopyable {
        case unknown
        case none
        case shift(UInt8)
    }

    mutating func noteBase(_ segment: Segment) {
        if base == nil { base = segment.flags.has(.syn) ? segment.sequence : segment.sequence.previous }
    }

    mutating func noteBase(acknowledgedBy segment: Segment) {
        if base == nil && segment.flags.has(.ack) { base = segment.acknowledgment.previous }
    }

    /// Compares the segment with the latest ones of both directions. A probe of a closed window gets no other flag.
    mutating func compare(
        _ segment: Segment, with receiver: AnalysedDirection, _ operations: MultipathOperations
    ) -> AnalysisFlags {
        let length = segment.payloadLength
        let isPlain = !segment.flags.hasAny(.synFinRst)
        if length == 1 && segment.sequence == next && receiver.window == 0 { return .zeroWindowProbe }
        var flags: AnalysisFlags = []
        if segment.window == 0 && isPlain { flags.insert(.zeroWindow) }
        if next.isSeen && next.isBefore(segment.sequence) && !segment.flags.has(.rst) { flags.insert(.lostSegment) }
        guard isPlain else { return flags }
        if length <= 1 && segment.sequence == next.previous { flags.insert(.keepAlive) }
        if length > 0 {
            if let edge = receiver.windowEdge, segment.sequence.advanced(by: length) == edge {
                flags.insert(.windowFull)
            }
            return flags
        }
        guard segment.sequence == next, segment.acknowledgment == lastAck else { return flags }
        if UInt32(segment.window) != window {
            if segment.window != 0 { flags.insert(.windowUpdate) }
        } else if segment.window == 0 {
            if receiver.lastFlags.contains(.zeroWindowProbe) { flags.insert(.zeroWindowProbeAck) }
        } else if receiver.lastFlags.contains(.keepAlive) {
            flags.insert(.keepAliveAck)
        } else if operations == self.operations {
            // MPTCP may repeat an ACK for the sake of an option (RFC 8684 4): with a new operation,
            // this may be one of those.
            flags.insert(.duplicateAck)
            duplicateAcks = duplicateAcks == .max ? 1 : duplicateAcks + 1
        }
        return flags
    }

    /// The number just beyond the window that this direction advertised; nil if its scale is unknown.
    private var windowEdge: SequenceNumber? {
        switch scale {
        case .unknown: nil
        case .none: lastAck.advanced(by: window)
        case .shift(let shift): lastAck.advanced(by: window << (isBeforeFirstAck ? 0 : UInt32(shift)))
        }
    }

    /// Whether the other direction's segment acknowledges more than was seen of this one; reported once per hole.
    mutating func noteUnseen(acknowledgedBy segment: Segment) -> AnalysisFlags {
        guard highestInOrder.isSeen, highestInOrder.isBefore(segment.acknowledgment), segment.flags.has(.ack) else {
            return []
        }
        if highestInOrder.isBefore(next) {
            highestInOrder = next
            return .ackLostSegment
        }
        let isNew = duplicateAcks == 0
        duplicateAcks = .max
        return isNew ? .ackLostSegment : []
    }

    mutating func advance(_ segment: Segment, _ time: Timestamp, isProbe: Bool) {
        let controls: UInt32 = segment.flags.hasAny(.synFin) ? 1 : 0
        let end = segment.sequence.advanced(by: segment.payloadLength &+ controls)
        if !isProbe {
            if next.isBefore(end) || !next.isSeen {
                next = end
                nextTime = time
            }
            if segment.sequence == highestInOrder || !highestInOrder.isSeen { highestInOrder = next }
        }
        window = UInt32(segment.window)
        lastAck = segment.acknowledgment
        lastAckTime = time
    }

    /// Scaling counts only if both ends offer it; a segment is analysed before its own options are read.
    mutating func noteScale(_ segment: Segment, _ receiver: inout AnalysedDirection) {
        if segment.options.present.contains(.windowScale) { scale = .shift(segment.options.usedWindowScale) }
        if segment.flags.has(.syn) {
            isBeforeFirstAck = true
            if case .unknown = scale {
                scale = .none
                receiver.scale = .none
            } else if segment.flags.has(.ack), case .none = receiver.scale {
                scale = .none
            }
        } else if segment.flags.has(.ack) {
            isBeforeFirstAck = false
        }
    }
}

/// What Wireshark keeps about a four-tuple's MPTCP options (RFC 8684 3): that there are any,
/// and whether MP_CAPABLE was among them.
private struct MultipathOperations: OptionSet, BitwiseCopyable {
    var rawValue: UInt8 = 0

    static let known = MultipathOperations(rawValue: 1 << 0)
    static let capable = MultipathOperations(rawValue: 1 << 1)

    mutating func note(_ options: TCPOptions) {
        guard options.present.contains(.multipath), options.multipathSubtype <= 7 else { return }
        insert(.known)
        if options.multipathSubtype == 0 { insert(.capable) }
    }
}

extension SequenceNumber {
    /// Whether Wireshark treats the number as seen: its only mark for "not seen" is 0.
    fileprivate var isSeen: Bool { rawValue != 0 }
}
