// Rules about a SYN that got nowhere: refused, unanswered, kept in the accept queue.

import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.10.7.1: a SYN for a port where nobody listens is answered with RST.
    static let refused = Rule(.refused) { c in
        guard c.connection.facts.contains(.refused) else { return nil }
        let server = c.address(.responder)
        let cause: String
        if let listener = c.kernel?.responder.listener {
            cause =
                "a RST refused the SYN although a socket listens on \(listener.local): a firewall rule, or a listener that"
                + " was opened later"
        } else if c.kernel?.responder.hasNoSocket == true {
            cause = "nobody listens on \(server); connect() fails with ECONNREFUSED"
        } else {
            cause = "nobody listens on \(server), or a firewall answers for it; connect() fails with ECONNREFUSED"
        }
        return Verdict(side: .responder, message: cause, frames: [c.file[.originator].syn, c.file[.responder].reset])
    }

    /// A SYN that a full accept queue drops is dropped in silence (`tcp_abort_on_overflow` changes only the third segment's fate).
    static let acceptQueueFull = Rule(.acceptQueueFull) { c in
        guard c.isUnanswered, let listener = c.kernel?.responder.listener, listener.receiveQueue > 0 else { return nil }
        let owner = c.kernel?.responder.listenerProcess.map { "\($0.command)[\($0.pid)]" } ?? "its process"
        return Verdict(
            side: .responder,
            message:
                "\(count(c.file[.originator].synCount, "SYN")) got no answer: \(count(listener.receiveQueue, "connection"))"
                + " wait in the accept queue of \(listener.local), and \(owner) does not call accept()",
            frames: [c.file[.originator].syn, c.file[.originator].lastSyn],
            evidence: [.init("queued", .number(Int64(listener.receiveQueue)))])
    }

    /// Silence: no RST, no ICMP, no SYN-ACK.
    static let synUnanswered = Rule(.synUnanswered) { c in
        guard c.isUnanswered, !(c.kernel?.responder.listener.map { $0.receiveQueue > 0 } ?? false) else { return nil }
        let record = c.file[.originator]
        let cause: String
        if c.kernel?.responder.listener != nil {
            cause =
                "somebody listens there and its queue is empty: the SYN was dropped on the way up (firewall, SYN queue, MD5 or AO)"
        } else if c.kernel?.responder.isLocal == true {
            cause = "nobody listens there, and no RST came: a firewall on this host drops it"
        } else {
            cause = "the host is down, the way there is cut, or a firewall drops it in silence"
        }
        return Verdict(
            side: .originator,
            message: "\(count(record.synCount, "SYN")) in \(words(c.now.since(record.syn.time))) got no answer from"
                + " \(c.address(.responder)): \(cause)",
            frames: [record.syn, record.lastSyn], evidence: [.init("syns", .number(Int64(record.synCount)))])
    }

    /// A server's socket that is open and has no inode has never been accepted.
    static let neverAccepted = Rule(.neverAccepted) { c in
        guard let view = c.kernel?.responder, let since = view.unacceptedSince else { return nil }
        let waited = c.now.since(since)
        guard waited >= Span.second || c.isOver else { return nil }
        let owner = view.listenerProcess.map { "\($0.command)[\($0.pid)]" } ?? "the server"
        let queued = view.socket.map { Int64($0.receiveQueue) } ?? 0
        return Verdict(
            side: .responder,
            message: "open for \(words(waited)) and not accepted: \(owner) has not called accept() for it",
            frames: [c.file[.responder].syn],
            evidence: [.init("waited", .span(waited)), .init("rx_queue", .number(queued))])
    }
}

extension Circumstances {
    /// Whether SYNs have waited a second or more for any answer.
    var isUnanswered: Bool {
        connection.outcome == .noAnswer && file[.originator].syn.isSeen
            && (isOver || since(file[.originator].syn) >= Span.second)
    }
}
