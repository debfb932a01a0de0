// Rules about a SYN without success: refused, unanswered, dropped by a full queue, or its answer lost.

import TCPMachine
import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.10.7.1: a SYN for a port without a listener is answered with a RST.
    static let refused = Rule(.refused) { c in
        if let verdict = c.refusedUnseen { return verdict }
        guard c.connection.facts.contains(.refused) else { return nil }
        let server =
            c.address(.responder)
            + (c.called.map { ", to which the client's host redirects \($0) (REDIRECT, DNAT)" } ?? "")
        let cause: String
        if c.trace(.responder)?.dropReason == .netfilterDrop {
            cause =
                "a firewall rule on this host (nftables, iptables) rejects SYNs for \(server) with RST; connect() fails with"
                + " ECONNREFUSED"
        } else if let listener = c.kernel?.responder.listener, c.resetReason(.responder) != .noSocket {
            cause =
                "a RST refused the SYN although a socket listens on \(listener.local): a firewall rule sent it, or the listener"
                + " was opened later"
        } else if c.resetReason(.responder) == .noSocket || c.kernel?.responder.hasNoSocket == true {
            cause = "nothing listens on \(server)\(c.elsewhereWords); connect() fails with ECONNREFUSED"
        } else {
            cause =
                "nothing listens on \(server), or a firewall answers in its place; connect() fails with ECONNREFUSED"
        }
        return Verdict(
            side: .responder,
            message: cause + c.uncapturedWords(.responder),
            frames: [c.file[.originator].syn, c.file[.responder].reset],
            evidence: (c.resetReason(.responder).map { [.init("reset_reason", .text($0.text))] } ?? [])
                + (c.called.map { [.init("called", .text($0.description))] } ?? [])
                + (c.trace(.responder)?.dropReason == .netfilterDrop ? c.dropEvidence(.responder) : []))
    }

    /// A full accept queue drops SYNs silently (`tcp_abort_on_overflow` only affects the third segment of a handshake).
    static let acceptQueueFull = Rule(.acceptQueueFull) { c in
        if let verdict = c.lostBehindCookie ?? c.queueWasFull { return verdict }
        guard c.isUnanswered, let listener = c.fullListener else { return nil }
        let wasFull = c.kernel?.responder.hadFullQueue == true
        return Verdict(
            side: .responder,
            message:
                "\(counted(c.file[.originator].synCount, "SYN")) got no answer: \(counted(listener.receiveQueue, "connection"))"
                + " \(wasFull ? verb(listener.receiveQueue, "was waiting", "were waiting") : verb(listener.receiveQueue, "waits", "wait")) in the accept queue of \(listener.local)"
                + (listener.backlog.map { " (backlog \($0))" } ?? "") + c.oneOfListeners
                + (wasFull ? " at that time: \(c.slownessWords)" : ", and \(c.idlenessWords)\(c.acceptTroubleWords)"),
            frames: [c.file[.originator].syn, c.file[.originator].lastSyn],
            evidence: [.init("queued", .number(Int64(listener.receiveQueue)))]
                + (listener.backlog.map { [.init("backlog", .number(Int64($0)))] } ?? []) + c.listenersEvidence
                + c.listenerEvidence + (wasFull ? [] : c.acceptTroubleEvidence))
    }

    /// Neither a RST nor a SYN-ACK: silence, or an ICMP error.
    static let synUnanswered = Rule(.synUnanswered) { c in
        guard c.isUnanswered, c.fullListener == nil, !c.found.contains(.acceptQueueFull) else { return nil }
        let record = c.file[.originator]
        let syns = counted(record.synCount, "SYN")
        let message: String
        if let icmp = c.file.icmp, icmp.side == .originator {
            message =
                "\(syns) got no answer from \(c.address(.responder)) except \(c.icmpWords(icmp))\(c.outcomeWords(of: icmp))"
        } else {
            message =
                "\(syns)\(record.synCount > 1 ? " in \(words(record.lastSyn.time.since(record.syn.time)))" : "")"
                + " got no answer from \(c.address(.responder))"
                + (c.file[.responder].firstReset.isSeen ? " except RSTs that acknowledge nothing:" : "\(c.waitWords):")
                + " \(c.silenceWords)\(c.errnoWords)\(c.ownTimeoutWords)"
        }
        return Verdict(
            side: .originator, message: message,
            frames: [record.syn, record.lastSyn]
                + (c.file.icmp.map { [Sighting(frame: $0.frame, time: $0.time)] } ?? []),
            evidence: [.init("syns", .number(Int64(record.synCount)))] + c.icmpEvidence + c.openingDropEvidence
                + c.errnoEvidence + c.ownTimeoutEvidence)
    }

    /// The capture has the SYN-ACK, but the client keeps sending SYNs: the answer does not reach it.
    static let synAckLost = Rule(.synAckLost) { c in
        guard c.isAnswerLost else { return nil }
        let (client, server) = (c.file[.originator], c.file[.responder])
        let end = client.synCount > 1 ? max(client.lastSyn.time, server.lastSyn.time) : c.openingEnd
        let cause: String
        if let trace = c.trace(.originator), trace.drops > 0, let reason = trace.dropReason {
            cause = "this host's kernel drops them: \(dropMeaning(reason))"
        } else if c.kernel?.originator.isLocal == true {
            cause = "something on this host drops them between the capture point and TCP, such as a firewall rule"
        } else {
            cause = "they are dropped on the path back, or by the client's firewall"
        }
        return Verdict(
            side: .originator,
            message:
                "the server answered, but its SYN-ACKs do not reach \(c.name(.originator)), which keeps sending SYNs"
                + " (\(counted(client.synCount, "SYN")), \(counted(server.synAckCount, "SYN-ACK")) in"
                + " \(words(end.since(client.syn.time)))): \(cause)\(c.errnoWords)",
            frames: [client.syn, server.syn] + (client.synCount > 1 ? [client.lastSyn] : []),
            evidence: [
                .init("syns", .number(Int64(client.synCount))), .init("syn_acks", .number(Int64(server.synAckCount))),
            ] + c.dropEvidence(.originator) + c.errnoEvidence)
    }
}

