// Rules about unusual ways to open: a socket connected to itself, a simultaneous open, text in the SYN, reused ports.

import TCPMachine
import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.5 allows it; with ephemeral ports it happens by accident.
    static let selfConnect = Rule(.selfConnect) { c in
        guard c.connection.isSelfConnect else { return nil }
        return Verdict(
            side: .originator,
            message:
                "a socket at \(c.address(.originator)) is connected to itself: connect() got the very port that it was calling as its"
                + " own local port, and no server listens there",
            frames: [c.file[.originator].syn])
    }

    /// RFC 9293 3.5, figure 7: an endpoint in SYN-SENT receives a SYN.
    static let simultaneousOpen = Rule(.simultaneousOpen) { c in
        // Both sides must have opened actively: a SYN forged into an open connection, or sent separately from its ACK,
        // does not count.
        guard !c.connection.isSelfConnect, c.connection.originator.openedActively,
            c.connection.responder.openedActively,
            c.connection.facts.contains(.originatorSynAck) || c.connection.facts.contains(.responderSynAck)
        else { return nil }
        return Verdict(
            message:
                "both sides sent a SYN before receiving the other's: a simultaneous open, which makes one connection",
            frames: [c.file[.originator].syn, c.file[.responder].syn])
    }

    /// RFC 7413.
    static let fastOpen = Rule(.fastOpen) { c in
        guard c.file.synText > 0, c.isOver || c.connection.facts.contains(.synAckSeen) else { return nil }
        let client = c.file[.originator]
        // The SYN was retransmitted before there was any answer. A repeat after an answer does not suggest that SYNs
        // with text are dropped.
        let isAgain = client.synCount > 1 && client.synsAfterAnswer == 0 && c.connection.synAckDelay >= 0
        return Verdict(
            side: .originator,
            message: "the SYN carried \(counted(c.file.synText, "octet")) of text "
                // RFC 7413 2 and 4.1.1. Any SYN may carry text (RFC 9293 3.10.7.2); Linux can do without a cookie (tcp_fastopen 0x4).
                + (c.file.hasFastOpenOption
                    ? "(TCP Fast Open)"
                    : "without the Fast Open option: the server holds it until the handshake is complete, unless it needs no cookie")
                + (isAgain
                    ? "; it got no answer and was retransmitted \(words(client.lastSyn.time.since(client.syn.time))) later: it was lost with its"
                        + " text, or a device on the path drops SYNs that carry text\(c.dropWords(.responder))" : ""),
            frames: [client.syn] + (isAgain ? [client.lastSyn] : []),
            evidence: [.init("octets", .number(Int64(c.file.synText)))]
                + (isAgain ? c.dropEvidence(.responder) : []))
    }

    /// RFC 4987 3.6. The packets look normal: only the host's counters show it.
    static let synCookies = Rule(.synCookies) { c in
        guard let span = c.host.cookies, c.kernel?.responder.isLocal == true else { return nil }
        // In LISTEN the connection was not opened, and nothing was kept of it.
        guard c.state(.responder) != .listen else { return nil }
        // The clocks may differ by a millisecond, so smaller lags prove nothing; a cookie's is that small one time in
        // thirty.
        let isShown = (2...65).contains(c.file.stampLag ?? 0)
        // If most others opened by a cookie, this one most likely did, too.
        guard isShown || span.cookies * 2 > span.opened else { return nil }
        let share =
            isShown || span.cookies == span.opened
            ? "it was opened with a SYN cookie"
            : "it was probably opened with a SYN cookie, as were \(span.cookies) of \(span.opened) connections at that moment"
        return Verdict(
            side: .responder,
            message: share
                + ": the SYN queue had overflowed, or net.ipv4.tcp_syncookies is 2; such a connection has no TCP options except those"
                + " encoded in its timestamp",
            frames: [c.file[.responder].syn],
            evidence: [
                .init("cookies", .number(Int64(clamping: span.cookies))),
                .init("opened", .number(Int64(clamping: span.opened))),
            ] + (isShown ? [.init("stamp_lag", .span((c.file.stampLag ?? 0) * Span.millisecond))] : []))
    }

    /// RFC 9293 3.6.1: a SYN that is surely newer may cut TIME-WAIT short.
    static let portReused = Rule(.portReused) { c in
        let challenge = c.staleChallenge.flatMap { $0.isTimeWait == true ? $0 : nil }
        let old = c.file.predecessor
        guard old != nil || challenge != nil, c.connection.facts.contains(.synSeen) else { return nil }
        // Its SYN may at first have been taken for one of the old connection.
        let syn = c.file[.originator].syn
        // A challenge that crossed the SYN still belonged to the old connection.
        let pause = old.map { max(0, c.connection.firstTime.since($0.lastTime)) }
        return Verdict(
            message: "the same ports were used again"
                + (old.map { ", \(words(pause ?? 0)) after TCP \($0.number)'s last segment" }
                    ?? ", after a connection that was not captured")
                + (challenge.map { c.timeWaitWords($0) } ?? ""),
            frames: [syn.isSeen ? syn : c.file[.responder].syn]
                + (challenge.map { [$0.ack, $0.reset] } ?? []),
            evidence: (old.map { [.init("previous", .number(Int64(clamping: $0.number)))] } ?? [])
                + (pause.map { [.init("pause", .span($0))] } ?? []))
    }
}

extension Circumstances {
    /// A TIME-WAIT, which no process holds, did not accept the SYN as a newer one.
    fileprivate func timeWaitWords(_ challenge: StaleChallenge) -> String {
        "; the server was still in TIME_WAIT after it, and answered the SYN with an ACK of the old numbers"
            + (challenge.isOldStamp
                ? ", because the SYN's timestamp was older than the last one seen there (PAWS; common where a NAT gives one port to several hosts)"
                : "")
            + "; the client answered that ACK with RST\(repeatedWords(challenge))"
    }
}
