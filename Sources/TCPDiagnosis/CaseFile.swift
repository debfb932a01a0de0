// The case file of one connection: the frames and times that rules need to judge it and that findings cite.

import TCPMachine
import TCPModel
import TCPTimeline

/// What one side did, as far as findings need it.
struct SideRecord: BitwiseCopyable {
    /// Its first SYN, or SYN-ACK.
    var syn = Sighting()
    /// How many SYNs without ACK it sent.
    var synCount: UInt32 = 0
    /// The latest SYN.
    var lastSyn = Sighting()
    /// How many SYN-ACKs it sent.
    var synAckCount: UInt32 = 0
    /// How many SYNs it sent after the peer's SYN-ACK had been captured.
    var synsAfterAnswer: UInt32 = 0
    /// The peer's latest acknowledgment, relative to this side's first number.
    var acknowledged: UInt32 = 0
    /// Just past the furthest captured octet, or past the SYN, relative to this side's first number. Bare ACKs do not
    /// count: they have no octets, and may come from beyond what the capture lacks.
    var furthest: UInt32 = 1
    /// Its first RST at or beyond `furthest` whose number the receiver did not accept as the next one, and that number.
    var resetAhead = Sighting()
    var resetAheadNumber: UInt32 = 0
    /// Whether the peer has since sent anything that does not acknowledge that number, which shows that another number
    /// was due.
    var isResetAheadAnswered = false
    /// Its first FIN.
    var fin = Sighting()
    /// The sequence number of that FIN.
    var finNumber = SequenceNumber(0)
    /// Whether the peer acknowledged that FIN.
    var isFinAcknowledged = false
    /// Its very first RST.
    var firstReset = Sighting()
    /// Its first RST since it sent anything else: a host that does not know the connection answers each segment with
    /// one.
    var reset = Sighting()
    /// SEG.SEQ of that RST, relative to its first number.
    var resetNumber: UInt32 = 0
    /// SEG.ACK of that RST, relative to the peer's first number; nil if it carried no ACK.
    var resetAck: UInt32?
    /// Whether that RST answers a segment without ACK: it then has the number 0, whatever the connection's numbers are
    /// (RFC 9293 3.10.7.1).
    var resetAnswersNoAck = false
    /// Whether that RST or a directly following one carried ACK: Linux's and the BSDs' aborts do; the answer to a segment
    /// with ACK for a nonexistent connection does not (RFC 9293 3.10.7.1).
    var resetHadAck = false
    /// Whether that RST or a directly following one had a number that its receiver obeys.
    var isResetFitting = false
    /// Whether that RST has an MPTCP option that ends more than this subflow or gives a reason (MP_FASTCLOSE,
    /// MP_TCPRST).
    var isResetMultipath = false
    /// The peer's latest segment before that RST.
    var resetAnswers = Sighting()
    /// Whether that RST or a directly following one may answer the peer's latest segment as one for a nonexistent
    /// connection: it takes its number from that segment (RFC 9293 3.10.7.1), and its sender had not acknowledged the
    /// segment, as an endpoint of the connection would have.
    var isResetAnswering = false
    /// When it entered TIME-WAIT; the RST without ACK that ended that state; its own latest segment before that RST;
    /// and the peer's latest segment before it.
    var timeWait = Sighting()
    var timeWaitReset = Sighting()
    var timeWaitAnswer = Sighting()
    var timeWaitIntruder = Sighting()
    /// Octets of text that this side sent for the first time after it had received the peer's FIN, as shown by its ACK of
    /// that FIN.
    var textAfterPeerFin: UInt64 = 0
    /// Where such text begins, relative to this side's first number, and whether the peer acknowledged any of it.
    var textAfterPeerFinStart: UInt32 = 0
    var isTextAfterPeerFinHeard = false
    /// The hop limits of its segments except RSTs, copies included.
    var hopLimits = HopLimits()
    /// The hop limit of its very first RST.
    var resetHopLimit: UInt8 = 0
    /// Its latest segment of any kind.
    var last = Sighting()
    /// That segment's SEG.ACK and sequence end, and whether the peer has sent anything since that acknowledges it.
    var lastAcknowledgment = SequenceNumber(0)
    var lastEnd = SequenceNumber(0)
    var isLastAcknowledged = false
    /// Its latest segment other than a RST.
    var lastButReset = Sighting()
    /// The latest ACK of octets or a FIN of this side that the capture lacks.
    var unseen = Sighting()
    /// Its first and its latest segment with text.
    var firstText = Sighting()
    var lastText = Sighting()
    /// When and how its receive window was closed. Statistics keep the same account, but they may be switched off.
    var closedWindow = ClosedWindow()
    /// Its first retransmitted segment.
    var repeated = Sighting()
    /// The number of its retransmissions and window probes since the peer was last heard.
    var unansweredRepeats: UInt32 = 0
    /// Its first needless retransmission, and its first needless tail loss probe.
    var needless = Sighting()
    var tailProbe = Sighting()
    /// The longest time by which one of those probes followed the first copy, in nanoseconds.
    var tailProbeWait: Int64 = 0
    /// Its first segment that arrived after later ones.
    var reordered = Sighting()
    /// Its first large segment, which shows whether large segments get through.
    var large = LargeSegment()
    /// The number of its keep-alives since the peer was last heard, the first of them, and its latest one.
    var unansweredKeepAlives: UInt32 = 0
    var firstKeepAlive = Sighting()
    var lastKeepAlive = Sighting()
    /// Its small segments, and what they waited for.
    var smallWrites = SmallWrites()
}

