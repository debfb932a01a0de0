// Rules about unusual ways to open: one socket with itself, both at once, text in the SYN, ports used again.

import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.5 allows it; with ephemeral ports it happens by accident.
    static let selfConnect = Rule(.selfConnect) { c in
        guard c.connection.isSelfConnect else { return nil }
        return Verdict(
            side: .originator,
            message:
                "a socket of \(c.address(.originator)) is connected to itself: connect() drew the port that it was looking for,"
                + " and no server is there",
            frames: [c.file[.originator].syn])
    }

    /// RFC 9293 3.5, figure 7: SYN-SENT gets a SYN.
    static let simultaneousOpen = Rule(.simultaneousOpen) { c in
        guard !c.connection.isSelfConnect, c.file[.originator].synCount > 0, c.file[.responder].synCount > 0,
            c.connection.facts.contains(.originatorSynAck) || c.connection.facts.contains(.responderSynAck)
        else { return nil }
        return Verdict(
            message: "both sides sent a SYN before they had the other's: a simultaneous open, one connection",
            frames: [c.file[.originator].syn, c.file[.responder].syn])
    }

    /// RFC 7413.
    static let fastOpen = Rule(.fastOpen) { c in
        guard c.file.synText > 0, c.isOver || c.connection.facts.contains(.synAckSeen) else { return nil }
        return Verdict(
            side: .originator, message: "the SYN carried \(count(c.file.synText, "octet")) of text (TCP Fast Open)",
            frames: [c.file[.originator].syn], evidence: [.init("octets", .number(Int64(c.file.synText)))])
    }

    /// RFC 9293 3.6.1: a TIME-WAIT may be cut short by a SYN that is surely newer.
    static let portReused = Rule(.portReused) { c in
        guard let old = c.file.predecessor, c.file[.originator].syn.isSeen else { return nil }
        let pause = c.file[.originator].syn.time.since(old.lastTime)
        return Verdict(
            message: "the same ports again, \(words(pause)) after TCP \(old.number)'s last segment",
            frames: [c.file[.originator].syn],
            evidence: [.init("previous", .number(Int64(clamping: old.number))), .init("pause", .span(pause))])
    }
}
