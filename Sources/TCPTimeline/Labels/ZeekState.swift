// Zeek's view of a connection: what each side has *sent* (not its RFC state),
// and the conn_state that follows from both.

import TCPModel

/// What one side has sent, as Zeek's TCP_Endpoint records it.
public enum ZeekEndpoint: UInt8, Sendable, BitwiseCopyable {
    /// Nothing.
    case inactive
    /// SYN.
    case synSent
    /// SYN and ACK.
    case synAckSent
    /// Something, without a SYN.
    case partial
    /// Enough to be open.
    case established
    /// FIN.
    case closed
    /// RST.
    case reset
}

/// The view of both sides, and conn_state.
public struct ZeekState: BitwiseCopyable, Sendable, Equatable {
    /// Three bits for each endpoint, then one for each fact below.
    private var bits: UInt16 = 0

    /// The whole state as one word.
    var word: UInt16 { bits }

    /// What the originator has sent.
    public private(set) var originator: ZeekEndpoint {
        get { ZeekEndpoint(rawValue: UInt8(bits & 7)) ?? .inactive }
        set { bits = bits & ~7 | UInt16(newValue.rawValue) }
    }
    /// What the responder has sent.
    public private(set) var responder: ZeekEndpoint {
        get { ZeekEndpoint(rawValue: UInt8(bits >> 3 & 7)) ?? .inactive }
        set { bits = bits & ~(7 << 3) | UInt16(newValue.rawValue) << 3 }
    }

    private func fact(_ number: UInt16) -> Bool { bits >> number & 1 == 1 }
    private mutating func set(_ number: UInt16, _ isSet: Bool) {
        bits = bits & ~(1 << number) | (isSet ? 1 : 0) << number
    }

    /// Whether a side sent a FIN before its RST: the other side's FIN then makes it a normal close after all.
    private var originatorFin: Bool {
        get { fact(6) }
        set { set(6, newValue) }
    }
    private var responderFin: Bool {
        get { fact(7) }
        set { set(7, newValue) }
    }

    /// Whether a side's end was recorded: once both are, segments no longer extend Zeek's duration.
    private var originatorDidClose: Bool {
        get { fact(8) }
        set { set(8, newValue) }
    }
    private var responderDidClose: Bool {
        get { fact(9) }
        set { set(9, newValue) }
    }

    /// Whether both sides' ends were recorded.
    var isClosed: Bool { bits >> 8 & 3 == 3 }

    /// Whether both sides have sent something that counts: then a segment without SYN, FIN and RST changes nothing.
    var bothAreSeen: Bool { bits & 7 != 0 && bits & (7 << 3) != 0 }

    /// Whether a side was open when it sent its FIN, and has not sent a RST since.
    private var originatorFinIsClean: Bool {
        get { fact(10) }
        set { set(10, newValue) }
    }
    private var responderFinIsClean: Bool {
        get { fact(11) }
        set { set(11, newValue) }
    }

    /// Whether both sides are open, or were open when they closed, so that an acknowledged hole is a content gap; if
    /// the opening was missed, and after a RST, sequence numbers may be misleading.
    var reportsGaps: Bool {
        (originator == .established || originator == .closed && originatorFinIsClean)
            && (responder == .established || responder == .closed && responderFinIsClean)
    }

    /// Whether a window of 0 from this side means anything: not after its RST, nor after the peer's FIN.
    func heedsWindow(ofOriginator isOriginator: Bool) -> Bool {
        isOriginator ? originator != .reset && responder != .closed : responder != .reset && originator != .closed
    }

    /// A state in which nothing has been sent.
    public init() {}

    /// Takes in one segment from the originator (or the responder).
    mutating func note(_ flags: TCPFlags, payload: Bool, fromOriginator: Bool) {
        if flags.has(.rst) {
            noteReset(fromOriginator: fromOriginator)
        } else if flags.has(.fin) {
            noteFin(fromOriginator: fromOriginator)
        } else if flags.has(.syn) {
            noteSyn(hasAck: flags.has(.ack), fromOriginator: fromOriginator)
        } else if fromOriginator {
            if originator == .inactive {
                originator = responder == .established ? .established : .partial
            }
        } else if responder == .inactive {
            // A bare ACK before the SYN-ACK belongs to a split handshake.
            if originator == .synSent && !payload { return }
            responder = originator == .established ? .established : .partial
        }
    }

    private mutating func noteSyn(hasAck: Bool, fromOriginator: Bool) {
        if fromOriginator {
            if originator == .inactive {
                originator = hasAck ? .synAckSent : .synSent
            } else if originator == .partial && responder == .inactive && !hasAck {
                originator = .synSent
            }
        } else if responder == .inactive {
            responder = .established
            if originator == .synSent { originator = .established }
        } else if responder == .partial && originator == .inactive && !hasAck {
            responder = .synSent
        }
    }

    private mutating func noteFin(fromOriginator: Bool) {
        // A side that sent a RST stays reset.
        if (fromOriginator ? originator : responder) == .reset { return }
        if fromOriginator {
            if originator != .closed { originatorFinIsClean = originator == .established }
            originator = .closed
            originatorFin = true
            originatorDidClose = true
            if responder == .reset && responderFin { responder = .closed }
        } else {
            if responder != .closed { responderFinIsClean = responder == .established }
            responder = .closed
            responderFin = true
            responderDidClose = true
            if originator == .reset && originatorFin { originator = .closed }
        }
    }

    private mutating func noteReset(fromOriginator: Bool) {
        let bothClosed = originator == .closed && responder == .closed
        if bothClosed { return }
        if fromOriginator {
            originator = .reset
            originatorFinIsClean = false
            originatorDidClose = true
        } else {
            responder = .reset
            responderFinIsClean = false
            responderDidClose = true
        }
    }

    /// conn_state, with conditions in Zeek's order. `noData`: neither side's octets were acknowledged; `synThenReset`:
    /// the originator's letters are S then R with none of H, A, F, G, I, Q in between.
    public func connectionState(noData: Bool, synThenReset: Bool) -> StaticString {
        func isInactive(_ endpoint: ZeekEndpoint) -> Bool { endpoint == .inactive || endpoint == .partial }
        if responder == .reset {
            if originator == .synSent || originator == .synAckSent || originator == .reset && noData { return "REJ" }
            return isInactive(originator) ? "RSTRH" : "RSTR"
        }
        if originator == .reset {
            guard isInactive(responder) else { return "RSTO" }
            return synThenReset ? "RSTOS0" : "OTH"
        }
        if originator == .closed && responder == .closed { return "SF" }
        if originator == .closed { return isInactive(responder) ? "SH" : "S2" }
        if responder == .closed { return isInactive(originator) ? "SHR" : "S3" }
        if originator == .synSent && responder == .inactive { return "S0" }
        if originator == .established && responder == .established { return "S1" }
        return "OTH"
    }
}