/// A set of hop limits.
struct HopLimits: BitwiseCopyable {
    private var bits: InlineArray<4, UInt64> = .init(repeating: 0)

    mutating func insert(_ limit: UInt8) { bits[Int(limit >> 6)] |= 1 << UInt64(limit & 63) }

    func contains(_ limit: UInt8) -> Bool { bits[Int(limit >> 6)] & 1 << UInt64(limit & 63) != 0 }

    /// All hop limits in the set, lowest first.
    var all: [UInt8] {
        var limits: [UInt8] = []
        for place in bits.indices {
            var left = bits[place]
            while left != 0 {
                limits.append(UInt8(place << 6 | left.trailingZeroBitCount))
                left &= left &- 1
            }
        }
        return limits
    }
}

/// How a side's first large segment fared. Links with an MTU below Ethernet's 1500 octets miss less than a third of it
/// (IPv6 requires 1280), so segments smaller than `least` pass everywhere.
struct LargeSegment: BitwiseCopyable {
    static let least: UInt32 = 1000

    /// Its first and latest transmission; not seen if there was no large segment.
    var first = Sighting()
    var last = Sighting()
    /// Its first octet, relative to the side's first number.
    var start: UInt32 = 0
    /// The size of its smallest copy in octets: the first copy may be several segments that a network card splits.
    var length: UInt32 = 0
    /// The range of the latest other segment of at least that size.
    var next = SequenceNumber(0)
    var nextEnd = SequenceNumber(0)
    /// How often it was sent.
    var sendings: UInt32 = 0
    /// Whether its first octet was acknowledged, or another segment of that size has arrived.
    var arrived = false
    /// A segment of the peer that shows that the peer is there and lacks this segment: a SACK of later octets, or
    /// anything after the second transmission unless it repeats what this side has acknowledged.
    var missed = Sighting()
    /// Whether the peer did repeat that: then nothing at all reaches it, unless a SACK shows otherwise.
    var isNothingHeard = false
    /// What became of a smaller piece sent in its place.
    var piece = SmallerPiece()
}

/// The first octets of a large segment, retransmitted as a smaller piece after the whole was sent in vain. This is how
/// a sender discovers a path MTU that no router reports (RFC 4821 7.7).
struct SmallerPiece: BitwiseCopyable {
    /// A whole that was lost fewer times may have been cut for other reasons.
    static let leastSendings: UInt32 = 3
    /// Options take up to 40 octets in some segments and none in others.
    static let leastCut: UInt32 = 41
    /// Linux's search for the path MTU ends once it is this close (net.ipv4.tcp_probe_threshold, in octets).
    static let searchEnd: UInt32 = 8

    /// The size of the piece in octets; 0 if there was none.
    var length: UInt32 = 0
    /// The size of the whole in octets, how often it had been sent by then, and its latest transmission.
    var whole: UInt32 = 0
    var sendings: UInt32 = 0
    var lastWhole = Sighting()
    /// The segment that acknowledged the piece and nothing beyond it; cleared once a segment as large as the whole gets
    /// through.
    var arrived = Sighting()
}

/// A frame and its time; frame 0 = never.
struct Sighting: BitwiseCopyable {
    var frame: UInt64 = 0
    var time = Timestamp(nanoseconds: 0)

    var isSeen: Bool { frame != 0 }

