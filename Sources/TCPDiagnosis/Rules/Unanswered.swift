// Rules about a SYN that got nowhere: refused, unanswered, kept in the accept queue.

import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.10.7.1: a SYN for a port where nobody listens is answered with RST.
    static let refused = Rule(.refused) { c in
        guard c.connection.facts.contains(.refused) else { return nil }
        let server = c.address(.responder)
        let cause: String
        if c.trace(.responder)?.dropReason == "NETFILTER_DROP" {
            cause =
                "a firewall rule on this host (nftables, iptables) rejects SYNs for \(server) with RST; connect() fails with"
                + " ECONNREFUSED"
        } else if let listener = c.kernel?.responder.listener {
            cause =
                "a RST refused the SYN although a socket listens on \(listener.local): a firewall rule, or a listener that"
                + " was opened later"
        } else if c.resetReason(.responder) == "NO_SOCKET" || c.kernel?.responder.hasNoSocket == true {
            cause = "nobody listens on \(server); connect() fails with ECONNREFUSED"
        } else {
            cause = "nobody listens on \(server), or a firewall answers for it; connect() fails with ECONNREFUSED"
        }
        return Verdict(
            side: .responder, message: cause, frames: [c.file[.originator].syn, c.file[.responder].reset],
            evidence: (c.resetReason(.responder).map { [.init("reset_reason", .text($0.text))] } ?? [])
                + (c.trace(.responder)?.dropReason == "NETFILTER_DROP" ? c.dropEvidence(.responder) : []))
    }

    /// A SYN that a full accept queue drops is dropped in silence (`tcp_abort_on_overflow` changes only the third segment's fate).
    static let acceptQueueFull = Rule(.acceptQueueFull) { c in
        if let verdict = c.queueWasFull { return verdict }
        guard c.isUnanswered, let listener = c.fullListener else { return nil }
        let owner = c.processName(c.kernel?.responder.listenerProcess)
        let backlog = listener.backlog ?? 0
        return Verdict(
            side: .responder,
            message:
                "\(count(c.file[.originator].synCount, "SYN")) got no answer: \(count(listener.receiveQueue, "connection"))"
                + " wait in the accept queue of \(listener.local)\(backlog > 0 ? " (backlog \(backlog))" : "")"
                + ", and \(owner) does not call accept()",
            frames: [c.file[.originator].syn, c.file[.originator].lastSyn],
            evidence: [.init("queued", .number(Int64(listener.receiveQueue)))]
                + (backlog > 0 ? [.init("backlog", .number(Int64(backlog)))] : []) + c.listenerEvidence)
    }

    /// Silence: no RST, no ICMP, no SYN-ACK.
    static let synUnanswered = Rule(.synUnanswered) { c in
        guard c.isUnanswered, c.fullListener == nil, !c.found.contains(.acceptQueueFull) else { return nil }
        let record = c.file[.originator]
        let cause: String
        if let icmp = c.file.icmp {
            let rule = c.trace(.responder)?.dropReason == "NETFILTER_DROP"
            cause =
                "\(icmp.error.sender) said \(icmp.error.kind.displayName) (frame \(icmp.frame))"
                + (rule ? ", because of a firewall rule on this host (nftables, iptables)" : "")
        } else if let trace = c.trace(.responder), let reason = trace.dropReason {
            cause =
                "this host's kernel dropped \(trace.drops >= record.synCount ? "all of them" : "\(trace.drops)"):"
                + " \(dropMeaning(reason))"
        } else if c.kernel?.responder.listener != nil {
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
                + " \(c.address(.responder)): \(cause)\(c.errnoWords)",
            frames: [record.syn, record.lastSyn],
            evidence: [.init("syns", .number(Int64(record.synCount)))] + c.dropEvidence(.responder) + c.errnoEvidence)
    }

    /// A server's socket that is open and has no inode has never been accepted.
    static let neverAccepted = Rule(.neverAccepted) { c in
        guard let view = c.kernel?.responder, let since = view.unacceptedSince,
            // Who acts on the socket has it: nobody sends or closes before accept(). The tables may have missed that.
            !view.trace.isOwnerExact, !c.file[.responder].lastText.isSeen, !c.file[.responder].fin.isSeen
        else { return nil }
        let waited = c.now.since(since)
        guard waited >= Span.second || c.isOver else { return nil }
        let owner = view.listenerProcess.map { "\($0.command)[\($0.pid)]" } ?? "the server"
        let queued = view.socket?.receiveQueue ?? 0
        // The FIN counts as one octet.
        let hasEnd = view.socket?.state == .closeWait
        let octets = queued - min(queued, hasEnd ? 1 : 0)
        // The listener's own count has those, too, that are not traced.
        let waiting = view.listener?.receiveQueue ?? 0
        let place = view.queuePlace.flatMap { $0 <= waiting ? $0 : nil }
        return Verdict(
            side: .responder,
            message: "open for \(words(waited)) and not accepted: \(owner) has not called accept() for it"
                + (place.map { "; number \($0) of \(waiting) in its queue" } ?? "")
                + (octets > 0 ? "; \(count(octets, "octet")) of the client wait" : "")
                + (hasEnd ? "; the client has closed meanwhile" : ""),
            frames: [c.file[.responder].syn],
            evidence: [.init("waited", .span(waited)), .init("rx_queue", .number(Int64(queued)))]
                + (place.map { [.init("position", .number(Int64($0)))] } ?? [])
                + (view.listener.map { [.init("queued", .number(Int64($0.receiveQueue)))] } ?? []) + c.listenerEvidence)
    }
}