extension Circumstances {
    /// When the client stopped sending SYNs, as far as the kernel reports it; otherwise now.
    fileprivate var openingEnd: Timestamp {
        let drop = file.dropped.first { $0.side == .originator }?.time
        return min(now, trace(.originator)?.destroyTime ?? drop ?? now)
    }

    /// How long nothing came after the last SYN, as a part of the sentence; empty if the attempt or the capture ended
    /// with it.
    fileprivate var waitWords: String {
        let wait = openingEnd.since(file[.originator].lastSyn.time)
        guard wait >= Span.millisecond else { return "" }
        return file[.originator].synCount == 1 ? " in \(words(wait))" : " in the \(words(wait)) after the last one"
    }

    /// Why no answer came back, as far as this host's kernel knows.
    fileprivate var silenceWords: String {
        let drop = openingDrop
        if resetReason(.responder) == .noSocket {
            return "nothing listens there, and the RST that says so "
                + (drop.map { "never left: this host's kernel dropped it (\(dropMeaning($0.reason)))" }
                    ?? "was not captured: a filter or the direction (-Q) left it out, it never left this host, or a NAT on this host (REDIRECT,"
                    + " DNAT) gave it another address")
        }
        if kernel?.responder.answeredSyn == true {
            return "the SYNs arrived, since the server's kernel was in SYN_RECEIVED; its SYN-ACKs were "
                + (drop.map { "dropped on their way out: \(dropMeaning($0.reason))" }
                    ?? (file.icmp.map { "not captured: \(icmpWords($0))" }
                        ?? "not captured: dropped on their way out (a firewall, or no answer to ARP), or sent by another path"))
        }
        if let drop, trace(.originator)?.drops ?? 0 > 0 {
            return "this host's kernel dropped the answers to them: \(dropMeaning(drop.reason))"
        }
        if let drop {
            return
                "this host's kernel dropped \(drop.count >= file[.originator].synCount ? "all of them" : "\(drop.count) of them"):"
                + " \(dropMeaning(drop.reason))\(otherNamespaceWords(drop.reason))\(trackingWords)"
        }
        if let listener = kernel?.responder.listener { return "\(roomWords(listener)): \(listenerSilenceWords)" }
        if kernel?.responder.isLocal == true {
            return "nothing listens there, and no RST came back: a firewall on this host drops it"
        }
        if [.accessDenied, .networkUnreachable, .hostUnreachable].contains(trace(.originator)?.errno) {
            return
                "the client's kernel received an ICMP error, or a host on the way does not answer ARP; that was not captured (a filter"
                + " such as port 9500 leaves ICMP out)"
        }
        let causes = "a firewall drops it silently, the host is down or unreachable, or its accept queue is full"
        if mayLackAnswers {
            return
                "no answer to any SYN was captured, so a filter or the capture point may have left it out; otherwise \(causes)"
        }
        // Every TCP retransmits its SYN after one second (RFC 6298 2.1), some after three.
        if file[.originator].synCount == 1, openingEnd.since(file[.originator].syn.time) > 4 * Span.second {
            return
                "it was not retransmitted, as an unanswered SYN would be: the answer was not captured, or the caller gave up; otherwise \(causes)"
        }
        return causes
    }

