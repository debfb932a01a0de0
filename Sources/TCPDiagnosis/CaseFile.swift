// What is kept of one connection so that rules can judge it: the frames and times that a finding would name.

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
    /// What its peer acknowledged last, relative to its first number.
    var acknowledged: UInt32 = 0
    /// Just behind the furthest octet of it that was captured, or behind its SYN, relative to its first number. A bare ACK has no octet, and
    /// may come from beyond what is missing, too.
    var furthest: UInt32 = 1
    /// Its first RST there or ahead of it, of which its receiver did not take the number for the next one, and that number.
    var resetAhead = Sighting()
    var resetAheadNumber: UInt32 = 0
    /// Whether its peer has sent something since that does not acknowledge that number: it was another one that was due.
    var isResetAheadAnswered = false
    /// Its first FIN.
    var fin = Sighting()
    /// The number that it takes.
    var finNumber = SequenceNumber(0)
    /// Whether its peer acknowledged that.
    var isFinAcknowledged = false
    /// Its first RST of all.
    var firstReset = Sighting()
    /// Its first RST since it sent anything else: a host without the connection answers each segment with one.
    var reset = Sighting()
    /// SEG.SEQ of that RST, relative to its first number.
    var resetNumber: UInt32 = 0
    /// SEG.ACK of that RST, relative to the peer's first number; nil if it carried no ACK.
    var resetAck: UInt32?
    /// Whether it is one for a segment without ACK, which has the number 0, whatever the connection's are (RFC 9293 3.10.7.1).
    var resetAnswersNoAck = false
    /// Whether that RST, or one of those that followed on it, carried ACK: an abort does, the answer for a connection that does not
    /// exist does not (RFC 9293 3.10.7.1).
    var resetHadAck = false
    /// Whether that RST, or one of those that followed on it, had a number that its receiver obeys.
    var isResetFitting = false
    /// Whether that RST has an option of MPTCP that ends more than itself, or says why (MP_FASTCLOSE, MP_TCPRST).
    var isResetMultipath = false
    /// What the peer had sent last before that RST.
    var resetAnswers = Sighting()
    /// Whether that RST, or one of those that followed on it, may answer the peer's latest segment as one of no connection: it takes its
    /// number from that (RFC 9293 3.10.7.1), and its sender had not acknowledged that, as who has the connection does.
    var isResetAnswering = false
    /// When it went into TIME-WAIT, the RST without ACK that ended that, what it had sent last before that, and what came before it.
    var timeWait = Sighting()
    var timeWaitReset = Sighting()
    var timeWaitAnswer = Sighting()
    var timeWaitIntruder = Sighting()
    /// Octets of text that this side sent after it had the peer's FIN: with an ACK of that.
    var textAfterPeerFin: UInt64 = 0
    /// Where that begins, relative to its first number, and whether the peer has acknowledged any of it.
    var textAfterPeerFinStart: UInt32 = 0
    var isTextAfterPeerFinHeard = false
    /// The hop limits of its segments but RSTs, copies included.
    var hopLimits = HopLimits()
    /// The hop limit of its first RST of all.
    var resetHopLimit: UInt8 = 0
    /// Its latest segment of any kind.
    var last = Sighting()
    /// SEG.ACK of that, the number behind it, and whether the peer has sent anything since that acknowledges it.
    var lastAcknowledgment = SequenceNumber(0)
    var lastEnd = SequenceNumber(0)
    var isLastAcknowledged = false
    /// Its latest segment that is no RST.
    var lastButReset = Sighting()
    /// The latest ACK of what it sent and the capture does not have.
    var unseen = Sighting()
    /// Its first and its latest segment with text.
    var firstText = Sighting()
    var lastText = Sighting()
    /// How its receive window was shut: the statistics' account, kept here for whoever keeps none.
    var closedWindow = ClosedWindow()
    /// Its first segment that was sent again.
    var repeated = Sighting()
    /// How many it has sent again, or to probe a closed window, since the peer was heard.
    var unansweredRepeats: UInt32 = 0
    /// The first of those that were not needed, and the first tail loss probe among them.
    var needless = Sighting()
    var tailProbe = Sighting()
    /// How long after the first copy the latest of these left, at most, in nanoseconds.
    var tailProbeWait: Int64 = 0
    /// Its first segment that came behind later ones.
    var reordered = Sighting()
    /// Its first large segment, which tells whether such ones get through.
    var large = LargeSegment()
    /// Keep-alives since the peer was last heard, and the first of them.
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

    /// All of them, the lowest first.
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

/// How the first large segment of a side fared. Links that are narrower than Ethernet's 1500 octets are so by less than a third of
/// them (IPv6 asks for 1280): what is smaller than `least` passes everywhere.
struct LargeSegment: BitwiseCopyable {
    static let least: UInt32 = 1000

    /// The first time that it was sent, and the latest; not seen: there was none.
    var first = Sighting()
    var last = Sighting()
    /// Its first octet, relative to the side's first number.
    var start: UInt32 = 0
    /// The octets of its smallest copy: the first one may be several that a network card cuts.
    var length: UInt32 = 0
    /// Where the latest other one begins and ends that is as large.
    var next = SequenceNumber(0)
    var nextEnd = SequenceNumber(0)
    /// How often it was sent.
    var sendings: UInt32 = 0
    /// Whether its first octet was acknowledged, or another one that is as large has come through.
    var arrived = false
    /// A segment of the peer that shows that it is there and lacks this one: a SACK of what is behind it, or anything after the second
    /// sending, as long as it does not send again what this side has acknowledged.
    var missed = Sighting()
    /// Whether it does: then nothing at all gets through to it, but for what a SACK shows.
    var isNothingHeard = false
    /// What became of its beginning alone.
    var piece = SmallerPiece()
}

