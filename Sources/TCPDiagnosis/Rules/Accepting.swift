// Rules about the accept queue: an open connection that no process has accepted, or that was accepted late.

import TCPModel
import TCPTimeline

extension Rule {
    /// The minimum wait, in nanoseconds, for a client that leaves before it is accepted.
    private static let leastWait = 100 * Span.millisecond

    /// A server's open socket without an inode has never been accepted.
    static let neverAccepted = Rule(.neverAccepted) { c in
        guard let view = c.kernel?.responder, let since = view.unacceptedSince,
            // Text or a FIN from the server proves that a process has the socket: that takes accept(). The tables may
            // have missed it.
            !view.trace.isOwnerExact, !c.file[.responder].lastText.isSeen, !c.file[.responder].fin.isSeen,
            // That finding says how long it had waited.
            c.sideResetWithListener == nil
        else { return nil }
        let waited = c.queueWait ?? max(0, (view.end(of: c.connection) ?? c.now).since(since))
        // The end of the capture does not make a server slow; a client that gives up does.
        guard waited >= (c.isOver && c.connection.isEnded ? leastWait : Span.second) else { return nil }
        // The kernel does not tell which of several listeners has the connection in its queue, so none of them is
        // blamed.
        let isShared = view.listenerCount > 1
        let owner =
            isShared
            ? "the one of \(view.listenerCount) listeners that has it in its queue"
            : c.listenerCrowd.map { "none of \($0)" } ?? view.listenerProcess.map { c.processName($0) } ?? "the server"
        let queued = view.socket?.receiveQueue ?? 0
        // The FIN counts as one octet.
        let hasEnd = view.socket?.state == .closeWait
        let octets = queued - min(queued, hasEnd ? 1 : 0)
        // The listener's own count includes connections that are not traced: the place is known only if there are none.
        let waiting = isShared ? 0 : view.listener?.receiveQueue ?? 0
        let place = view.queueTraced == waiting && !c.connection.isEnded ? view.queuePlace : nil
        let verdict =
            !isShared && view.trouble == .noDescriptors
            ? "cannot accept it"
            : !isShared && c.listenerCrowd != nil
                ? c.connection.isEnded ? "called accept() in that time" : "has called accept()"
                : c.connection.isEnded ? "did not call accept() in that time" : "has not called accept()"
        return Verdict(
            side: .responder,
            message:
                "open for \(words(waited)) but not accepted: \(owner) \(verdict)"
                + (place.map { "; it is number \($0) of \(waiting) in the accept queue" }
                    ?? (waiting > 1 ? "; \(waiting) connections are in the accept queue" : ""))
                + (octets > 0
                    ? "; \(counted(octets, "octet")) from the client "
                        + (c.connection.isEnded ? verb(octets, "was", "were") : verb(octets, "is", "are")) + " unread"
                    : "")
                + (hasEnd ? "; the client has already closed" : "")
                + (isShared ? "" : c.acceptTroubleWords),
            frames: [c.file[.responder].syn],
            evidence: [.init("waited", .span(waited)), .init("rx_queue", .number(Int64(queued)))]
                + (place.map { [.init("position", .number(Int64($0)))] } ?? [])
                + (isShared
                    ? c.listenersEvidence
                    : (view.listener.map { [.init("queued", .number(Int64($0.receiveQueue)))] } ?? [])
                        + c.listenerEvidence + c.acceptTroubleEvidence))
    }

    /// TCP_DEFER_ACCEPT: the kernel ignores a bare final ACK of the handshake, so that accept() returns only clients
    /// that have sent something (`tcp_check_req`). Only a count over all listeners shows it.
    static let acceptDeferred = Rule(.acceptDeferred) { c in
        guard c.host.deferred != nil, let event = c.file.mismatch, event.side == .responder,
            case .contradiction(.synReceived, .established) = event.kind
        else { return nil }
        return Verdict(
            side: .responder,
            message:
                "the server's kernel ignores the handshake's last ACK and stays in SYN_RECEIVED: its listener uses TCP_DEFER_ACCEPT,"
                + " so accept() returns the connection only after the client has sent its first octets",
            frames: [c.file[.originator].syn])
    }

    /// The connection was accepted after all, but late; this supersedes an earlier `neverAccepted`. The readings may
    /// have missed the accept(), but an answer from the server proves that there was one.
    static let acceptedLate = Rule(.acceptedLate) { c in
        guard let view = c.kernel?.responder, let delay = view.acceptDelay(c.connection),
            !c.found.contains(.acceptDeferred)
        else { return nil }
        guard let most = delay.most,
            delay.least >= Span.second || c.found.contains(.neverAccepted) && view.firstAccepted == nil
        else { return nil }
        let process = view.process ?? view.listenerProcess
        let owner = process == nil ? "the server" : c.processName(process)
        return Verdict(
            side: .responder,
            message:
                "\(owner) did not call accept() until \(words(delay.least, to: most)) after the connection was open: until then no"
                + " process on the server could answer the client",
            frames: [c.file[.responder].syn],
            evidence: [.init("waited_least", .span(delay.least)), .init("waited_most", .span(most))]
                + (process.map { [.init("pid", .number(Int64($0.pid))), .init("comm", .text($0.command))] } ?? []))
    }
}

