// The kinds of segments that a connection's usual course is made of, and what each adds to its labels wherever it comes.

import TCPModel

/// What a segment of the usual course is.
enum UsualKind: UInt8, CaseIterable {
    case syn, synAck, ack, text, fin, finWithText

    /// The kind of a segment; nil if it is none of these.
    @inline(__always) init?(_ segment: borrowing Segment) {
        let hasText = segment.payloadLength > 0
        switch segment.flags.rawValue & UsualKind.mask {
        case UsualKind.ackOnly: self = hasText ? .text : .ack
        case UsualKind.ackAndFin: self = hasText ? .finWithText : .fin
        case UsualKind.ackAndSyn where !hasText: self = .synAck
        case UsualKind.synOnly where !hasText: self = .syn
        default: return nil
        }
    }

    private static var mask: UInt16 { TCPFlags([.syn, .fin, .rst, .ack]).rawValue }
    private static var ackOnly: UInt16 { TCPFlags.ack.rawValue }
    private static var ackAndFin: UInt16 { TCPFlags([.ack, .fin]).rawValue }
    private static var ackAndSyn: UInt16 { TCPFlags([.ack, .syn]).rawValue }
    private static var synOnly: UInt16 { TCPFlags.syn.rawValue }

    /// Whether it has a SYN.
    @inline(__always) var hasSyn: Bool { rawValue <= UsualKind.synAck.rawValue }

    /// What it adds to Wireshark's completeness.
    @inline(__always) var completeness: Completeness {
        switch self {
        case .syn: .syn
        case .synAck: .synAck
        case .ack: .ack
        case .text: .data
        case .fin: [.ack, .fin]
        case .finWithText: [.data, .fin]
        }
    }

    /// Adds Zeek's letter.
    @inline(__always) func note(in history: inout ConnectionHistory, originator: Bool) {
        switch self {
        case .syn: history.append(ConnectionHistory.syn, originator: originator)
        case .synAck: history.append(ConnectionHistory.synAck, originator: originator)
        case .ack: history.appendOnce(ConnectionHistory.ack, bit: 0, originator: originator)
        case .text: history.appendOnce(ConnectionHistory.data, bit: 1, originator: originator)
        case .fin, .finWithText: history.append(ConnectionHistory.fin, originator: originator)
        }
    }
}
