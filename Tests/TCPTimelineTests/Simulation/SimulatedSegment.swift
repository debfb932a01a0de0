// What goes over the wire between two simulated TCPs, and what the tool is shown of it.

import Exchanges
import TCPModel

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
    /// Whether it only asks the peer for an ACK: a keep-alive or an empty probe of its window.
    var isProbe = false
    /// Whether that is text that it has not got in yet.
    var isTextProbe = false
    /// Whether the capture has all of its options.
    var hasAllOptions = true

    var end: SequenceNumber { textEnd.advanced(by: flags.has(.fin) ? 1 : 0) }
    /// The numbers of its text's first octet, and just after the last one.
    var textStart: SequenceNumber { sequence.advanced(by: flags.has(.syn) ? 1 : 0) }
    var textEnd: SequenceNumber { textStart.advanced(by: length) }

    /// What a network card makes of it: segments of so many octets at most.
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
    /// The segment as a capture has it, as the `index`th one of all.
    init(_ it: SimulatedSegment, _ tuple: FourTuple, index: Int) {
        self.init(
            tuple: tuple, sequence: it.sequence, acknowledgment: it.acknowledgment, flags: it.flags, window: it.window,
            payloadLength: it.length, ipLength: 40 + it.length, ipIdentification: UInt16(truncatingIfNeeded: index + 1),
            hopLimit: 64)
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
    /// The capture, played through a timeline.
    func play() -> Play {
        let play = Play()
        let tuple = FourTuple(source: play.client, destination: play.server)
        for (index, item) in captured.enumerated() {
            play.clock = item.time * Span.microsecond
            if let error = item.error {
                play.observe(
                    ICMPError(
                        sender: IPAddress(192, 0, 2, 1), quoted: item.sender == 0 ? tuple : tuple.reversed,
                        sequence: item.segment.sequence, type: 3, code: error.code))
                continue
            }
            play.observe(Segment(item.segment, item.sender == 0 ? tuple : tuple.reversed, index: index), retire: false)
        }
        return play
    }
}
