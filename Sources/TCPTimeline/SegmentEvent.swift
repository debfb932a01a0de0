// What one segment meant: the event that every report and finding is based on.

public import TCPMachine
public import TCPModel

/// Remarks on a segment in its connection. They change no state.
public struct SegmentNotes: OptionSet, BitwiseCopyable, Sendable {
    /// One bit per note.
    public var rawValue: UInt16
    /// The notes with these bits.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// It carries sequence space that this side has sent before.
    @inlinable public static var retransmission: SegmentNotes { SegmentNotes(rawValue: 1 << 0) }
    /// A keep-alive: one octet or none, just before SND.NXT (RFC 9293 3.8.4).
    @inlinable public static var keepAlive: SegmentNotes { SegmentNotes(rawValue: 1 << 1) }
    /// A zero-window probe (RFC 9293 3.8.6.1): sent to a closed window, shaped like a keep-alive, as Linux sends it,
    /// or with the next octet.
    @inlinable public static var windowProbe: SegmentNotes { SegmentNotes(rawValue: 1 << 2) }
    /// The same ACK again with nothing new, or with new SACK blocks whatever its window is (RFC 5681 2, RFC 6675 2).
    @inlinable public static var duplicateAck: SegmentNotes { SegmentNotes(rawValue: 1 << 3) }
    /// The same ACK with another window, and no new SACK blocks.
    @inlinable public static var windowUpdate: SegmentNotes { SegmentNotes(rawValue: 1 << 4) }
    /// It advertises a window of 0.
    @inlinable public static var zeroWindow: SegmentNotes { SegmentNotes(rawValue: 1 << 5) }
    /// It leaves a hole: octets before it were not seen (lost, reordered, or not captured).
    @inlinable public static var hole: SegmentNotes { SegmentNotes(rawValue: 1 << 6) }
    /// It fills a hole: late, reordered, or retransmitted because the first copy was lost before the capture point.
    @inlinable public static var fillsHole: SegmentNotes { SegmentNotes(rawValue: 1 << 8) }
    /// Another copy of a frame that was captured before: it is not counted and moves no state.
    @inlinable public static var duplicateFrame: SegmentNotes { SegmentNotes(rawValue: 1 << 9) }
    /// Its checksum is wrong: its receiver drops it, and its contents are ignored.
    @inlinable public static var badChecksum: SegmentNotes { SegmentNotes(rawValue: 1 << 10) }
    /// The first fragment of a packet that was never completed: its receiver gets nothing of it, and it moves no state.
    @inlinable public static var incomplete: SegmentNotes { SegmentNotes(rawValue: 1 << 11) }
    /// Its receiver drops it, and it shows nothing about its supposed sender: it begins beyond the receiver's window,
    /// and not where its sender's stream ends (until the stream continues from there, or an ACK covers it); or it is a
    /// FIN before octets that were sent and acknowledged (until just that FIN is acknowledged).
    @inlinable public static var foreign: SegmentNotes { SegmentNotes(rawValue: 1 << 12) }
    /// Its receiver takes no window of it: another segment overtook it, and it fills no hole.
    @inlinable public static var overtaken: SegmentNotes { SegmentNotes(rawValue: 1 << 13) }
    /// The answer to a keep-alive or window probe.
    @inlinable public static var probeAck: SegmentNotes { SegmentNotes(rawValue: 1 << 7) }
}

/// The incarnation of a four-tuple that a new one ended.
public struct Predecessor: BitwiseCopyable, Sendable {
    /// Its number.
    public let number: UInt64
    /// Time of its latest segment.
    public let lastTime: Timestamp
    /// The state in which it left the end that is the new one's responder.
    public let responderState: TCPState
}

/// One captured segment in its connection.
public struct SegmentEvent: BitwiseCopyable, Sendable {
    /// The place of its connection; another one where `KnownConnections.keep` has put it.
    public var connection: ConnectionID
    /// Its connection's number.
    public let number: UInt64
    /// Whether it is the connection's first segment.
    public let isFirst: Bool
    /// The older incarnation of the four-tuple that it ended, to be reported and then retired.
    public let replaced: ConnectionID?
    /// What remains to be said about that incarnation.
    public let predecessor: Predecessor?
    /// The side that sent it.
    public let sender: Side
    /// Time of capture.
    public let time: Timestamp
    /// Frame number, counted from 1.
    public let frame: UInt64
    /// The segment.
    public let segment: Segment
    /// SEG.SEQ relative to the sender's ISS (or to the first number seen).
    public let relativeSequence: UInt32
    /// SEG.ACK relative to the receiver's ISS (or to the first number seen).
    public let relativeAck: UInt32
    /// What `relativeAck` is relative to; the edges of SACK blocks, too.
    public let acknowledgedBase: SequenceNumber
    /// Remarks.
    public let notes: SegmentNotes
    /// The sender's transitions and anomalies, observed.
    public let sent: Reaction
    /// The receiver's transitions and anomalies, inferred.
    public let arrived: Reaction
    /// Whether the connection ended with this segment.
    public let ended: Bool
    /// The originator's state after this segment.
    public let originatorState: TCPState
    /// The responder's state after it; in a self-connect the originator's, which serves as both.
    public let responderState: TCPState
    /// What has been seen of the connection, this segment included.
    public let facts: Connection.Facts
    /// The number of segments that the responder has sent.
    public let responderPackets: UInt32
    /// With `.duplicateFrame`: the frame that this one is a copy of; else 0.
    public var originalFrame: UInt64 = 0
    /// Octets of text that the capture's snapshot length cut off.
    public var cutOctets: UInt32 = 0
    /// The verdict of the statistics; empty unless they are kept.
    public internal(set) var verdict = SegmentVerdict()

    /// Anomalies of both sides.
    public var anomalies: Anomalies { sent.anomalies.union(arrived.anomalies) }
    /// Whether any endpoint changed its state.
    public var hasTransitions: Bool { sent.count + arrived.count > 0 }

    /// Whether its receiver drops it: statistics and findings then ignore its ACK, window, text, FIN and
    /// options, and only count it. A segment with missing fragments (`.incomplete`) is another matter:
    /// nothing is wrong with its header.
    public var isDropped: Bool {
        !notes.isDisjoint(with: [.badChecksum, .foreign]) || !anomalies.isDisjoint(with: .dropped)
    }
    /// Whether its sender sent it on this connection all the same: then its octets are sent, and count as
    /// retransmitted the next time. PAWS drops segments that continue the sequence numbers, too (RFC 7323 5.3),
    /// and so does the check for a blind ACK (RFC 5961 5.2).
    public var isSentInVain: Bool {
        guard isDropped, !notes.contains(.foreign) else { return false }
        let causes = anomalies.intersection(.dropped)
        return causes == .oldTimestamp || causes == .blindAck && !notes.contains(.hole)
    }
}

extension Anomalies {
    /// The anomalies that make a receiver drop a segment: RFC 9293 3.10.7.3 and 3.10.7.4,
    /// RFC 5961 4 and 5, RFC 7323 5.3.
    static var dropped: Anomalies {
        [.synInsideConnection, .unacceptableAck, .blindAck, .ackMissing, .oldTimestamp, .staleSegment]
    }
}