    /// Why a listener with room does not answer. SYNs in the listener's own count did reach it: TCP itself drops a SYN
    /// if the SYN queue is full and cookies are off, or if there is no route back (`tcp_conn_request`), and no event
    /// reports that.
    private var listenerSilenceWords: String {
        let later = kernel?.responder.laterRefusals ?? 0
        let refusals = max(kernel?.responder.listenerRefusals ?? 0, later)
        guard refusals > 0 else {
            return "the SYN was dropped on its way to the socket (firewall, SYN queue, no route back, MD5 or AO)"
        }
        let settings = "net.ipv4.tcp_max_syn_backlog, tcp_syncookies"
        return
            "the SYN reached the listener, which dropped it (its drop count rose by \(refusals)): "
            + (host.crowded.map {
                "\(counted($0, "SYN")) found a full SYN queue on this host in that time, and SYN cookies are off (\(settings))"
            }
                ?? "this host has no route to \(connection.address(.originator).address), or SYN cookies are off and"
                + " its SYN queue is nearly full (\(settings))")
    }

    /// The rule may be in the network namespace of a container or router: the SYN was captured on its way out, and no
    /// event identifies the namespace.
    private func otherNamespaceWords(_ reason: KernelWord) -> String {
        guard reason == .netfilterDrop, kernel?.responder.isLocal == false, kernel?.originator.isLocal == true else {
            return ""
        }
        return ", in this network namespace or in another one that the SYNs pass through"
    }

    /// Reports that connection tracking dropped packets in the meantime, for lack of room or memory
    /// (`nf_conntrack_in`).
    private var trackingWords: String {
        guard let dropped = host.untracked else { return "" }
        return
            ", or rather its connection tracking, which dropped \(counted(dropped, "packet")) in that time: its table is full"
            + " (net.netfilter.nf_conntrack_max)"
    }

    /// The segments of the handshake that the kernel dropped, SYNs or their answers; nil if there were none.
    var openingDrop: (reason: KernelWord, count: UInt32)? {
        // A missing listener is not a drop: the SYN is answered with a RST.
        let traces = [trace(.responder), trace(.originator)].compactMap { $0 }
            .filter { $0.drops > 0 && $0.dropReason != .noSocket }
        guard let reason = traces.first?.dropReason else { return nil }
        return (reason, traces.reduce(0) { $0 + $1.drops })
    }

    /// Why the answer came only after the client's program had given up.
    var latenessWords: String {
        openingDrop.map {
            "this host's kernel had dropped \(counted($0.count, "segment")) of the handshake: \(dropMeaning($0.reason))"
        } ?? "its own timeout is shorter than the round trip"
    }

    /// `openingDrop` as evidence.
    var openingDropEvidence: [Finding.Evidence] {
        guard let openingDrop else { return [] }
        return [
            .init("drop_reason", .text(openingDrop.reason.text)), .init("drops", .number(Int64(openingDrop.count))),
        ]
    }

    /// The shortest time in nanoseconds before a SYN is retransmitted: RFC 6298 2.1 requires a second, some hosts are
    /// quicker.
    private static let openingTimeout = 200 * Span.millisecond

    /// Whether the server's answer was captured but did not reach the client, which repeats its SYN or whose kernel
    /// shows it.
    var isAnswerLost: Bool {
        guard connection.openDelay < 0, file[.responder].synAckCount > 0, file[.originator].syn.isSeen,
            !connection.facts.contains(.originatorMoreThanSyn), !connection.facts.contains(.reset),
            !connection.isSelfConnect, !connection.responder.openedActively,
            // A server that acknowledges more than the SYN has heard the client, and the client has heard the server.
            !hasAnsweredMore
        else { return false }
        if kernel?.originator.contradiction == .synSent { return true }
        // A single SYN that was captured after its own answer is merely out of order, unless enough time passed for a
        // retransmission timer.
        let client = file[.originator]
        guard client.synCount > 1 || client.lastSyn.time.since(file[.responder].syn.time) >= Self.openingTimeout else {
            return false
        }
        // On a long path, one more SYN may cross the answer; two SYNs, or three seconds, are more than any path
        // explains.
        return client.synsAfterAnswer > 1
            || client.synsAfterAnswer > 0 && since(file[.responder].syn) >= 3 * Span.second
    }

