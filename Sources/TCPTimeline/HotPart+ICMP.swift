// What an ICMP error that quotes a segment does to the connection of that segment (RFC 5927, RFC 1122 4.2.3.9).

import TCPMachine
public import TCPModel

extension HotPart {
    /// Takes in an error about a segment that `side` sent.
    mutating func take(
        _ error: ICMPError, _ side: Side, _ rare: inout RarePart
    ) -> (effect: ICMPEvent.Effect, reaction: Reaction) {
        let kind = error.kind
        // RFC 5927 4.1, and Linux: an error about something not in flight is forged or late.
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
