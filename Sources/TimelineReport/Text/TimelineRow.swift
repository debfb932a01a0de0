// One row of the text timeline: a segment, or a run of data with its ACKs. Plain data until it is written.

import TCPMachine
import TCPModel
import TCPTimeline

/// The phases into which a timeline is divided.
enum TimelinePhase: UInt8, BitwiseCopyable {
    case handshake
    case data
    case teardown
    case reset
}

/// How the responder answered, when a SYN's row is complete.
enum Answerer: UInt8, BitwiseCopyable {
    case unknown
    case listener
    case noSocket
}

/// A row.
struct TimelineRow: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        /// A single segment, or a run of bare ACKs.
        case segment
        /// Data of one side, with the other side's ACKs folded in.
        case data
    }

    var kind: Kind
    var phase: TimelinePhase
    var sender: Side
    /// Whether it opens the connection with a SYN: the states before it are shown above.
    var isOpening = false
    var answerer = Answerer.unknown
    /// The frame numbers of the first and second segment, and the number of segments.
    var frame: UInt64
    var secondFrame: UInt64 = 0
    var frames: UInt32 = 1
    /// The times of the first and last segments.
    var time: Timestamp
    var lastTime: Timestamp
    /// Nanoseconds since the connection's previous segment; negative if there is none.
    var delta: Int64
    /// The states entered, by side; `.unseen` = none.
    var states = PerSide(both: TCPState.unseen)
    /// Whether the kernel has since denied the state of a side.
    var denied = PerSide(both: false)
    var flags: TCPFlags
    var sequence: UInt32
    var acknowledgment: UInt32
    /// The number of octets of text in the row.
    var length: UInt64
    var window: UInt16
    var options: TCPOptions.Kinds
    /// The MPTCP subtypes, and the version or reason that they include.
    var multipathSubtypes: UInt16
    var multipathDetail: UInt8
    var experimentIdentifier: UInt16
    var userTimeout: UInt32
    /// The first SACK block in relative numbers, and the number of blocks.
    var sackBlock: (left: UInt32, right: UInt32) = (0, 0)
    var sackCount: UInt8 = 0
    var timestamps: (value: UInt32, echo: UInt32)
    var maximumSegmentSize: UInt16
    var windowScale: UInt8
    var notes: SegmentNotes
    var anomalies: Anomalies
    /// The time of the last segment with text, and the delay of the ACK folded in for it (negative if there is none).
    var lastDataTime: Timestamp
    var ackDelay: Int64 = -1
    /// For a pure ACK: nanoseconds since the text that it acknowledges; negative if there is none.
    var answerDelay: Int64 = -1
    /// Whether that ACK, or the last one folded in, was delayed on purpose.
    var isAckDelayed = false
    /// Whether this is a bare ACK right after the other side's keep-alive or window probe.
    var answersProbe = false
    /// The ordinal number of a SYN's or FIN's retransmission; 0 for the first transmission.
    var attempt: UInt32 = 0
    /// Nanoseconds since the previous transmission; negative if that was not captured.
    var attemptDelay: Int64 = -1
    /// The statistics' verdict on the segment.
    var verdict: SegmentVerdict
    /// For a copy: the frame that it repeats; otherwise 0.
    var originalFrame: UInt64
    /// The transitions, for `-vvv`.
    var sent: Reaction
    var arrived: Reaction

    init(_ event: SegmentEvent, phase: TimelinePhase, delta: Int64) {
        let segment = event.segment
        kind = segment.payloadLength > 0 && !segment.flags.hasAny(.synFinRst) ? .data : .segment
        self.phase = phase
        sender = event.sender
        frame = event.frame
        time = event.time
        lastTime = event.time
        self.delta = delta
        flags = segment.flags
        sequence = event.relativeSequence
        acknowledgment = event.relativeAck
        length = UInt64(segment.payloadLength)
        window = segment.window
        options = segment.options.present
        multipathSubtypes = segment.options.multipathSubtypes
        multipathDetail = segment.options.multipathDetail
        experimentIdentifier = segment.options.experimentIdentifier
        userTimeout = segment.options.userTimeoutSeconds
        if segment.options.present.contains(.sack), segment.options.sackBlockCount > 0 {
            let block = segment.options.sackBlocks[0]
            sackCount = segment.options.sackBlockCount
            sackBlock = (
                block.left.offset(from: event.acknowledgedBase), block.right.offset(from: event.acknowledgedBase)
            )
        }
        timestamps = (segment.options.timestampValue, segment.options.timestampEchoReply)
        maximumSegmentSize = segment.options.maximumSegmentSize
        windowScale = segment.options.windowScale
        notes = event.notes
        anomalies = event.anomalies
        // If no ACK of the client was captured, the next expected number is unknown: the capture may lack text and
        // ACKs.
        if !event.facts.contains(.originatorMoreThanSyn) && event.relativeSequence > 1 {
            anomalies.remove(.resetNotExact)
        }
        lastDataTime = event.time
        verdict = event.verdict
        originalFrame = event.originalFrame
        sent = event.sent
        arrived = event.arrived
        isOpening = event.isFirst && segment.flags.has(.syn) && !segment.flags.has(.ack)
        enterStates(event.sent, event.sender)
        enterStates(event.arrived, event.sender.other)
    }

    private mutating func enterStates(_ reaction: Reaction, _ side: Side) {
        guard reaction.count > 0 else { return }
        let last = reaction[reaction.count - 1]
        // A host that answers with a RST for lack of a socket has no state to show.
        if last.from == .unseen && last.to == .closed { return }
        let state = last.to
        states[side] = state
    }

    /// Whether the row brings text, possibly with a SYN (RFC 7413) or a FIN. The text of a RST is not data (RFC 9293
    /// 3.5.2), and the octets of a copy have already been shown.
    var bringsText: Bool { length > 0 && !flags.has(.rst) && originalFrame == 0 }

    /// Whether `event` only continues this run of data (the next octets, or an ACK from the other side) or of ACKs.
    ///
    /// - Parameter pause: a segment that comes later than this, in nanoseconds, or after an ACK that did, gets a row of
    ///   its own, to show where the time went.
    func folds(_ event: SegmentEvent, pause: Int64) -> Bool {
        let segment = event.segment
        if kind == .segment { return foldsAck(event, pause: pause) }
        guard kind == .data, !event.hasTransitions, event.anomalies.isEmpty, !segment.flags.hasAny(.synFinRst),
            notes.isEmpty, event.verdict.exposes == nil
        else { return false }
        if event.sender == sender {
            return segment.payloadLength > 0 && event.notes.isEmpty && ackDelay <= pause
                && event.time.since(lastTime) <= pause
                && event.relativeSequence == sequence &+ UInt32(truncatingIfNeeded: length)
        }
        return segment.payloadLength == 0 && event.notes.subtracting(.windowUpdate).isEmpty
    }

    /// Whether `event` continues a run of bare ACKs that a FIN had overtaken: they acknowledge what came before it,
    /// whose row is complete.
    private func foldsAck(_ event: SegmentEvent, pause: Int64) -> Bool {
        guard phase == .teardown, event.sender == sender, flags.isBareAck, length == 0, states.originator == .unseen,
            states.responder == .unseen, notes.isEmpty, anomalies.isEmpty, !isAckDelayed, !answersProbe,
            originalFrame == 0, event.segment.isPureAck, !event.hasTransitions, event.anomalies.isEmpty,
            event.notes.isEmpty, verdict.exposes == nil, event.verdict.exposes == nil,
            event.time.since(lastTime) <= pause
        else { return false }
        return event.relativeAck.circularDistance(from: acknowledgment) > 0
    }

    mutating func fold(_ event: SegmentEvent) {
        if frames == 1 { secondFrame = event.frame }
        frames &+= 1
        lastTime = max(lastTime, event.time)
        if kind == .segment { return acknowledgment = event.relativeAck }
        if event.sender == sender {
            length += UInt64(event.segment.payloadLength)
            lastDataTime = event.time
            ackDelay = -1
            isAckDelayed = false
        } else if ackDelay < 0, event.segment.flags.has(.ack),
            event.relativeAck.circularDistance(from: sequence &+ UInt32(truncatingIfNeeded: length)) >= 0
        {
            // A partial ACK or a window update says nothing about the rest.
            ackDelay = max(0, event.time.since(lastDataTime))
        }
    }
}