    /// Whether the server has acknowledged more than the SYN, which shows that the handshake completed, captured or
    /// not.
    private var hasAnsweredMore: Bool {
        let answered = file[.originator].acknowledged
        return file[.responder].last.frame != file[.responder].lastSyn.frame && answered > 1 + file.synText
    }

    /// A connection that consists only of a RST with the numbers of an answer to a SYN (RFC 9293 3.10.7.1: SEG.SEQ is
    /// 0): the SYN was not captured. If its client is on this host and the server's kernel sent no RST, the SYN never
    /// reached the interface.
    var refusedUnseen: Verdict? {
        let refuser: Side? = connection.facts.contains(.refused) ? .responder : resetter
        guard let side = refuser, file[side].resetHadAck, connection.firstSequence == SequenceNumber(0),
            !connection.facts.contains(.synSeen), !connection.facts.contains(.synAckSeen),
            !file[side.other].last.isSeen
        else { return nil }
        let own = address(side)
        let cause: String
        if resetReason(side) == .noSocket {
            cause = "nothing listens on \(own); the SYN was not captured"
        } else if let trace = trace(side.other), trace.entered.contains(.init(.synSent)) {
            cause =
                "a firewall rule on this host (nftables, iptables) rejects outgoing SYNs for \(own) with RST, or a NAT there"
                + " (REDIRECT, DNAT) sends them elsewhere, where nothing listens: the SYN was not captured with this address"
        } else {
            cause = "nothing listens on \(own), or a firewall answers in its place; the SYN was not captured"
        }
        return Verdict(
            side: side, message: "\(cause); connect() fails with ECONNREFUSED", frames: [file[side].reset],
            evidence: resetReason(side).map { [.init("reset_reason", .text($0.text))] } ?? [])
    }

    /// `, but lab-server[7] listens on 127.0.0.1:9500`, naming one of possibly several listeners.
    var elsewhereWords: String {
        guard let listener = kernel?.responder.elsewhere else { return "" }
        let process = kernel?.responder.elsewhereProcess
        return ", but \(process.map { "\($0.command)[\($0.pid)]" } ?? "a process") listens on \(listener.local)"
    }

    /// The processes that should call accept(), as evidence.
    var listenerEvidence: [Finding.Evidence] {
        guard let view = kernel?.responder, let process = view.listenerProcess else { return [] }
        if view.listenerSharerCount > 0 {
            let all = [process] + view.listenerSharers.map(\.process)
            return [.init("holders", .text(names(of: all, count: view.listenerSharerCount + 1)))]
        }
        return [.init("pid", .number(Int64(process.pid))), .init("comm", .text(process.command))]
    }

    /// The listener whose accept queue is full; one of them if several share the address.
    var fullListener: KernelSocket? { kernel?.responder.listener.flatMap { $0.isFull ? $0 : nil } }

    /// `, one of 2 listeners there` where several share the address (SO_REUSEPORT).
    var oneOfListeners: String {
        guard let count = kernel?.responder.listenerCount, count > 1 else { return "" }
        return ", one of \(count) listeners there"
    }

    /// `oneOfListeners` as evidence.
    var listenersEvidence: [Finding.Evidence] {
        guard let count = kernel?.responder.listenerCount, count > 1 else { return [] }
        return [.init("listeners", .number(Int64(count)))]
    }

    /// States that a full queue is not the reason for the silence.
    func roomWords(_ listener: KernelSocket) -> String {
        if let count = kernel?.responder.listenerCount, count > 1 {
            return "one of \(count) listeners there should take it, and none of their queues is full"
        }
        guard listener.receiveQueue > 0 else { return "a process listens there, and its accept queue is empty" }
        return
            "a process listens there, and its accept queue has room (\(listener.receiveQueue) of \(listener.backlog ?? 0))"
    }

