// The segments between two simulated TCPs, and how the tool sees them.

import Exchanges
import TCPModel

/// Why an end sends a segment, if the segment itself does not show it.
enum SimulatedCause {
    /// New text, an ACK, or the opening or closing of the connection.
    case usual
    /// The next octet, sent into a closed window (RFC 9293 3.8.6.1).
    case windowProbe
    /// Retransmitted because a timer expired (RFC 6298 5.4).
    case timeout
    /// Retransmitted after such a segment, or when a window opened.
    case goBack
    /// Retransmitted after three duplicate ACKs (RFC 5681 3.2).
    case fastRetransmit
    /// The last segment, sent again to elicit an ACK (RFC 8985 7).
    case tailLossProbe
    /// Retransmitted in smaller pieces (RFC 1191).
    case narrowPath
    /// A RST: the program called ABORT, closed with unread text, or had closed when text came (RFC 2525 2.17).
    case abort
    case unreadText
    case lateText
    /// A RST: keep-alives were not answered.
    case keepAliveTimeout
    /// A RST: there is no such connection, or the ACK does not belong to it (RFC 9293 3.10.7.1, 3.10.7.2).
    case noConnection
    case badAck
}

/// One segment.
struct SimulatedSegment {
    var flags: TCPFlags
    var sequence: SequenceNumber
    var acknowledgment: SequenceNumber
    var length: UInt32
    var window: UInt16 = 65535
    var windowScale: UInt8?
    var timestamp: (value: UInt32, echo: UInt32)?
    var permitsSACK = false
    var sack: [SACKBlock] = []
    /// Whether it only elicits an ACK from the peer: a keep-alive or a probe of the peer's window.
    var isProbe = false
    /// Whether the probe is text that the peer has not accepted yet.
    var isTextProbe = false
    var cause = SimulatedCause.usual
    /// Its index among all segments that both hosts sent.
    var number = 0
    /// Whether its host numbers its packets (IPv4 identification).
    var isIdentified = true
    var hopLimit: UInt8 = 64
    /// Whether the capture has all of its options.
    var hasAllOptions = true

    var end: SequenceNumber { textEnd.advanced(by: flags.has(.fin) ? 1 : 0) }
    /// The sequence numbers of the first octet of its text, and just after the last one.
    var textStart: SequenceNumber { sequence.advanced(by: flags.has(.syn) ? 1 : 0) }
    var textEnd: SequenceNumber { textStart.advanced(by: length) }

    /// The segments that a network card splits it into, with at most `size` octets of text each.
    func pieces(of size: UInt32) -> [SimulatedSegment] {
        guard length > size, !flags.has(.syn) else { return [self] }
        return stride(from: 0, to: length, by: Int(size)).map { start in
            var piece = self
            piece.sequence = sequence.advanced(by: start)
            piece.length = min(size, length - start)
            if start + piece.length < length { piece.flags.subtract([.fin, .psh]) }
            return piece
        }
    }
}

extension Segment {
    /// The segment as it appears in a capture.
    init(_ it: SimulatedSegment, _ tuple: FourTuple) {
        self.init(
            tuple: tuple, sequence: it.sequence, acknowledgment: it.acknowledgment, flags: it.flags, window: it.window,
            payloadLength: it.length, ipLength: 40 + it.length,
            ipIdentification: it.isIdentified ? UInt16(truncatingIfNeeded: it.number + 1) : 0, hopLimit: it.hopLimit)
        if it.flags.has(.urg) { urgentPointer = UInt16(truncatingIfNeeded: it.length) }
        if let scale = it.windowScale {
            options.present.insert(.windowScale)
            options.windowScale = scale
        }
        if let stamp = it.timestamp {
            options.present.insert(.timestamps)
            options.timestampValue = stamp.value
            options.timestampEchoReply = stamp.echo
        }
        if !it.hasAllOptions { remarks.insert(.truncatedOptions) }
        if it.permitsSACK { options.present.insert(.sackPermitted) }
        if !it.sack.isEmpty { options.present.insert(.sack) }
        for (place, block) in it.sack.prefix(4).enumerated() {
            options.sackBlocks[place] = block
            options.sackBlockCount = UInt8(place + 1)
        }
    }
}

extension Simulation {
    /// Plays the capture through a timeline.
    func play(into play: Play = Play()) -> Play {
        let tuple = FourTuple(source: play.client, destination: play.server)
        for item in captured {
            play.clock = item.time * Span.microsecond
            if let error = item.error {
                play.observe(
                    ICMPError(
                        sender: IPAddress(192, 0, 2, 1), quoted: item.sender == 0 ? tuple : tuple.reversed,
                        sequence: item.segment.sequence, type: 3, code: error.code))
                continue
            }
            play.observe(Segment(item.segment, item.sender == 0 ? tuple : tuple.reversed), retire: false)
        }
        return play
    }
}