extension Circumstances {
    /// The process that should call accept().
    var listenerEvidence: [Finding.Evidence] {
        guard let process = kernel?.responder.listenerProcess else { return [] }
        return [.init("pid", .number(Int64(process.pid))), .init("comm", .text(process.command))]
    }

    /// The listener whose accept queue has no room for one more: it holds more than its backlog (sock_diag tells that), or where
    /// the backlog is not known, anything at all.
    var fullListener: KernelSocket? {
        guard let listener = kernel?.responder.listener, listener.receiveQueue > 0,
            listener.receiveQueue > listener.backlog ?? 0
        else { return nil }
        return listener
    }

    /// The queue was full when the SYN came, and is not any more: the SYN was sent again meanwhile, and answered or not.
    var queueWasFull: Verdict? {
        guard fullListener == nil, let overflows, let listener = kernel?.responder.listener,
            file[.originator].synCount > 1 || isUnanswered, trace(.responder)?.drops ?? 0 == 0
        else { return nil }
        let owner = processName(kernel?.responder.listenerProcess)
        // Linux sends a SYN again after a second: what came sooner was sent again for another reason.
        let wait = connection.synAckDelay
        guard wait < 0 || wait >= 900 * Span.millisecond, staleChallenge == nil else { return nil }
        // The overflows are the whole host's; the listener's own count says whether they were its own, if it was read before.
        let refusals = kernel?.responder.listenerRefusals
        guard refusals != 0 else { return nil }
        return Verdict(
            side: .responder,
            message:
                "the SYN was \(refusals == nil ? "probably " : "")dropped while the accept queue of \(listener.local) was full ("
                + (refusals.map { "it refused \(count($0, "segment")) since" }
                    ?? "\(count(overflows, "overflow")) on this host in that moment")
                + "): \(owner) accepts too slowly"
                + (wait >= 0
                    ? "; it was let in \(words(wait)) late, by SYN number \(file[.originator].synCount)"
                    : "; \(count(file[.originator].synCount, "SYN")) got no answer"),
            frames: [file[.originator].syn, file[.originator].lastSyn],
            evidence: [.init("overflows", .number(Int64(clamping: overflows)))]
                + (refusals.map { [.init("refused_by_listener", .number(Int64($0)))] } ?? [])
                + (listener.backlog.map { [.init("backlog", .number(Int64($0)))] } ?? []) + listenerEvidence)
    }

    /// Whether SYNs have waited a second or more for any answer.
    var isUnanswered: Bool {
        connection.outcome == .noAnswer && file[.originator].syn.isSeen
            && (isOver || since(file[.originator].syn) >= Span.second)
    }
}
