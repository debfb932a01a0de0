// How long a handshake took: to the SYN-ACK, and to the segment after it.

import TCPModel

/// The two times of a handshake in nanoseconds, each at most 39 hours (longer ones are clamped), or -1 for none.
struct HandshakeTimes: BitwiseCopyable, Sendable, Equatable {
    // 48 bits each, in parts that leave no gaps.
    private var synAckLow: UInt32 = .max
    private var openLow: UInt32 = .max
    private var synAckHigh: Int16 = -1
    private var openHigh: Int16 = -1

    init() {}

    private static func bounded(_ nanoseconds: Int64) -> Int64 { max(-1, min(nanoseconds, 1 << 47 - 1)) }

    /// Whether the first time is known and the second is not.
    @inline(__always) var isHalfWay: Bool { openHigh == -1 && openLow == .max && synAckHigh >= 0 }

    /// Nanoseconds from the first SYN to the first SYN-ACK.
    var synAck: Int64 {
        get { Int64(synAckHigh) << 32 | Int64(synAckLow) }
        set {
            synAckLow = UInt32(truncatingIfNeeded: Self.bounded(newValue))
            synAckHigh = Int16(truncatingIfNeeded: Self.bounded(newValue) >> 32)
        }
    }

    // -2 and less if that segment was not the ACK of the SYN-ACK.
    private var openRaw: Int64 { Int64(openHigh) << 32 | Int64(openLow) }

    /// Nanoseconds from the first SYN to its sender's first segment after the SYN-ACK: the ACK of that,
    /// or whatever was captured.
    var open: Int64 { openRaw < -1 ? -2 - openRaw : openRaw }

    /// The same if that segment was the ACK of the SYN-ACK; else -1.
    var measured: Int64 { max(-1, openRaw) }

    /// The first SYN's sender continued after this many nanoseconds; `isAck`: with the ACK of the SYN-ACK.
    mutating func goOn(after nanoseconds: Int64, isAck: Bool) {
        // A clock that went back says nothing.
        guard nanoseconds >= 0 else { return }
        let time = Self.bounded(nanoseconds)
        let raw = isAck ? time : max(-2 - time, -1 << 47)
        openLow = UInt32(truncatingIfNeeded: raw)
        openHigh = Int16(truncatingIfNeeded: raw >> 32)
    }

    /// Whether what the originator sent, `time` nanoseconds after its first SYN, comes soon enough after the SYN-ACK to
    /// be the ACK of it: text may carry the ACK, which waits no longer than half a second (RFC 1122 4.2.3.2).
    func isPrompt(_ time: Int64, text: UInt32) -> Bool {
        // The time of the SYN-ACK is bounded, whereas this one may be anything.
        text == 0 || time <= synAck + 500 * Span.millisecond
    }
}
