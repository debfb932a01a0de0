// What an ICMP error meant: which connection's segment it quotes, and what its sender makes of it.

public import TCPMachine
public import TCPModel

/// An ICMP error in the connection that it is about.
public struct ICMPEvent: BitwiseCopyable, Sendable {
    /// What the host that gets it does, if it is a Linux.
    public enum Effect: UInt8, BitwiseCopyable, Sendable {
        /// Its attempt to open ends: connect() returns an error, or a listener forgets the request.
        case ends
        /// Nothing but a note for the application: the connection lives on (RFC 1122 4.2.3.9, RFC 5927 5.2).
        case soft
        /// It sends smaller segments from now on (RFC 1191, RFC 8201).
        case pathMTU
        /// Nothing: what is quoted is not on its way, or the error is one that hosts ignore.
        case ignored

        /// For programs.
        public var name: StaticString {
            switch self {
            case .ends: "ends"
            case .soft: "soft"
            case .pathMTU: "path_mtu"
            case .ignored: "ignored"
            }
        }
    }

    /// Its connection's place; another one where `KnownConnections.keep` has put it.
    public var connection: ConnectionID
    /// Who sent what is quoted, and gets the error.
    public let side: Side
    /// Time of capture.
    public let time: Timestamp
    /// Frame number, counted from 1.
    public let frame: UInt64
    /// The error.
    public let error: ICMPError
    /// The quoted sequence number, relative to the side's ISS (or to the first number seen).
    public let relativeSequence: UInt32
    /// What comes of it.
    public let effect: Effect
    /// What it did to that side, inferred.
    public let reaction: Reaction
    /// Whether the connection ended with it.
    public let ended: Bool
}

extension HotPart {
    /// Takes in an error about a segment that `side` sent.
    mutating func take(
        _ error: ICMPError, _ side: Side, _ rare: inout RarePart
    ) -> (effect: ICMPEvent.Effect, reaction: Reaction) {
        let kind = error.kind
        // RFC 5927 4.1, and Linux: an error about nothing on its way is forged or late.
        guard endpoint(side).isInFlight(error.sequence) else { return (.ignored, Reaction()) }
        switch kind {
        case .packetTooBig: return (.pathMTU, Reaction())
        case .sourceQuench, .redirect, .other: return (.ignored, Reaction())
        case .networkUnreachable, .hostUnreachable, .protocolUnreachable, .portUnreachable, .sourceRouteFailed,
            .hostUnknown, .sourceIsolated, .networkProhibited, .hostProhibited, .prohibited, .beyondScope,
            .hopLimitExceeded, .reassemblyTimeExceeded, .parameterProblem:
            rare.icmpKind = kind
            let isAttempt = side == .originator && endpoints[0].state == .synSent
            let isRequest =
                side == .responder && endpoints[1].state == .synReceived && error.sequence == endpoints[1].iss
            guard isAttempt || isRequest && error.endsRequest && !isSelfConnect else { return (.soft, Reaction()) }
            let reaction = endpoints[place(side)].icmpEndsAttempt()
            guard reaction.count > 0 else { return (.soft, reaction) }
            settle()
            return (.ends, reaction)
        }
    }
}

extension Timeline {
    /// Takes in an ICMP error; nil if it quotes a segment of no known connection.
    public mutating func observe(_ error: ICMPError, time: Timestamp, frame: UInt64) -> ICMPEvent? {
        guard let id = index.find(error.quoted, hash: index.hash(error.quoted), in: connections.store)?.id else {
            return nil
        }
        let side: Side = connections.store[id].isOriginator(error.quoted.source) ? .originator : .responder
        let relative = error.sequence.offset(from: connections.store[id].endpoint(side).relativeBase)
        let wasEnded = connections.store[id].isEnded
        var rare = connections.store.rare(id)
        let (effect, reaction) = connections.store[id].take(error, side, &rare)
        connections.store.keep(rare, id)
        let isEnded = connections.store[id].isEnded
        if isEnded { noteEnding(id) }
        let event = ICMPEvent(
            connection: id, side: side, time: time, frame: frame, error: error, relativeSequence: relative,
            effect: effect, reaction: reaction, ended: !wasEnded && isEnded)
        connections.judge(event)
        return event
    }
}