extension Circumstances {
    /// How long the connection has been open to the server's kernel, up to its end at most, in nanoseconds; nil if
    /// unknown.
    var queueWait: Int64? {
        guard let view = kernel?.responder,
            // With TCP_DEFER_ACCEPT, it opens later than its segments suggest.
            let open = view.trace.openedTime ?? (found.contains(.acceptDeferred) ? nil : connection.surelyOpenTime)
        else { return nil }
        return max(0, (view.end(of: connection) ?? now).since(open))
    }

    /// The side that reset the connection because its listener was closed while no process had accepted it.
    var sideResetWithListener: Side? {
        guard let side = resetter, let trace = trace(side), trace.resetReason == .tcpState, trace.resetWithListener,
            wasNeverAccepted(side)
        else { return nil }
        return side
    }

    /// `the 2 processes that hold the listener (nginx[1703], nginx[1704])` where several do, as with workers forked by
    /// a master. The kernel does not tell which of them should accept.
    var listenerCrowd: String? {
        guard let view = kernel?.responder, view.listenerSharerCount > 0, let process = view.listenerProcess else {
            return nil
        }
        let count = view.listenerSharerCount + 1
        let all = names(of: [process] + view.listenerSharers.map(\.process), count: count)
        return "the \(count) processes that hold the listener (\(all))"
    }

    /// `lab-server[7410] accepts too slowly`, naming all holders of the listener if there are several.
    var slownessWords: String {
        listenerCrowd.map { "\($0) accept too slowly" }
            ?? "\(processName(kernel?.responder.listenerProcess)) accepts too slowly"
    }

    /// `lab-server[7410] is not calling accept()`, naming all holders of the listener if there are several.
    var idlenessWords: String {
        listenerCrowd.map { "none of \($0) is calling accept()" }
            ?? "\(processName(kernel?.responder.listenerProcess)) is not calling accept()"
    }

    /// How the listener ended in whose queue the connection waited.
    func listenerEndWords(_ trace: TracedFacts) -> String {
        let process = processName(trace.resetProcess)
        if trace.resetByEnding { return "\(process) exited, which closed its listener" }
        // If the end of the connection's own socket was reported, the listener's end would have been, too.
        guard !trace.isListenerFreed, trace.destroyTime != nil, let view = kernel?.responder,
            let owner = view.listenerProcess
        else {
            return "\(process) closed its listener"
        }
        let holders = [owner] + view.listenerSharers.map(\.process)
        return holders.contains { $0.pid == trace.resetProcess?.pid }
            ? "\(process) shut down its listener (shutdown())"
            : "\(process) destroyed the listener of \(processName(owner)) (SOCK_DESTROY, as ss -K does)"
    }

    /// `after the connection had waited 2.1s in the accept queue; 4 octets that the other side sent are lost`: no
    /// process could read what an unaccepted connection received.
    func unacceptedWords(_ side: Side) -> String {
        let octets = sentText(side.other)
        return
            (queueWait.map { "after the connection had waited \(words($0)) in the accept queue" }
            ?? "while the connection waited in the accept queue")
            + (octets > 0
                ? "; \(counted(octets, "octet")) that \(name(side.other)) sent \(verb(octets, "is", "are")) lost" : "")
    }

    /// `unacceptedWords` as evidence.
    func unacceptedEvidence(_ side: Side) -> [Finding.Evidence] {
        let octets = sentText(side.other)
        return (queueWait.map { [.init("waited", .span($0))] } ?? [])
            + (octets > 0 ? [.init("octets_lost", .number(Int64(clamping: octets)))] : [])
    }

    private func sentText(_ side: Side) -> UInt64 { connection.counters[Int(side.rawValue)].uniqueBytes }

    /// What keeps the processes that should accept from it: of several, each one that is unable to act.
    var acceptTroubleWords: String {
        guard listenerCrowd != nil, let view = kernel?.responder else {
            return troubleWords(.responder, accepting: true)
        }
        return view.troubledSharers.map { troubleWords($0.process, $0.trouble, accepting: true) }.joined()
    }

    /// `acceptTroubleWords` as evidence.
    var acceptTroubleEvidence: [Finding.Evidence] {
        guard listenerCrowd != nil, let view = kernel?.responder else {
            return troubleEvidence(.responder, accepting: true)
        }
        let stopped = view.troubledSharers.filter { $0.trouble != .noDescriptors }
        let poor = view.troubledSharers.filter { $0.trouble == .noDescriptors }
        return
            (stopped.isEmpty
            ? [] : [.init("stopped", .text(names(of: stopped.map(\.process), count: stopped.count)))])
            + (poor.isEmpty
                ? [] : [.init("without_descriptors", .text(names(of: poor.map(\.process), count: poor.count)))])
    }
}
