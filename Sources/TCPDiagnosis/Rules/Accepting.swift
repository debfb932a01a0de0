// Rules about the accept queue: a connection that is open, and that no process has, or had late.

import TCPModel
import TCPTimeline

extension Rule {
    /// How long a client that leaves before anybody has accepted it must have waited, in nanoseconds.
    private static let leastWait = 100 * Span.millisecond

    /// A server's socket that is open and has no inode has never been accepted.
    static let neverAccepted = Rule(.neverAccepted) { c in
        guard let view = c.kernel?.responder, let since = view.unacceptedSince,
            // Who acts on the socket has it: nobody sends or closes before accept(). The tables may have missed that.
            !view.trace.isOwnerExact, !c.file[.responder].lastText.isSeen, !c.file[.responder].fin.isSeen
        else { return nil }
        // From when it surely was open, which is before the first reading; and not for longer than it lived.
        let begin = c.found.contains(.acceptDeferred) ? since : c.connection.surelyOpenTime ?? since
        let waited = max(0, (c.connection.isEnded ? c.connection.lastTime : c.now).since(begin))
        // That a capture ends sooner does not make a server slow; that the client had enough does.
        guard waited >= (c.isOver && c.connection.isEnded ? leastWait : Span.second) else { return nil }
        // Which of several listeners has it in its queue nobody tells: nobody is to be blamed for another's.
        let isShared = view.listenerCount > 1
        let owner =
            isShared
            ? "whichever of \(view.listenerCount) listeners has it in its queue"
            : c.listenerCrowd.map { "none of \($0)" } ?? view.listenerProcess.map { c.processName($0) } ?? "the server"
        let queued = view.socket?.receiveQueue ?? 0
        // The FIN counts as one octet.
        let hasEnd = view.socket?.state == .closeWait
        let octets = queued - min(queued, hasEnd ? 1 : 0)
        // The listener's own count has those, too, that are not traced: the place is known only where there are none.
        let waiting = isShared ? 0 : view.listener?.receiveQueue ?? 0
        let place = view.queueTraced == waiting && !c.connection.isEnded ? view.queuePlace : nil
        let verdict =
            !isShared && view.trouble == .noDescriptors
            ? "cannot accept it"
            : !isShared && c.listenerCrowd != nil
                ? c.connection.isEnded ? "called accept() in that time" : "has called accept() for it"
                : c.connection.isEnded ? "did not call accept() in that time" : "has not called accept() for it"
        return Verdict(
            side: .responder,
            message:
                "open for \(words(waited)) and not accepted: \(owner) \(verdict)"
                + (place.map { "; number \($0) of \(waiting) in its queue" }
                    ?? (waiting > 1 ? "; \(waiting) are in its queue" : ""))
                + (octets > 0
                    ? "; \(counted(octets, "octet")) of the client"
                        + (c.connection.isEnded ? " waited" : " \(verb(octets, "waits", "wait"))") : "")
                + (hasEnd ? "; the client has closed meanwhile" : "")
                + (isShared ? "" : c.acceptTroubleWords),
            frames: [c.file[.responder].syn],
            evidence: [.init("waited", .span(waited)), .init("rx_queue", .number(Int64(queued)))]
                + (place.map { [.init("position", .number(Int64($0)))] } ?? [])
                + (isShared
                    ? c.listenersEvidence
                    : (view.listener.map { [.init("queued", .number(Int64($0.receiveQueue)))] } ?? [])
                        + c.listenerEvidence + c.acceptTroubleEvidence))
    }

    /// TCP_DEFER_ACCEPT: a bare last ACK of the handshake is not heeded, so that accept() gives out only who has said something
    /// (`tcp_check_req`). Only the count of all listeners tells.
    static let acceptDeferred = Rule(.acceptDeferred) { c in
        guard c.host.deferred != nil, let event = c.file.mismatch, event.side == .responder,
            case .contradiction(.synReceived, .established) = event.kind
        else { return nil }
        return Verdict(
            side: .responder,
            message:
                "the server's kernel ignores the handshake's last ACK and stays in SYN_RECEIVED: its listener waits for the client's"
                + " first octets (TCP_DEFER_ACCEPT), and accept() returns the connection only then",
            frames: [c.file[.originator].syn])
    }