    /// Records the first sighting and ignores later ones.
    mutating func note(_ other: Sighting) { if !isSeen { self = other } }
}

/// The case file of one connection.
struct CaseFile {
    let number: UInt64
    /// The originator's record at 0, the responder's at 1.
    var records: InlineArray<2, SideRecord> = .init(repeating: SideRecord())
    /// The first sighting of each anomaly, with its sender.
    private(set) var anomalies: [(anomaly: Anomalies, sender: Side, sighting: Sighting)] = []
    /// The union of the anomalies.
    private(set) var seen: Anomalies = []
    /// The codes that were already reported.
    var reported: Set<FindingCode> = []
    /// The previous connection with the same four-tuple, if there was one.
    var predecessor: Predecessor?
    /// The first ICMP error about the connection, except for those about the path MTU.
    var icmp: ICMPEvent?
    /// The latest ICMP error that reported a packet as too big.
    var pathMTU: ICMPEvent?
    /// Whether any segment without SYN, FIN and RST was captured.
    var hasPlain = false
    /// The path delays and segment sizes that the handshake shows.
    var handshake = HandshakeMeasures()
    /// The SYN's octets of text, and whether it carried the Fast Open option.
    var synText: UInt32 = 0
    var hasFastOpenOption = false
    /// How far the SYN-ACK's timestamp lagged behind the server's clock, in milliseconds, judged by the server's next
    /// segment; nil if unknown.
    var stampLag: Int64?
    /// The SYN-ACK's timestamp, until that next segment comes.
    var synAckStamp: (value: UInt32, time: Timestamp)?
    /// The first segment that acknowledged octets missing from the capture.
    var gap = Sighting()
    /// The number of octets that were captured after their own ACK.
    var lateOctets: UInt64 = 0
    /// The event in which the kernel contradicted the captured segments.
    var mismatch: KernelEvent?
    /// The first event that showed the kernel's socket still open, although segments sent in its name had closed it.
    var disowned: KernelEvent?
    /// When the kernel sent or accepted the RST that ended the connection, if that RST had not been captured by then.
    var uncapturedReset: Timestamp?
    /// The events of sockets that the kernel dropped without any packet showing it.
    var dropped: [KernelEvent] = []

    /// Whether the file is closed: nothing more is recorded.
    var isConcluded = false

    init(number: UInt64) { self.number = number }

    /// One side's record.
    subscript(side: Side) -> SideRecord {
        @inline(__always) _read { yield records[Int(side.rawValue)] }
        @inline(__always) _modify { yield &records[Int(side.rawValue)] }
    }

    /// Records that the kernel contradicts the captured segments.
    mutating func note(mismatch event: KernelEvent) {
        mismatch = event
        guard disowned == nil, !event.isCorrected, case .contradiction(let kernel?, let wire) = event.kind else {
            return
        }
        let isOpen = kernel == .established || kernel == .closeWait
        let isHalfOpen = kernel == .finWait1 || kernel == .finWait2
        if isOpen && wire.isAfterOwnFin || (isOpen || isHalfOpen) && wire == .closed { disowned = event }
    }

    /// Whether a side's socket was found to be gone.
    func isDropped(_ side: Side) -> Bool { dropped.contains { $0.side == side } }

    /// The times of the FIN and of the disappearance of a socket that left FIN_WAIT_2 before any timer would end it.
    var earlyFinWait2: (fin: Timestamp, gone: Timestamp)? {
        for event in dropped where event.isEarly {
            if case .dropped(.finWait2) = event.kind, self[event.side].fin.isSeen {
                return (self[event.side].fin.time, event.time)
            }
        }
        return nil
    }

    /// The first sighting of an anomaly, with its sender.
    func first(_ anomaly: Anomalies) -> (sender: Side, sighting: Sighting)? {
        anomalies.first { $0.anomaly == anomaly }.map { ($0.sender, $0.sighting) }
    }

    mutating func note(_ new: Anomalies, sender: Side, _ sighting: Sighting) {
        var unseen = new.subtracting(seen).rawValue
        seen.formUnion(new)
        while unseen != 0 {
            let bit = unseen & (~unseen &+ 1)
            anomalies.append((Anomalies(rawValue: bit), sender, sighting))
            unseen &= ~bit
        }
    }
}

extension TCPState {
    /// Whether an endpoint reaches this state only after sending its FIN.
    var isAfterOwnFin: Bool {
        switch self {
        case .finWait1, .finWait2, .closing, .timeWait, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .closeWait: false
        }
    }
}