    /// The accept queue was full when the handshake's last ACK came. With a SYN cookie the server had stored nothing
    /// before, and stores nothing now (`tcp_v4_syn_recv_sock`): the client has a connection that its server does not
    /// have.
    fileprivate var lostBehindCookie: Verdict? {
        guard let view = kernel?.responder, view.isRead, view.isLocal, view.socket == nil,
            view.trace.transitions == 0,
            case let isMissing = state(.responder) == .listen,
            // A cookie comes back later if a rule drops the first copies: then the listener's own count tells.
            host.cookies != nil || isMissing && view.laterRefusals > 0,
            let listener = fullListener ?? (host.overflows == nil && !isMissing ? nil : view.listener),
            // The server does not react to what the client sends, or its kernel has no such socket.
            connection.openDelay >= 0, isMissing || file[.originator].repeated.isSeen,
            !file[.responder].lastText.isSeen,
            !file[.responder].lastSyn.isSeen || file[.responder].last.frame == file[.responder].lastSyn.frame
        else { return nil }
        return Verdict(
            side: .responder,
            message:
                "the accept queue of \(listener.local) was full"
                + (listener.backlog.map { " (backlog \($0))" } ?? "") + oneOfListeners
                + " when \(host.cookies == nil ? "the client's retransmission" : "the handshake's last ACK") came, and the server then keeps"
                + " nothing of a connection opened with a SYN cookie: the client has a connection that its server does not have;"
                + " \(slownessWords)" + acceptTroubleWords
                + (view.trace.dropReason == .netfilterDrop ? dropWords(.responder) : ""),
            frames: [file[.originator].syn, file[.originator].repeated],
            evidence: [.init("queued", .number(Int64(listener.receiveQueue)))]
                + (listener.backlog.map { [.init("backlog", .number(Int64($0)))] } ?? []) + listenersEvidence
                + listenerEvidence + acceptTroubleEvidence)
    }

    /// The queue was full when the SYN came but no longer is: the SYN was retransmitted since, whether or not it was
    /// answered.
    var queueWasFull: Verdict? {
        // The connection that was let in may have filled the queue again.
        let wait = connection.synAckDelay
        guard fullListener == nil || wait >= 0, let overflows = host.overflows,
            let listener = kernel?.responder.listener,
            file[.originator].synCount > 1 || isUnanswered, openingDrop == nil
        else { return nil }
        // Linux retransmits a SYN after one second: an earlier repeat had another cause.
        guard wait < 0 || wait >= 900 * Span.millisecond, staleChallenge == nil else { return nil }
        // The overflows are those of the whole host; the listener's own count, if read before, shows whether they were
        // its own.
        let refusals = kernel?.responder.listenerRefusals
        guard refusals != 0 else { return nil }
        return Verdict(
            side: .responder,
            message:
                "the SYN was \(refusals == nil ? "probably " : "")dropped while the accept queue of \(listener.local) was full\(oneOfListeners) ("
                + (refusals.map { "it has refused \(counted($0, "segment")) since then" }
                    ?? "\(counted(overflows, "overflow")) on this host at that moment")
                + "): \(slownessWords)"
                + (wait >= 0
                    ? "; the connection was let in \(words(wait)) late, by SYN number \(file[.originator].synCount)"
                    : "; \(counted(file[.originator].synCount, "SYN")) got no answer"),
            frames: [file[.originator].syn, file[.originator].lastSyn],
            evidence: [.init("overflows", .number(Int64(clamping: overflows)))]
                + (refusals.map { [.init("refused_by_listener", .number(Int64($0)))] } ?? [])
                + (listener.backlog.map { [.init("backlog", .number(Int64($0)))] } ?? []) + listenersEvidence
                + listenerEvidence)
    }

    /// Whether the answer may have been left out of the capture: it has no answer to any SYN, and nothing shows that
    /// this one had none.
    private var mayLackAnswers: Bool { !showsAnswers && connection.mayLackAnswer(kernel) }

    /// Whether SYNs have gone unanswered for a second or more, the time after which a sender retransmits (RFC 6298
    /// 2.1). While nothing explains the silence, wait longer for an explanation: Linux notices only after three seconds
    /// that an address does not answer on a link (ARP, RFC 4861 10). If the capture ends sooner, that is no silence,
    /// unless it is known why no answer will come.
    var isUnanswered: Bool {
        // An answer that was not captured counts as one.
        guard connection.outcome == .noAnswer, file[.originator].syn.isSeen, !wasOpened else { return false }
        // A SYN also counts as unanswered if its program did not wait longer, provided that no nearby link takes that
        // long.
        let isExplained =
            file.icmp != nil || openingDrop != nil || fullListener != nil || ownTimeout ?? 0 >= Self.openingTimeout
        let patience = isOver || isExplained ? Span.second : 3300 * Span.millisecond
        if since(file[.originator].syn) >= patience { return true }
        return isOver && (file[.originator].synCount > 1 || isExplained)
    }
}