    /// It was accepted after all, late: where `neverAccepted` was told before, that does not hold any more. Readings may have missed
    /// it, but not that the server answered: nobody does before accept().
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
                "\(owner) called accept() only \(words(delay.least, to: most)) after the connection was open: until then nothing"
                + " on the server could answer the client",
            frames: [c.file[.responder].syn],
            evidence: [.init("waited_least", .span(delay.least)), .init("waited_most", .span(most))]
                + (process.map { [.init("pid", .number(Int64($0.pid))), .init("comm", .text($0.command))] } ?? []))
    }
}

extension Circumstances {
    /// `the 2 processes that hold the listener (nginx[1703], nginx[1704])` where several do, as workers that a master forks: which of
    /// them is to accept nobody tells.
    var listenerCrowd: String? {
        guard let view = kernel?.responder, view.listenerSharerCount > 0, let process = view.listenerProcess else {
            return nil
        }
        let count = view.listenerSharerCount + 1
        let all = names(of: [process] + view.listenerSharers.map(\.process), count: count)
        return "the \(count) processes that hold the listener (\(all))"
    }

    /// `lab-server[7410] accepts too slowly`, whoever of them.
    var slownessWords: String {
        listenerCrowd.map { "\($0) accept too slowly" }
            ?? "\(processName(kernel?.responder.listenerProcess)) accepts too slowly"
    }

    /// `lab-server[7410] does not call accept()`, nor does anybody else who could.
    var idlenessWords: String {
        listenerCrowd.map { "none of \($0) calls accept()" }
            ?? "\(processName(kernel?.responder.listenerProcess)) does not call accept()"
    }

    /// How the listener ended in whose queue a connection waited.
    func listenerEndWords(_ trace: TracedFacts) -> String {
        let process = processName(trace.resetProcess)
        if trace.resetByEnding { return "\(process) ended, and its listener with it," }
        // Where the end of the connection's own socket was told, that of its listener would have been.
        guard !trace.isListenerFreed, trace.destroyTime != nil, let view = kernel?.responder,
            let owner = view.listenerProcess
        else {
            return "\(process) closed its listener"
        }
        let holders = [owner] + view.listenerSharers.map(\.process)
        return holders.contains { $0.pid == trace.resetProcess?.pid }
            ? "\(process) shut its listener down (shutdown())"
            : "\(process) destroyed the listener of \(processName(owner)) (SOCK_DESTROY, as ss -K does)"
    }

    /// `; 4 octets that the other side sent are lost`: nobody could read what a connection had received that nobody had accepted.
    func unacceptedWords(_ side: Side) -> String {
        let octets = sentText(side.other)
        return octets > 0
            ? "; \(counted(octets, "octet")) that \(name(side.other)) sent \(verb(octets, "is", "are")) lost" : ""
    }

    /// The same as evidence.
    func unacceptedEvidence(_ side: Side) -> [Finding.Evidence] {
        let octets = sentText(side.other)
        return octets > 0 ? [.init("octets_lost", .number(Int64(clamping: octets)))] : []
    }

    private func sentText(_ side: Side) -> UInt64 { connection.counters[Int(side.rawValue)].uniqueBytes }

    /// What keeps those who are to accept from it: of several, each that can do nothing.
    var acceptTroubleWords: String {
        guard listenerCrowd != nil, let view = kernel?.responder else {
            return troubleWords(.responder, accepting: true)
        }
        return view.troubledSharers.map { troubleWords($0.process, $0.trouble, accepting: true) }.joined()
    }

    /// The same as evidence.
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
