// The kernel's measurements of one socket (struct tcp_info), kept at the length that the kernel returned.

/// `struct tcp_info` from linux/tcp.h, as the kernel filled it in. The structure grows from release to release: a field
/// that this kernel lacks is nil, never 0.
public struct TCPInfo: BitwiseCopyable, Sendable {
    /// Octets kept of the structure: more than any kernel's so far (280 in Linux 6.18).
    public static let capacity = 320

    private var words: [80 of UInt32]
    /// Octets that the kernel returned, at most `capacity`.
    public let length: Int

    /// Keeps the first `capacity` octets of the structure, which are in this machine's byte order.
    public init(_ bytes: some Collection<UInt8>) {
        words = [80 of UInt32](repeating: 0)
        var count = 0
        for byte in bytes.prefix(Self.capacity) {
            words[count / 4] |= UInt32(byte) << Self.shift(count)
            count += 1
        }
        length = count
    }

    private static func shift(_ offset: Int) -> UInt32 {
        let place = UInt32(offset & 3)
        return 8 * (UInt32(1).littleEndian == 1 ? place : 3 - place)
    }

    private func octet(_ offset: Int) -> UInt8? {
        offset < length ? UInt8(truncatingIfNeeded: words[offset / 4] >> Self.shift(offset)) : nil
    }

    private func word(_ offset: Int) -> UInt32? { offset + 4 <= length ? words[offset / 4] : nil }

    private func long(_ offset: Int) -> UInt64? {
        guard offset + 8 <= length else { return nil }
        let (first, second) = (UInt64(words[offset / 4]), UInt64(words[offset / 4 + 1]))
        return UInt32(1).littleEndian == 1 ? second << 32 | first : first << 32 | second
    }

    /// Consecutive unanswered keep-alive or window probes.
    public var probes: UInt8? { octet(3) }
    /// How many times the running timer has been doubled (exponential backoff).
    public var backoff: UInt8? { octet(4) }
    /// The retransmission timeout, in microseconds.
    public var retransmissionTimeout: UInt32? { word(8) }
    /// The segment size used for sending, in octets.
    public var sendSegmentSize: UInt32? { word(16) }
    /// Segments sent and not yet acknowledged. For a listener: connections waiting to be accepted.
    public var unacknowledged: UInt32? { word(24) }
    /// Segments that the peer has reported by SACK. For a listener: its backlog.
    public var selectivelyAcknowledged: UInt32? { word(28) }
    /// Segments considered lost.
    public var lost: UInt32? { word(32) }
    /// Segments retransmitted and not yet acknowledged.
    public var retransmittedInFlight: UInt32? { word(36) }
    /// Milliseconds since data was last sent.
    public var sinceDataSent: UInt32? { word(44) }
    /// Milliseconds since data was last received.
    public var sinceDataReceived: UInt32? { word(52) }
    /// Milliseconds since an ACK was last received.
    public var sinceAckReceived: UInt32? { word(56) }
    /// The path MTU, in octets.
    public var pathMTU: UInt32? { word(60) }
    /// The smoothed round-trip time, in microseconds.
    public var roundTrip: UInt32? { word(68) }
    /// The mean deviation of the round-trip time, in microseconds.
    public var roundTripVariation: UInt32? { word(72) }
    /// The slow-start threshold, in segments.
    public var slowStartThreshold: UInt32? { word(76) }
    /// The congestion window, in segments.
    public var congestionWindow: UInt32? { word(80) }
    /// Segments retransmitted over the life of the connection.
    public var totalRetransmissions: UInt32? { word(100) }
    /// Octets of text that the peer has acknowledged; a SYN or FIN may be included.
    public var bytesAcknowledged: UInt64? { long(120) }
    /// Octets of text received. A FIN counts as one octet, so in CLOSE-WAIT, LAST-ACK and CLOSING the value is one too
    /// high.
    public var bytesReceived: UInt64? { long(128) }
    /// Segments sent.
    public var segmentsOut: UInt32? { word(136) }
    /// Segments received.
    public var segmentsIn: UInt32? { word(140) }
    /// Octets written by the application and not yet sent.
    public var notSentBytes: UInt32? { word(144) }
    /// The smallest round-trip time seen, in microseconds; all ones if there is none yet.
    public var minimumRoundTrip: UInt32? { word(148) }
    /// Microseconds during which there was something to send.
    public var busyTime: UInt64? { long(168) }
    /// Microseconds during which the peer's window limited sending.
    public var windowLimitedTime: UInt64? { long(176) }
    /// Microseconds during which the send buffer limited sending.
    public var bufferLimitedTime: UInt64? { long(184) }
    /// Octets of text sent, retransmissions included.
    public var bytesSent: UInt64? { long(200) }
    /// Octets of text retransmitted.
    public var bytesRetransmitted: UInt64? { long(208) }
    /// Duplicates that the peer reported by D-SACK: unnecessary retransmissions.
    public var duplicatesReported: UInt32? { word(216) }
    /// How many times reordering was seen.
    public var reorderingsSeen: UInt32? { word(220) }
    /// Segments received out of order.
    public var outOfOrderIn: UInt32? { word(224) }
    /// The window that the peer advertises, in octets.
    public var peerWindow: UInt32? { word(228) }
}