/// The first octets of a large segment, sent again in a smaller piece after the whole had been sent in vain: so a sender finds the path's
/// MTU that nobody tells (RFC 4821 7.7).
struct SmallerPiece: BitwiseCopyable {
    /// A whole that was lost less often may be cut for other reasons.
    static let leastSendings: UInt32 = 3
    /// Options take up to 40 octets of some segments, and none of others.
    static let leastCut: UInt32 = 41
    /// Linux's search for the limit ends where it is nearer than this (net.ipv4.tcp_probe_threshold, in octets).
    static let searchEnd: UInt32 = 8

    /// Octets of the piece; 0: there was none.
    var length: UInt32 = 0
    /// Octets of the whole, how often it had been sent by then, and when the last time.
    var whole: UInt32 = 0
    var sendings: UInt32 = 0
    var lastWhole = Sighting()
    /// The segment that acknowledged the piece and nothing behind it. Empty again once one as large as the whole got through.
    var arrived = Sighting()
}

/// A frame and its time; frame 0 = never.
struct Sighting: BitwiseCopyable {
    var frame: UInt64 = 0
    var time = Timestamp(nanoseconds: 0)

    var isSeen: Bool { frame != 0 }

    /// Takes another one in, if there was none before.
    mutating func note(_ other: Sighting) { if !isSeen { self = other } }
}

/// The file of one connection.
struct CaseFile {
    let number: UInt64
    /// The originator's record at 0, the responder's at 1.
    var records: InlineArray<2, SideRecord> = .init(repeating: SideRecord())
    /// Where an anomaly was first seen, and who sent it.
    private(set) var anomalies: [(anomaly: Anomalies, sender: Side, sighting: Sighting)] = []
    /// The union of the anomalies.
    private(set) var seen: Anomalies = []
    /// Codes that were reported.
    var reported: Set<FindingCode> = []
    /// The incarnation before this one, if the four-tuple is used again.
    var predecessor: Predecessor?
    /// The first ICMP error about it, but for those about the path's MTU.
    var icmp: ICMPEvent?
    /// The latest ICMP error that said that a packet was too big.
    var pathMTU: ICMPEvent?
    /// Whether any segment without SYN, FIN and RST was captured.
    var hasPlain = false
    /// How long the ways are, and how large segments may be.
    var handshake = HandshakeMeasures()
    /// The SYN carried text, and Fast Open's option with it.
    var synText: UInt32 = 0
    var hasFastOpenOption = false
    /// Milliseconds by which the SYN-ACK's time stamp was behind the server's clock, as its next segment shows it; nil if that
    /// cannot be told.
    var stampLag: Int64?
    /// The SYN-ACK's time stamp, until that next segment comes.
    var synAckStamp: (value: UInt32, time: Timestamp)?
    /// The first segment that acknowledged what the capture does not have.
    var gap = Sighting()
    /// Octets that were captured after their own ACK.
    var lateOctets: UInt64 = 0
    /// Since when the kernel's word was at odds with ours, and what it said.
    var mismatch: KernelEvent?
    /// The first time that the kernel had a socket open all the same which segments in its own name had closed.
    var disowned: KernelEvent?
    /// When the kernel sent or took the RST that ended it, if that was not captured by then.
    var uncapturedReset: Timestamp?
    /// The kernel dropped a socket, and no packet said so.
    var dropped: [KernelEvent] = []

    /// Nothing is taken down any more.
    var isConcluded = false

    init(number: UInt64) { self.number = number }

    /// One side's record.
    subscript(side: Side) -> SideRecord {
        @inline(__always) _read { yield records[Int(side.rawValue)] }
        @inline(__always) _modify { yield &records[Int(side.rawValue)] }
    }

    /// Takes in that the kernel says something else than the segments.
    mutating func note(mismatch event: KernelEvent) {
        mismatch = event
        guard disowned == nil, !event.isCorrected, case .contradiction(let kernel?, let wire) = event.kind else {
            return
        }
        let isOpen = kernel == .established || kernel == .closeWait
        let isHalfOpen = kernel == .finWait1 || kernel == .finWait2
        if isOpen && wire.isAfterOwnFin || (isOpen || isHalfOpen) && wire == .closed { disowned = event }
    }

    /// Whether a side's socket was found gone.
    func isDropped(_ side: Side) -> Bool { dropped.contains { $0.side == side } }

    /// Between which times a socket was in FIN_WAIT_2 that was gone from there before any timer ends it.
    var earlyFinWait2: (fin: Timestamp, gone: Timestamp)? {
        for event in dropped where event.isEarly {
            if case .dropped(.finWait2) = event.kind, self[event.side].fin.isSeen {
                return (self[event.side].fin.time, event.time)
            }
        }
        return nil
    }

    /// Where an anomaly was first seen.
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
    /// Whether an endpoint is here only once it has sent its FIN.
    var isAfterOwnFin: Bool {
        switch self {
        case .finWait1, .finWait2, .closing, .timeWait, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .closeWait: false
        }
    }
}
