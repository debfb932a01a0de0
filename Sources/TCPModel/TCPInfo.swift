// What the kernel measures of one socket (struct tcp_info), kept at the length that the kernel gave.

/// `struct tcp_info` of linux/tcp.h as one kernel filled it. It grows from release to release: a field that this kernel
/// does not have is nil, never 0.
public struct TCPInfo: BitwiseCopyable, Sendable {
    /// Octets that are kept: more than any kernel's structure so far (280 in Linux 6.18).
    public static let capacity = 320

    private var words: [80 of UInt32]
    /// How many octets the kernel gave, at most `capacity`.
    public let length: Int

    /// The first octets of the structure, in this machine's byte order.
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

    /// Keep-alive or window probes in a row without an answer.
    public var probes: UInt8? { octet(3) }
    /// How often the running timer has been doubled.
    public var backoff: UInt8? { octet(4) }
    /// The retransmission timeout, in microseconds.
    public var retransmissionTimeout: UInt32? { word(8) }
    /// The segment size used for sending, in octets.
    public var sendSegmentSize: UInt32? { word(16) }
    /// Segments sent and not acknowledged. Of a listener: connections that wait to be accepted.
    public var unacknowledged: UInt32? { word(24) }
    /// Segments that the peer has reported by SACK. Of a listener: its backlog.
    public var selectivelyAcknowledged: UInt32? { word(28) }
    /// Segments taken for lost.
    public var lost: UInt32? { word(32) }
    /// Segments retransmitted and not acknowledged yet.
    public var retransmittedInFlight: UInt32? { word(36) }
    /// Milliseconds since data was sent.
    public var sinceDataSent: UInt32? { word(44) }
    /// Milliseconds since data was received.
    public var sinceDataReceived: UInt32? { word(52) }
    /// Milliseconds since an ACK was received.
    public var sinceAckReceived: UInt32? { word(56) }
    /// The path's MTU in octets.
    public var pathMTU: UInt32? { word(60) }
    /// The smoothed round-trip time, in microseconds.
    public var roundTrip: UInt32? { word(68) }
    /// The mean deviation of the round-trip time, in microseconds.
    public var roundTripVariation: UInt32? { word(72) }
    /// The slow-start threshold, in segments.
    public var slowStartThreshold: UInt32? { word(76) }
    /// The congestion window, in segments.
    public var congestionWindow: UInt32? { word(80) }
    /// Segments retransmitted in the life of the connection.
    public var totalRetransmissions: UInt32? { word(100) }
    /// Octets of text that the peer acknowledged; the SYN or FIN may be counted.
    public var bytesAcknowledged: UInt64? { long(120) }
    /// Octets of text received; a FIN is counted as one, so that in CLOSE-WAIT, LAST-ACK and CLOSING it is one too many.
    public var bytesReceived: UInt64? { long(128) }
    /// Segments sent.
    public var segmentsOut: UInt32? { word(136) }
    /// Segments received.
    public var segmentsIn: UInt32? { word(140) }
    /// Octets written by the application and not sent even once.
    public var notSentBytes: UInt32? { word(144) }
    /// The smallest round-trip time seen, in microseconds; all ones = none yet.
    public var minimumRoundTrip: UInt32? { word(148) }
    /// Microseconds in which there was something to send.
    public var busyTime: UInt64? { long(168) }
    /// Microseconds in which the peer's window held sending up.
    public var windowLimitedTime: UInt64? { long(176) }
    /// Microseconds in which the send buffer held sending up.
    public var bufferLimitedTime: UInt64? { long(184) }
    /// Octets of text sent, retransmissions counted again.
    public var bytesSent: UInt64? { long(200) }
    /// Octets of text retransmitted.
    public var bytesRetransmitted: UInt64? { long(208) }
    /// Duplicates that the peer reported by D-SACK: retransmissions that were not needed.
    public var duplicatesReported: UInt32? { word(216) }
    /// Times that reordering was seen.
    public var reorderingsSeen: UInt32? { word(220) }
    /// Segments received out of order.
    public var outOfOrderIn: UInt32? { word(224) }
    /// The window that the peer advertises, in octets.
    public var peerWindow: UInt32? { word(228) }
}
