// RST autopsy: who sent it, and why.
//
// The wire tells two kinds apart. A RST without ACK answers a segment for which there is no connection (RFC 9293
// 3.10.7.1); one with ACK is an abort by the process or its kernel (3.10.5). Which abort it was only the kernel knows.

import TCPMachine
import TCPModel
import TCPTimeline

extension Rule {
    /// Text for a socket that was closed: the peer's next write fails with EPIPE.
    static let resetAfterClose = Rule(.resetAfterClose) { c in
        guard let side = c.resetter, c.file[side].fin.isSeen, c.file[side].fin.frame < c.file[side].reset.frame,
            c.file[side].resetAnswers.frame > c.file[side].fin.frame
        else { return nil }
        let octets = c.file[side.other].textAfterPeerFin
        guard octets > 0 else { return nil }
        return Verdict(
            side: side,
            message:
                "\(c.name(side)) had closed (frame \(c.file[side].fin.frame)); \(c.name(side.other)) sent \(count(octets, "octet"))"
                + " all the same, and its kernel answered with RST: the octets are lost, the next write fails with EPIPE",
            frames: [c.file[side].fin, c.file[side].resetAnswers, c.file[side].reset],
            evidence: [.init("octets_lost", .number(Int64(clamping: octets)))])
    }

    /// RFC 9293 3.5.1: half-open connections.
    static let halfOpenPeer = Rule(.halfOpenPeer) { c in
        if let challenge = c.staleChallenge { return challenge }
        guard let side = c.resetter, !c.file[side].resetHadAck, !c.file[side].fin.isSeen, c.wasSynchronized,
            c.file[side].resetAnswers.isSeen, !c.connection.facts.contains(.refused)
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(c.name(side.other)) sent something on a connection that \(c.name(side)) knows nothing of any more: it was restarted, or"
                + " its socket had gone silently",
            frames: [c.file[side].resetAnswers, c.file[side].reset])
    }

    /// What is left when nothing says why.
    static let reset = Rule(.reset) { c in
        guard let side = c.resetter, c.isOver, c.file[side].resetHadAck || !c.wasSynchronized else { return nil }
        guard c.found.isDisjoint(with: Circumstances.resetCauses) else { return nil }
        if !c.wasSynchronized {
            return Verdict(
                side: side, message: "\(c.name(side)) broke the handshake off with RST", frames: [c.file[side].reset])
        }
        return Verdict(
            side: side,
            message:
                "\(c.name(side)) aborted the connection: closed with octets unread or with SO_LINGER 0, or was killed. Which one only its"
                + " kernel knows",
            frames: [c.file[side].reset])
    }
}

extension Circumstances {
    /// The codes that say why there was a RST.
    static let resetCauses: Set<FindingCode> = [
        .refused, .resetAfterClose, .halfOpenPeer, .keepaliveDead,
    ]

    /// Who reset it, if a RST ended it after it was more than a refused SYN.
    var resetter: Side? {
        guard connection.facts.contains(.reset), !connection.facts.contains(.refused) else { return nil }
        let side: Side = connection.facts.contains(.originatorReset) ? .originator : .responder
        // Who goes on sending was not reset, nor did it reset: the RST was somebody else's, or not obeyed.
        return file[side].last.frame == file[side].reset.frame ? side : nil
    }

    /// A SYN met an old socket: it answers with a challenge ACK of old numbers, the client's RST for that ends it, and the SYN is
    /// sent again (RFC 9293 3.5.1, figure 9; RFC 5961 4.2).
    var staleChallenge: Verdict? {
        guard let ack = file.first(.unacceptableAck), ack.sender == .responder,
            let reset = file.first(.resetAnswersBadAck), reset.sender == .originator
        else { return nil }
        return Verdict(
            side: .responder,
            message:
                "\(name(.responder)) still had a socket of an older connection with these ports: it answered the SYN with a challenge"
                + " ACK of old numbers, the client's RST ended it, and the SYN was sent again",
            frames: [file[.originator].syn, ack.sighting, reset.sighting])
    }

    /// Whether the connection had been open, or was before the capture began.
    var wasSynchronized: Bool {
        connection.openDelay >= 0 || !connection.facts.contains(.synSeen) || connection.counters[0].uniqueBytes > 0
            || connection.counters[1].uniqueBytes > 0
    }
}
